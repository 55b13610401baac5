// The executor against the naive interpreter, on random programs; then its promise on bits: an item's outputs depend
// neither on the threads, nor on the batch around it, nor on tiles and boxes.
#include "cpu/executor.h"

#include "compare.h"
#include "core/box.h"
#include "cpu/dispatch.h"

using namespace brauer;
using namespace compare;

namespace {

constexpr double kTiny = 64, kLarge = 1 << 22;

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

void compare_naive(const Case& test, Dtype dtype, const KernelTable* kernels, double tile_bytes, int threads,
                   Index batch, bool reals, std::int64_t expected_batch = 1) {
  const auto executable = make(test, dtype, kernels, tile_bytes, expected_batch);
  if (executable)
    with_naive(test, *executable, dtype, threads, batch, reals,
               label(test, kernels, dtype, batch) + " tile " + std::to_string(tile_bytes));
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

void long_sum(const KernelTable* kernels, Index n, Index channels) {
  const auto executable = make(compare::long_sum(n, channels), Dtype::f32, kernels, kLarge);
  if (executable) check_long_sum(*executable, n, channels, kernels->name);
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

// The seeds of the programs, the first and the last.
int main(int argc, char** argv) {
  const std::uint64_t first = argc > 1 ? std::uint64_t(std::atoi(argv[1])) : 1;
  const std::uint64_t last = argc > 2 ? std::uint64_t(std::atoi(argv[2])) : 300;
  boxes();
  for (const Implementation& each : implementations()) {
    if (!each.available) {
      std::printf("skipped %s: not on this machine\n", each.table->name);
      continue;
    }
    conversions(each.table);
    for (Index channels : {1, 3, 4, 20}) long_sum(each.table, channels == 1 ? 2048 : 512, channels);
    for (std::uint64_t seed = first; seed <= last; seed++) {
      const bool shared = seed % 3 == 0;
      const Case test = random_case(seed, shared);
      for (Dtype dtype : {Dtype::f32, Dtype::f64}) {
        compare_naive(test, dtype, each.table, kLarge, 1, 3, seed % 2);
        compare_naive(test, dtype, each.table, kTiny, 3, Index(seed % 4), seed % 2);
        // Items side by side, some lanes empty.
        if (seed % 2) compare_naive(test, dtype, each.table, kLarge, 2, 1 + Index(seed % 40), seed % 3, kManyItems);
      }
      compare_naive(test, seed % 2 ? Dtype::f16 : Dtype::bf16, each.table, seed % 5 ? kLarge : kTiny, 2, 2, false);
      compare_bits(test, Dtype(seed % 4), each.table, shared, seed / 4 % 2 ? kManyItems : 1);
    }
  }
  return check::finish();
}
