// Both executors on the emulated device against the naive interpreter, on random programs; then their promise on bits.

#include <algorithm>

#include "compare.h"
#include "core/cuda.h"
#include "cuda/device.h"
#include "cuda/memory.h"
#include "emulation/control.h"

using namespace brauer;
using namespace compare;

namespace {

constexpr std::int64_t kTight = 4096, kPlenty = std::int64_t(1) << 30;

const char* name(cuda::Mode mode) { return mode == cuda::Mode::fused ? "fused" : "staged"; }

cuda::LoadOptions options_of(cuda::Mode mode, std::int64_t memory) {
  cuda::LoadOptions options;
  options.mode = mode, options.memory = memory;
  return options;
}

std::unique_ptr<cuda::DeviceProgram> make(const Case& test, Dtype dtype, cuda::Mode mode, std::int64_t memory) {
  Status status;
  auto executable = cuda::load(test.words.data(), test.words.size(), dtype, options_of(mode, memory), status);
  CHECK_WITH(executable != nullptr, test.name + " " + status.message);
  return executable;
}

std::string label(const Case& test, Dtype dtype, cuda::Mode mode, Index batch) {
  return test.name + " " + name(mode) + " dtype " + std::to_string(int(dtype)) + " batch " + std::to_string(batch);
}

void compare_naive(const Case& test, Dtype dtype, cuda::Mode mode, std::int64_t memory, Index batch, bool reals) {
  const auto executable = make(test, dtype, mode, memory);
  if (executable) with_naive(test, *executable, dtype, 0, batch, reals, label(test, dtype, mode, batch));
}

// ThreadSanitizer takes seconds for a large product, and what it looks at is the same in each.
const bool is_brief = emulation::finder() == emulation::Finder::thread_sanitizer;

// An item larger than any shared memory, or than that of sm_80: x transposed, each row then multiplied.
Case large_item() {
  const Index kRows = is_brief ? 212 : 300, kChannels = is_brief ? 200 : 240;
  Program program{};
  program.buffers = {
      build::buffer(Role::input, false, kRows * kChannels), build::buffer(Role::input, true, kRows * kRows),
      build::buffer(Role::scratch, false, kRows * kChannels), build::buffer(Role::output, false, kRows * kChannels)};
  program.scratch_size = kRows * kChannels;
  program.instructions.push_back(
      Strided{2, 0, 0, 0, 1, true, {{kChannels, kRows, 1, false, 0}, {kRows, 1, kChannels, false, 0}}});
  program.instructions.push_back(
      Mix{MixForm::forward, 2, 1, 3, 0, 0, 0, kRows, kRows, kRows, kChannels, kRows, kRows, true});
  return {"large item", program, build::encode(program)};
}

// Products by tensor cores: each factor loses what is past 11 bits, or, split, nearly nothing.
void compare_tensor_cores(const Case& test, cuda::Mode mode, Index batch) {
  for (const auto& [precision, tolerance] :
       {std::pair{cuda::Precision::tf32, 8e-3}, std::pair{cuda::Precision::split, 2e-5}}) {
    Status status;
    cuda::LoadOptions options;
    options.mode = mode, options.precision = precision;
    const auto executable = cuda::load(test.words.data(), test.words.size(), Dtype::f32, options, status);
    if (CHECK_WITH(executable != nullptr, test.name + " " + status.message))
      with_naive(test, *executable, Dtype::f32, 0, batch, true, label(test, Dtype::f32, mode, batch) + " tf32",
                 tolerance);
  }
}

// Rounding shows: tf32 is no name for float32, and three products of it are near that.
void tensor_cores_round(cuda::Mode mode) {
  const Case test = large_item();
  double error[3] = {};
  for (const cuda::Precision precision : {cuda::Precision::highest, cuda::Precision::tf32, cuda::Precision::split}) {
    Status status;
    cuda::LoadOptions options;
    options.mode = mode, options.precision = precision;
    const auto executable = cuda::load(test.words.data(), test.words.size(), Dtype::f32, options, status);
    if (!CHECK_WITH(executable != nullptr, status.message)) return;
    Operands operands = allocate(*executable, 1);
    fill(*executable, Dtype::f32, operands, 0, 1, true, 3);
    CHECK(executable->run(1, operands.pointers.data(), 0, nullptr).ok());
    naive::Memory expected;
    reference(test, *executable, Dtype::f32, 1, operands, false, expected);
    double sum = 0, norm = 0;
    for (std::size_t e = 0; e < expected.buffers[3].size(); e++) {
      const double want = expected.buffers[3][e], got = to_double(Dtype::f32, operands.pointers[2], Index(e));
      sum += (got - want) * (got - want), norm += want * want;
    }
    error[int(precision)] = std::sqrt(sum / norm);
  }
  CHECK_WITH(error[0] < 1e-6 && error[2] < 2e-6 && error[1] > 5e-5 && error[1] < 1e-3,
             std::to_string(error[0] * 1e6) + " " + std::to_string(error[1] * 1e6) + " " +
                 std::to_string(error[2] * 1e6) + " e-6");
}

// An item's bits depend neither on the batch around it nor on how it is cut nor, twice, on the run.
void compare_bits(const Case& test, Dtype dtype, cuda::Mode mode, bool shared) {
  const auto whole = make(test, dtype, mode, kPlenty), cut = make(test, dtype, mode, kTight);
  if (!whole || !cut) return;
  constexpr Index kBatch = 7;
  const auto expected = outputs(test, *whole, dtype, 0, 0, kBatch);
  const auto same = [&](const Executable& executable, Index first, Index batch, const char* what) {
    const auto got = outputs(test, executable, dtype, 0, first, batch);
    bool equal = true;
    for (std::size_t i = 0; i < got.size(); i++) {
      const std::size_t item = shared ? 0 : expected[i].size() / std::size_t(kBatch) * std::size_t(first);
      equal &= std::memcmp(got[i].data(), expected[i].data() + item, got[i].size()) == 0;
    }
    CHECK_WITH(equal, label(test, dtype, mode, batch) + " first " + std::to_string(first) + " " + what);
  };
  same(*whole, 0, kBatch, "again");
  if (shared) return;
  same(*cut, 0, kBatch, "cut");
  same(*whole, 3, 1, "alone");
  same(*cut, 2, 2, "cut");
}

// Enqueued twice over operands on the device, whole and cut, against a run over operands of the host.
void compare_bound(const Case& test, Dtype dtype, cuda::Mode mode) {
  constexpr Index kBatch = 37;
  const auto program = make(test, dtype, mode, kPlenty), cut = make(test, dtype, mode, kTight);
  if (!program || !cut) return;
  Operands host = allocate(*program, kBatch);
  fill(*program, dtype, host, 0, kBatch, true, 5);
  CHECK(program->run(kBatch, host.pointers.data(), 0, nullptr).ok());
  // What sums over items does so in parts that depend on how they are cut.
  const bool cut_alike = std::none_of(test.program.buffers.begin(), test.program.buffers.end(),
                                      [](const Buffer& buffer) { return buffer.shared_output(); });
  cuda::Stream* stream = nullptr;
  CHECK(cuda::create_stream(0, stream).ok());
  for (const cuda::DeviceProgram* each : {program.get(), cut_alike ? cut.get() : program.get()}) {
    std::vector<cuda::DeviceMemory> memory;
    std::vector<void*> pointers;
    for (std::size_t i = 0; i < host.bytes.size(); i++) {
      CHECK(memory.emplace_back(0).reserve(host.bytes[i] + 1).ok());
      pointers.push_back(memory[i].get());
      if (!each->operand(i).output) CHECK(cuda::copy(stream, pointers[i], host.pointers[i], host.bytes[i]).ok());
    }
    Status status;
    const auto run = each->bind(kBatch, pointers.data(), stream, status);
    if (!CHECK_WITH(run != nullptr, label(test, dtype, mode, kBatch) + " " + status.message)) break;
    CHECK(run->enqueue().ok() && run->enqueue().ok());
    bool equal = true;
    for (std::size_t i = 0; i < host.bytes.size(); i++) {
      std::vector<unsigned char> got(host.bytes[i]);
      CHECK(cuda::copy(stream, got.data(), pointers[i], got.size()).ok());
      equal &= std::memcmp(got.data(), host.pointers[i], got.size()) == 0;
    }
    CHECK(cuda::synchronise(stream).ok());
    CHECK_WITH(equal, label(test, dtype, mode, kBatch) + " bound");
  }
  cuda::destroy_stream(stream);
}

}  // namespace

// The seeds of the programs, the first and the last.
int main(int argc, char** argv) {
  const std::uint64_t first = argc > 1 ? std::uint64_t(std::atoi(argv[1])) : 1;
  const std::uint64_t last = argc > 2 ? std::uint64_t(std::atoi(argv[2])) : 60;
  for (const cuda::Mode mode : {cuda::Mode::fused, cuda::Mode::staged}) {
    const Case sum = long_sum(128, 4);
    if (const auto executable = make(sum, Dtype::f32, mode, kPlenty)) check_long_sum(*executable, 128, 4, name(mode));
    for (const Dtype dtype : {Dtype::f32, Dtype::f16})
      compare_naive(large_item(), dtype, mode, kPlenty, is_brief ? 1 : 3, true);
    if (!is_brief) tensor_cores_round(mode);
    for (std::uint64_t seed = first; seed <= last; seed++) {
      const bool shared = seed % 3 == 0;
      const Case test = random_case(seed, shared);
      compare_naive(test, Dtype::f32, mode, kPlenty, 3, seed % 2);
      compare_naive(test, Dtype::f64, mode, seed % 2 ? kPlenty : kTight, Index(seed % 5), seed % 2);
      compare_naive(test, seed % 2 ? Dtype::f16 : Dtype::bf16, mode, kPlenty, 2, false);
      if (seed % 3 == 1) compare_tensor_cores(test, mode, 3);
      if (seed % 4 == 0) compare_bits(test, Dtype(seed / 4 % 4), mode, shared);
      if (seed % 4 == 1) compare_bound(test, Dtype(seed / 4 % 4), mode);
    }
  }
  return check::finish();
}
