// The executor against the naive interpreter, on random programs; then its promise on bits: an item's outputs depend
// neither on the threads, nor on the batch around it, nor on tiles and boxes.
#include "cpu/executor.h"

#include <cmath>
#include <cstring>
#include <memory>

#include "check.h"
#include "core/dtype.h"
#include "cpu/box.h"
#include "cpu/dispatch.h"
#include "generate.h"
#include "naive.h"

using namespace brauer;

namespace {

constexpr double kTiny = 64, kLarge = 1 << 22;

struct Case {
  std::string name;
  Program program;
  std::vector<double> words;
};

double to_double(Dtype dtype, const void* data, Index i) {
  switch (dtype) {
    case Dtype::f32:
      return static_cast<const float*>(data)[i];
    case Dtype::f64:
      return static_cast<const double*>(data)[i];
    case Dtype::f16:
      return f16_to_float(static_cast<const std::uint16_t*>(data)[i]);
    default:
      return bf16_to_float(static_cast<const std::uint16_t*>(data)[i]);
  }
}

void from_double(Dtype dtype, void* data, Index i, double value) {
  switch (dtype) {
    case Dtype::f32:
      static_cast<float*>(data)[i] = float(value);
      return;
    case Dtype::f64:
      static_cast<double*>(data)[i] = value;
      return;
    case Dtype::f16:
      static_cast<std::uint16_t*>(data)[i] = float_to_f16(float(value));
      return;
    default:
      static_cast<std::uint16_t*>(data)[i] = float_to_bf16(float(value));
      return;
  }
}

// Operands of one run, each in an allocation of exactly its size, so that AddressSanitizer sees one element too far.
struct Operands {
  std::vector<std::unique_ptr<unsigned char[]>> data;
  std::vector<std::size_t> bytes;
  std::vector<void*> pointers;
};

Dtype stored(const Operand& operand, Dtype dtype) { return operand.shared && dtype != Dtype::f64 ? Dtype::f32 : dtype; }

Operands allocate(const Executable& executable, Index batch) {
  Operands operands;
  for (std::size_t i = 0; i < executable.operand_count(); i++) {
    const Operand& operand = executable.operand(i);
    const auto size = std::size_t((operand.shared ? 1 : batch) * operand.size * operand.element_bytes);
    operands.data.push_back(std::make_unique<unsigned char[]>(size));
    std::memset(operands.data.back().get(), 0xff, size);  // NaN: outputs are undefined before the run
    operands.bytes.push_back(size);
    operands.pointers.push_back(operands.data.back().get());
  }
  return operands;
}

// Items [first, first + batch) of the inputs of a larger batch. Integers are exact in every dtype, reals are not.
void fill(const Executable& executable, Dtype dtype, Operands& operands, Index first, Index batch, bool reals,
          std::uint64_t seed) {
  for (std::size_t i = 0; i < executable.operand_count(); i++) {
    const Operand& operand = executable.operand(i);
    if (operand.output) continue;
    for (Index item = 0; item < (operand.shared ? 1 : batch); item++) {
      build::Random random(seed * 1000 + i * 100 + std::uint64_t(operand.shared ? 0 : first + item));
      for (Index e = 0; e < operand.size; e++) {
        const double value = reals ? random.real() : double(random.between(-2, 2));
        from_double(stored(operand, dtype), operands.pointers[i], item * operand.size + e, value);
      }
    }
  }
}

// Makes programs with short rows run with items side by side.
constexpr std::int64_t kManyItems = 64;

std::unique_ptr<Executable> make(const Case& test, Dtype dtype, const KernelTable* kernels, double tile_bytes,
                                 std::int64_t expected_batch = 1) {
  Status status;
  auto executable =
      load(test.words.data(), test.words.size(), dtype, {kernels, tile_bytes, 1, expected_batch, 0}, status);
  CHECK_WITH(executable != nullptr, test.name + " " + status.message);
  return executable;
}

std::string label(const Case& test, const KernelTable* kernels, Dtype dtype, Index batch) {
  return test.name + " " + kernels->name + " dtype " + std::to_string(int(dtype)) + " batch " + std::to_string(batch);
}

// The naive result, and the same with every factor replaced by its absolute value: the scale of rounding errors.
void reference(const Case& test, const Executable& executable, Dtype dtype, Index batch, const Operands& operands,
               bool absolute, naive::Memory& memory) {
  Program program = test.program;
  if (absolute) {
    for (double& value : program.constants) value = std::fabs(value);
    for (Entry& entry : program.table) entry.sign = std::llabs(entry.sign);
    for (Instruction& instruction : program.instructions) {
      if (auto* s = std::get_if<Strided>(&instruction)) {
        s->scale = std::fabs(s->scale);
        for (Loop& loop : s->loops) loop.alternate = false;
      } else if (auto* g = std::get_if<Gather>(&instruction)) {
        g->scale = std::fabs(g->scale);
        for (Loop& loop : g->loops) loop.alternate = false;
      }
    }
  }
  memory.buffers.assign(program.buffers.size(), {});
  std::size_t operand = 0;
  for (std::size_t b = 0; b < program.buffers.size(); b++) {
    if (program.buffers[b].role != Role::input) continue;
    const Operand& o = executable.operand(operand);
    const Index count = (o.shared ? 1 : batch) * o.size;
    for (Index e = 0; e < count; e++) {
      const double value = to_double(stored(o, dtype), operands.pointers[operand], e);
      memory.buffers[b].push_back(absolute ? std::fabs(value) : value);
    }
    operand++;
  }
  naive::Interpreter(program, batch, memory).run();
}

void compare(const Case& test, Dtype dtype, const KernelTable* kernels, double tile_bytes, int threads, Index batch,
             bool reals, std::int64_t expected_batch = 1) {
  const auto executable = make(test, dtype, kernels, tile_bytes, expected_batch);
  if (!executable) return;
  Operands operands = allocate(*executable, batch);
  fill(*executable, dtype, operands, 0, batch, reals, 7);
  naive::Memory expected, size;
  reference(test, *executable, dtype, batch, operands, false, expected);
  reference(test, *executable, dtype, batch, operands, true, size);
  const Status status = executable->run(batch, operands.pointers.data(), threads, nullptr);
  if (!CHECK_WITH(status.ok(), label(test, kernels, dtype, batch) + " " + status.message)) return;
  const double tolerance = dtype == Dtype::f64 ? 1e-14 : dtype == Dtype::f32 ? 4e-6 : dtype == Dtype::f16 ? 2e-3 : 1e-2;
  std::size_t operand = 0;
  for (const Role role : {Role::input, Role::output}) {
    for (std::size_t b = 0; b < test.program.buffers.size(); b++) {
      if (test.program.buffers[b].role != role) continue;
      const Operand& o = executable->operand(operand);
      for (std::size_t e = 0; e < expected.buffers[b].size() && role == Role::output; e++) {
        const double got = to_double(stored(o, dtype), operands.pointers[operand], Index(e)),
                     want = expected.buffers[b][e];
        if (dtype == Dtype::f16 && std::fabs(want) > 6e4) continue;
        if (std::fabs(got - want) <= tolerance * size.buffers[b][e]) continue;
        CHECK_WITH(false, label(test, kernels, dtype, batch) + " buffer " + std::to_string(b) + " element " +
                              std::to_string(e) + ": expected " + std::to_string(want) + ", received " +
                              std::to_string(got) + " tile " + std::to_string(tile_bytes));
        return;
      }
      operand++;
    }
  }
  CHECK(true);
}

// Bits of one run of items [first, first + batch), outputs only.
std::vector<std::vector<unsigned char>> outputs(const Case& test, const Executable& executable, Dtype dtype,
                                                int threads, Index first, Index batch) {
  Operands operands = allocate(executable, batch);
  fill(executable, dtype, operands, first, batch, true, 11);
  const Status status = executable.run(batch, operands.pointers.data(), threads, nullptr);
  CHECK_WITH(status.ok(), test.name + " " + status.message);
  std::vector<std::vector<unsigned char>> result;
  for (std::size_t i = 0; i < executable.operand_count(); i++)
    if (executable.operand(i).output)
      result.emplace_back(operands.data[i].get(), operands.data[i].get() + operands.bytes[i]);
  return result;
}

void compare_bits(const Case& test, Dtype dtype, const KernelTable* kernels, bool shared, std::int64_t expected_batch) {
  const auto load_with = [&](double tile_bytes) { return make(test, dtype, kernels, tile_bytes, expected_batch); };
  const auto whole = load_with(kLarge), cut = load_with(kTiny), middle = load_with(20000);
  if (!whole || !cut || !middle) return;
  constexpr Index kBatch = 7;
  const auto expected = outputs(test, *whole, dtype, 1, 0, kBatch);
  const auto same = [&](const Executable& executable, int threads, Index first, Index batch, const char* what) {
    const auto got = outputs(test, executable, dtype, threads, first, batch);
    bool equal = true;
    for (std::size_t i = 0; i < got.size(); i++) {
      const std::size_t item = shared ? 0 : expected[i].size() / std::size_t(kBatch) * std::size_t(first);
      equal &= std::memcmp(got[i].data(), expected[i].data() + item, got[i].size()) == 0;
    }
    CHECK_WITH(equal, label(test, kernels, dtype, batch) + " threads " + std::to_string(threads) + " first " +
                          std::to_string(first) + " " + what);
  };
  for (int threads : {2, 3}) same(*whole, threads, 0, kBatch, "whole");
  for (int threads : {1, 3}) same(*cut, threads, 0, kBatch, "cut");
  same(*middle, 2, 0, kBatch, "middle");
  if (shared) return;
  for (int threads : {1, 2, 3}) {
    same(*whole, threads, 3, 1, "whole");
    same(*cut, threads, 5, 1, "cut");
    same(*cut, threads, 2, 2, "cut");
    same(*middle, threads, 6, 1, "middle");
  }
}

Case random_case(std::uint64_t seed, bool shared) {
  Case test{"seed " + std::to_string(seed) + (shared ? " shared" : ""), build::Generator(seed, shared).make(), {}};
  test.words = build::encode(test.program);
  return test;
}

// All numbers of 16 bits, there and back, on every instruction set.
void conversions(const KernelTable* kernels) {
  if (!kernels->f16_to_float) return;
  bool widened = true, narrowed = true;
  std::vector<std::uint16_t> half(1 << 16), back(1 << 16);
  std::vector<float> wide(1 << 16);
  for (std::size_t i = 0; i < half.size(); i++) half[i] = std::uint16_t(i);
  kernels->f16_to_float(wide.data(), half.data(), Index(half.size()));
  for (std::size_t i = 0; i < half.size(); i++) {
    const float plain = f16_to_float(half[i]);
    widened &= std::memcmp(&plain, &wide[i], 4) == 0;
  }
  build::Random random(5);
  for (int round = 0; round < 50; round++) {
    for (auto& value : wide) {
      const auto bits = std::uint32_t(random.next());
      std::memcpy(&value, &bits, 4);
      if (round % 2) value = float(random.real() * std::pow(2.0, double(random.between(-30, 20))));
    }
    kernels->float_to_f16(back.data(), wide.data(), Index(wide.size()));
    for (std::size_t i = 0; i < wide.size(); i++) narrowed &= back[i] == float_to_f16(wide[i]);
  }
  CHECK_WITH(widened, kernels->name);
  CHECK_WITH(narrowed, kernels->name);
}

// The total of many positive numbers keeps its digits (2048² of them, as in S(2048)).
void long_sum(const KernelTable* kernels, Index n, Index channels) {
  Program program{};
  program.buffers = {build::buffer(Role::input, false, n * n * channels), build::buffer(Role::output, false, channels)};
  program.instructions.push_back(Strided{
      1, 0, 0, 0, 1, true, {{n, 0, n * channels, false, 0}, {n, 0, channels, false, 0}, {channels, 1, 1, false, 0}}});
  Case test{"long sum", program, build::encode(program)};
  const auto executable = make(test, Dtype::f32, kernels, kLarge);
  if (!executable) return;
  Operands operands = allocate(*executable, 1);
  auto* x = static_cast<float*>(operands.pointers[0]);
  std::vector<double> total(std::size_t(channels), 0);
  build::Random random(3);
  for (Index i = 0; i < n * n * channels; i++)
    total[std::size_t(i % channels)] += (x[i] = float(0.5 + 0.5 * random.real()));
  const Status status = executable->run(1, operands.pointers.data(), 1, nullptr);
  CHECK(status.ok());
  for (Index c = 0; c < channels; c++) {
    const double error = static_cast<float*>(operands.pointers[1])[c] / total[std::size_t(c)] - 1;
    CHECK_WITH(std::fabs(error) < 1e-6, std::string(kernels->name) + " channels " + std::to_string(channels) +
                                            " error " + std::to_string(error * 1e9) + "e-9");
  }
}

// Boxes share out the multi-indices: their rows add up, box by box and at most those of the largest one.
void boxes() {
  build::Random random(9);
  for (int round = 0; round < 300; round++) {
    const int d = int(random.between(1, 5));
    const Blocks blocks{random.between(1, 9), random.between(1, 9), d};
    std::vector<Index> kostka;
    for (int code = 0; code < codes(d); code++) kostka.push_back(random.between(0, 3));
    Index rows = 0, enumerated = 0;
    for (Index number = 0; number < blocks.boxes(); number++) {
      rows += box_rows(blocks.box(number), kostka);
      enumerate(blocks.box(number), [&](int code, const Index*, Index run) {
        enumerated += run * kostka[std::size_t(code)];
        return true;
      });
    }
    CHECK(rows == orbit_rows(blocks.n, kostka));
    CHECK(enumerated == rows);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t seeds = argc > 1 ? std::uint64_t(std::atoi(argv[1])) : 300;
  boxes();
  for (const Implementation& each : implementations()) {
    if (!each.available) {
      std::printf("skipped %s: not on this machine\n", each.table->name);
      continue;
    }
    conversions(each.table);
    for (Index channels : {1, 3, 4, 20}) long_sum(each.table, channels == 1 ? 2048 : 512, channels);
    for (std::uint64_t seed = 1; seed <= seeds; seed++) {
      const bool shared = seed % 3 == 0;
      const Case test = random_case(seed, shared);
      for (Dtype dtype : {Dtype::f32, Dtype::f64}) {
        compare(test, dtype, each.table, kLarge, 1, 3, seed % 2);
        compare(test, dtype, each.table, kTiny, 3, Index(seed % 4), seed % 2);
        // Items side by side, some lanes empty.
        if (seed % 2) compare(test, dtype, each.table, kLarge, 2, 1 + Index(seed % 40), seed % 3, kManyItems);
      }
      compare(test, seed % 2 ? Dtype::f16 : Dtype::bf16, each.table, seed % 5 ? kLarge : kTiny, 2, 2, false);
      compare_bits(test, Dtype(seed % 4), each.table, shared, seed / 4 % 2 ? kManyItems : 1);
    }
  }
  return check::finish();
}
