#include "cuda/counts.h"

#include <algorithm>
#include <cmath>

// Instructions are those of the loops in the machine code of compute capability 9.0: loads, stores, arithmetic, and the
// sums of 64 bits of which an address takes two.
namespace brauer::cuda {
namespace {

constexpr double kWarp = 32, kLine = 128;
constexpr double kPlace = 12;               // to split a job into its group and place
constexpr double kLoop = 12, kPointer = 6;  // to take a loop's digit off a place; to find an item's element
constexpr double kPlainTerms = 64;          // as in step.h
constexpr double kLongSum = 7;              // of a term of a long sum, for each element

double warps(double jobs) { return std::ceil(jobs / kWarp); }
double put(double vector, bool set) { return set ? 2 : 3 + vector; }

// Of so many rows, `stride` words apart, those of which shared memory gives `words` words each at the same time.
double beside(double rows, double stride, int words = 1) {
  std::vector<int> taken(32);
  for (std::int64_t row = 0; row < std::int64_t(rows); row++)
    for (std::int64_t word = 0; word < words; word++) taken[std::size_t((row * std::int64_t(stride) + word) % 32)]++;
  return std::max(1.0, std::floor(rows)) / std::max(1, *std::max_element(taken.begin(), taken.end()));
}

}  // namespace

void TeamTime::add(const Counts& counts, const OpCode& op) {
  if (op.barrier) {
    cycles_ = cycles() + kBarrierCycles;
    std::fill(loads_.begin(), loads_.end(), 0);
    instructions_ = 0, next_ = 0;
  }
  cycles_ += kOpCycles;
  if (counts.warps == 0) return;
  const double each = counts.instructions / counts.warps + kJobCycles, warps = double(loads_.size());
  const double rounds = std::floor(counts.warps / warps);
  for (double& load : loads_) load += rounds * each;
  for (double left = counts.warps - rounds * warps; left > 0; left--, next_ = (next_ + 1) % loads_.size())
    loads_[next_] += each;
  instructions_ += counts.instructions;
}

double TeamTime::cycles() const {
  return cycles_ + std::max(instructions_ / kIssue, *std::max_element(loads_.begin(), loads_.end())) / kOverlap;
}

Counts Counter::of(const OpCode& op, double items, double groups) const {
  switch (op.kind) {
    case Kind::zero:
      return of_zero(rows<ZeroCode>(code_->zeros)[op.index], items, groups);
    case Kind::move:
      return of_move(rows<MoveCode>(code_->moves)[op.index], items, groups);
    case Kind::product: {
      const auto& product = rows<ProductCode>(code_->products)[op.index];
      return of_product(product, product.rows, items, in_shared_, in_shared_ && resident_);
    }
    case Kind::weights: {
      const auto& weights = rows<WeightsCode>(code_->weights)[op.index];
      return of_weights(weights, weights.rows, items, groups);
    }
    case Kind::orbit:
      break;
  }
  const auto& orbit = rows<OrbitCode>(code_->orbits)[op.index];
  return orbit.list_count > 0 ? of_lists(orbit, orbit.lists, orbit.list_count, false, items, groups)
                              : of_orbit(orbit, items, groups);
}

Counts Counter::of_zero(const ZeroCode& zero, double items, double groups) const {
  const double each = std::ceil(items / groups);
  const double all = warps(zero.work * groups);
  Counts counts;
  counts.warps = all, counts.instructions = all * (kPlace + kLoop + each * kPointer);
  counts.writes = zero.work * items * zero.vector * bytes_;
  return counts;
}

Counts Counter::of_move(const MoveCode& move, double items, double groups) const {
  const auto* const group = rows<GroupCode>(code_->groups) + move.groups;
  const auto* const loops = rows<LoopCode>(code_->loops) + move.loops;
  double entries = 0;
  for (std::uint32_t g = 0; g < move.group_count; g++) entries += group[g].end - group[g].first;
  entries /= std::max(1u, move.group_count);
  const double inner = loops[move.parallel + move.reduced - 1].extent.divisor, vector = move.vector;
  const double terms = entries * move.settings * inner;
  const double per_term = (terms > kPlainTerms ? kLongSum : 1) * vector + 4;
  const double per_item = 2 * kPointer + 20 + vector + put(vector, move.set) + terms * per_term +
                          entries * move.settings * (20 + kLoop * (move.reduced - 1));
  const double per_job = 2 * kPlace + 30 + (move.listed > 0 ? 8 : kLoop * move.parallel);
  const double jobs = move.serial ? items : move.work * groups, outputs = double(move.work) * items;
  const double size = vector * bytes_;
  Counts counts;
  counts.warps = warps(jobs);
  counts.instructions = counts.warps * (per_job + std::ceil(items / groups) * per_item);
  counts.multiplies = outputs * terms * vector;
  counts.reads = outputs * (terms + (move.set ? 0 : 1)) * size, counts.writes = outputs * size;
  return counts;
}

Counts Counter::of_product(const ProductCode& product, double rows, double items, bool in_shared,
                           bool right_in_shared) const {
  if (precision_ != Precision::highest && !product.own && !product.serial)
    return of_tensor_product(product, rows, items, in_shared);
  const double wide = product.pairs ? 2 : 1, vector = product.vector;
  const double height = product.own ? 1 : product.pairs ? pair_rows_ : kProductRows;
  const double blocks = std::ceil(rows * items / height), workers = blocks * product.col_blocks;
  const double step = 16 / bytes_, loads = product.left_vector ? 1 : step;  // of a row of left
  const double left = loads + (product.pairs && in_shared ? 1 : 2);
  const double right = product.pairs ? 2 * wide : vector == 1 ? 4 : 18;
  const double others = 3 + (product.pairs && right_in_shared ? 0 : 7);
  const double per_step = step * (height * wide * vector + right) + left * height + others;
  const double per_row = 28 + wide * (2 + put(vector, product.set));
  const double steps = std::ceil(product.inner / step), out = rows * items * product.cols * bytes_;
  Counts counts;
  counts.warps = warps(workers);
  counts.instructions = counts.warps * (80 + height * per_row + steps * per_step);
  counts.multiplies = rows * items * product.inner * product.cols;
  // Lanes of a row of left share what they read.
  const double across = std::min(kWarp, double(product.col_blocks));
  const double read = workers / across * height * steps * loads;
  counts.reads = read * step / loads * bytes_ + (product.set ? 0 : out);
  const double at_once = loads > 1 ? beside(kWarp / across, height * product.left_row) : 1;
  counts.lost = read * (kLine / at_once - step / loads * bytes_);
  counts.writes = out;
  counts.weights = workers * product.inner * wide * vector * bytes_ / std::max(1.0, std::floor(kWarp / across));
  return counts;
}

Counts Counter::of_tensor_product(const ProductCode& product, double rows, double items, bool in_shared) const {
  const bool split = precision_ == Precision::split;
  const double height = 16, width = 64;
  const double blocks = std::ceil(rows * items / height), steps = std::ceil(product.inner / 8.0);
  const double tiles = std::ceil(product.cols / 8.0), spans = std::ceil(product.cols / width);
  // To load, round and, split, take the rest of four values of left and of two of right in each lane, one by one.
  const double left = split ? 60 : 40, right = split ? 51 : 38, stored = 63;
  const double out = rows * items * product.cols * bytes_;
  Counts counts;
  counts.warps = blocks * spans;
  counts.instructions = blocks * (spans * (100 + steps * left) + tiles * (steps * right + stored));
  counts.tensor = blocks * tiles * steps * (split ? 3 : 1);
  counts.multiplies = rows * items * product.inner * product.cols;
  counts.reads = blocks * height * spans * product.inner * bytes_ + (product.set ? 0 : out);
  // Four values of eight rows in each of four loads.
  if (in_shared) counts.lost = blocks * spans * steps * 4 * kLine * (8 / beside(8, product.left_row, 4) - 1);
  counts.writes = out;
  counts.weights = blocks * tiles * steps * 64 * bytes_;
  return counts;
}

Counts Counter::of_weights(const WeightsCode& weights, double rows, double items, double groups) const {
  const double jobs = weights.work * groups, each = std::ceil(items / groups), vector = weights.vector;
  const double per_row = kWeightRows * (vector + 3) + 5;
  Counts counts;
  counts.warps = warps(jobs);
  counts.instructions = counts.warps * (2 * kPlace + each * (2 * kPointer + rows * per_row) +
                                        kWeightRows * (put(vector, weights.set) + kLongSum * vector));
  counts.multiplies = rows * items * weights.inner * weights.cols;
  counts.reads = rows * items * (weights.inner + weights.cols) * bytes_ * 2;
  return counts;
}

Counts Counter::of_lists(const OrbitCode& orbit, std::uint32_t first, std::uint32_t count, bool corners, double items,
                         double groups) const {
  const auto* const numbers = rows<std::int32_t>(code_->numbers);
  const double settings = orbit.per_loops.divisor, vector = orbit.vector, size = vector * bytes_;
  const double each = std::ceil(items / groups), record = corners ? 20 : 11;
  Counts counts;
  for (std::uint32_t l = first; l < first + count; l++) {
    const ListCode& list = rows<ListCode>(code_->lists)[l];
    const double m = list.columns, places = (list.end - list.start) * settings, multi = list.count * settings;
    const double terms = numbers[list.starts + list.columns] - numbers[list.starts];
    const bool is_direct = has_direct(list.columns);
    const double sums = is_direct ? m : kChunk;
    const double own = 140 + 30 * orbit.loop_count + 4 * (l - first) + (is_direct ? m * record : 0);
    const double added = orbit.term_count > 0 ? sums * 48 + terms / m * sums * (18 + vector) : 0;
    const double summed = is_direct ? 8 + 28 * m + m * m * (vector + 0.5) : m * (42 + kChunk * vector);
    const double written = is_direct ? (orbit.set ? 0 : m * (2 + vector)) : sums * (record + put(vector, orbit.set));
    counts.warps += warps(places * groups);
    counts.instructions += warps(places * groups) * (own + each * (summed + added + written));
    counts.multiplies += multi * items * (m * m + terms) * vector;
    counts.reads += items * ((is_direct ? multi : places) * m + multi * (terms + (orbit.set ? 0 : m))) * size;
    counts.writes += items * multi * m * size;
  }
  return counts;
}

Counts Counter::of_orbit(const OrbitCode& orbit, double items, double groups) const {
  const auto* const compositions = rows<CompositionCode>(code_->compositions) + orbit.compositions;
  const auto* const numbers = rows<std::int32_t>(code_->numbers);
  const double settings = orbit.per_loops.divisor, vector = orbit.vector, size = vector * bytes_, d = orbit.d;
  const double each = std::ceil(items / groups), all = double(choose(orbit.n + orbit.d - 1, int(orbit.d)));
  Counts counts;
  double instructions = 0;  // of a warp
  const double beside = std::max(1.0, kWarp / settings);
  for (std::uint32_t code = 0; code < 1u << (orbit.d - 1); code++) {
    const double multi = double(choose(orbit.n, parts(int(code)))), m = compositions[code].columns;
    const double terms =
        numbers[compositions[code].terms + compositions[code].columns] - numbers[compositions[code].terms];
    const double column = 10 + 8 * d, row = 30 + kLoop * (1 + orbit.loop_count);
    const double own = 2 * kPlace + 40 + kLoop * orbit.loop_count;
    const double written = m * (column + row + kPointer + put(vector, orbit.set)) + terms * (20 + column + vector);
    const double sums = m * m * (vector + 2 + (orbit.inverse ? row : column) + kPointer);
    // A warp goes through all compositions that its lanes have.
    instructions += (1 - std::pow(1 - multi / all, beside)) * (own + each * (written + sums));
    counts.multiplies += multi * settings * items * (m * m + terms) * vector;
    counts.reads += multi * settings * items * (m * m + terms + (orbit.set ? 0 : m)) * size;
    counts.writes += multi * settings * items * m * size;
  }
  counts.warps = warps(all * settings * groups);
  counts.instructions = counts.warps * instructions;
  return counts;
}

Counts Counter::in_box(const OpCode& op, std::size_t section, std::int64_t box) const {
  const auto& code = rows<SectionCode>(code_->sections)[section];
  const auto* const numbers = rows<std::int32_t>(code_->numbers);
  const std::int32_t* const own = numbers + code.boxes + box * (1 + std::int64_t(code.orbits));
  const ShapeCode& shape = rows<ShapeCode>(code_->shapes)[code.shapes + std::uint32_t(own[0])];
  const auto rows_of = [&](std::int32_t lambda, std::uint32_t whole) {
    return lambda < 0 ? double(whole) : double(numbers[shape.rows + std::uint32_t(lambda)]);
  };
  if (op.kind == Kind::product) {
    const auto& product = rows<ProductCode>(code_->products)[op.index];
    return of_product(product, rows_of(product.lambda, product.rows), 1, true, false);
  }
  if (op.kind == Kind::weights) {
    const auto& weights = rows<WeightsCode>(code_->weights)[op.index];
    return of_weights(weights, rows_of(weights.lambda, weights.rows), 1, 1);
  }
  const auto& orbit = rows<OrbitCode>(code_->orbits)[op.index];
  const std::int32_t* const lists = numbers + shape.orbits + 2 * orbit.number;
  return of_lists(orbit, std::uint32_t(lists[0]), std::uint32_t(lists[1]), own[1] >= 0, 1, 1);
}

}  // namespace brauer::cuda
