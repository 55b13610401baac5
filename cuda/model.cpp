#include "cuda/model.h"

#include <algorithm>
#include <cmath>

#include "cuda/kernels/kernels.h"

namespace brauer::cuda {
namespace {

constexpr double kWarp = 32, kLine = 128;  // threads, bytes that shared memory gives in a cycle
constexpr double kIssue = 4;               // instructions that a multiprocessor starts in a cycle
constexpr double kLaunch = 2.5e-6;         // seconds from one kernel of a stream to the next
constexpr double kFirstLaunch = 5e-6;
constexpr double kBarrierCycles = 40, kOpCycles = 150;  // that a team waits at a barrier; that it takes to begin
// Part of the least time that overlapping work reaches, where enough warps are there.
constexpr double kOverlap = 0.8;

// What one instruction does in one item, in operations of single threads and bytes.
struct Counts {
  double jobs = 0;               // that must find their place
  double instructions = 0;       // beside those for the places
  double multiplies = 0;         // products and sums, of which one instruction does one
  double reads = 0, writes = 0;  // bytes of items' buffers
  double weights = 0;            // bytes of what is the same for all items, read anew by each worker
};

class Counter {
 public:
  Counter(const Compiled& compiled, int element_bytes)
      : code_(reinterpret_cast<const CodeTables*>(compiled.code.data())), bytes_(element_bytes) {}

  Counts of(const OpCode& op) const {
    switch (op.kind) {
      case Kind::zero: {
        const auto& zero = table<ZeroCode>(code_, code_->zeros)[op.index];
        return {double(zero.work), double(zero.work), 0, 0, double(zero.work) * bytes_, 0};
      }
      case Kind::move:
        return of(table<MoveCode>(code_, code_->moves)[op.index]);
      case Kind::product:
        return of(table<ProductCode>(code_, code_->products)[op.index]);
      case Kind::weights:
        return of(table<WeightsCode>(code_, code_->weights)[op.index]);
      case Kind::orbit:
        break;
    }
    return of(table<OrbitCode>(code_, code_->orbits)[op.index]);
  }

 private:
  Counts of(const MoveCode& move) const {
    const auto* const groups = table<GroupCode>(code_, code_->groups) + move.groups;
    const auto* const loops = table<LoopCode>(code_, code_->loops) + move.loops;
    double entries = 0;
    for (std::uint32_t g = 0; g < move.group_count; g++) entries += groups[g].end - groups[g].first;
    const double outputs = move.work, size = double(move.vector) * bytes_;
    const double terms = outputs / std::max(1u, move.group_count) * entries * move.settings *
                         loops[move.parallel + move.reduced - 1].extent.divisor;
    return {outputs,
            terms * (2 + move.vector) + outputs * (6 + 2.0 * move.vector),
            terms * move.vector,
            terms * size + (move.set ? 0 : outputs * size),
            outputs * size,
            0};
  }

  Counts of(const ProductCode& product) const {
    const double workers = std::ceil(double(product.rows) / 8) * product.col_blocks;
    const double products = double(product.rows) * product.inner * product.cols;
    // Eight rows by a vector: of a step along the inner index the loads are one of `right` and, by vectors, two of
    // left.
    const double steps = workers * product.inner;
    const double out = double(product.rows) * product.cols * bytes_;
    return {workers,
            products + steps * (product.left_vector ? 3 : 9) + workers * 60,
            products,
            workers * 8 * product.inner * bytes_ / std::min(8.0, std::max(1.0, double(product.col_blocks))) +
                (product.set ? 0 : out),
            out,
            steps * product.vector * bytes_ / 2};
  }

  Counts of(const WeightsCode& weights) const {
    const double products = double(weights.rows) * weights.inner * weights.cols;
    const double steps = double(weights.rows) * weights.work;
    return {double(weights.work),
            products + steps * (1 + kWeightRows),
            products,
            double(weights.rows) * (weights.inner + weights.cols) * bytes_ * 2,
            0,
            0};
  }

  Counts of(const OrbitCode& orbit) const {
    const auto* const compositions = table<CompositionCode>(code_, code_->compositions) + orbit.compositions;
    const auto* const numbers = table<std::int32_t>(code_, code_->numbers);
    Counts counts;
    const double settings = orbit.per_loops.divisor, size = double(orbit.vector) * bytes_;
    for (std::uint32_t code = 0; code < 1u << (orbit.d - 1); code++) {
      const double multi = double(choose(orbit.n, parts(int(code)))) * settings, m = compositions[code].columns;
      const double terms =
          numbers[compositions[code].terms + compositions[code].columns] - numbers[compositions[code].terms];
      counts.jobs += multi * (1 + m / 2);
      counts.instructions += multi * (m * m * (orbit.vector + 1) + 6 * m + terms * (10 + orbit.vector));
      counts.multiplies += multi * (m * m + terms) * orbit.vector;
      counts.reads += multi * (m + terms + (orbit.set ? 0 : m)) * size;
      counts.writes += multi * m * size;
    }
    return counts;
  }

  const CodeTables* code_;
  double bytes_;
};

// Instructions of a job to find its place, threads together.
constexpr double kPlaceInstructions = 40;

// Adds an instruction of `items` items; groups: how often the place is found.
void add(Estimate& estimate, const Counts& counts, double items, double groups) {
  const double own = counts.jobs * kPlaceInstructions * groups;
  estimate.instructions += (own + counts.instructions * items) / kWarp;
  estimate.multiplies += counts.multiplies * items;
  estimate.shared_bytes += (counts.reads + counts.writes) * items;
}

}  // namespace

DeviceRates rates_of(const DeviceInfo& device) {
  struct Known {
    const char* name;
    DeviceRates rates;
  };
  // Copies: measured for H200; nine tenths of the datasheet's bandwidth for the others.
  static constexpr Known kKnown[] = {
      {"H200", {4.3e12, 1.98e9, 7e12}},  {"H100", {3.0e12, 1.98e9, 7e12}}, {"A100", {1.75e12, 1.41e9, 4.5e12}},
      {"L40S", {0.78e12, 2.52e9, 5e12}}, {"L4", {0.27e12, 2.04e9, 2e12}},  {"4090", {0.91e12, 2.52e9, 5e12}},
  };
  for (const Known& known : kKnown)
    if (device.name.find(known.name) != std::string::npos) return known.rates;
  return {0.5e12, 1.7e9, 2e12};
}

Estimate estimate_fused(const Program& program, const Compiled& compiled, const FusedLayout& layout, int element_bytes,
                        int storage_bytes, std::int64_t batch, const DeviceInfo& device) {
  const DeviceRates rates = rates_of(device);
  const Counter counter(compiled, element_bytes);
  Estimate estimate;
  estimate.launches = 1;
  estimate.shared_memory = double(layout.shared);
  const double tiles = std::ceil(double(batch) / layout.tile), items = std::min<double>(double(batch), layout.tile);
  const bool two = 2 * layout.shared <= std::size_t(device.shared_per_multiprocessor);
  const double blocks = std::min(std::ceil(tiles / layout.teams), double(device.multiprocessors) * (two ? 2 : 1));
  Estimate tile;
  double weights = 0;
  for (std::size_t i = 0; i < compiled.ops.size(); i++) {
    const Counts counts = counter.of(compiled.ops[i]);
    add(tile, counts, items, layout.groups[i]);
    tile.barriers += compiled.ops[i].barrier;
    weights += counts.weights * items;
  }
  double io = 0, shared_inputs = 0;
  for (const Buffer& buffer : program.buffers) {
    if (buffer.role != Role::input && buffer.role != Role::output) continue;
    (buffer.shared ? shared_inputs : io) += double(buffer.size) * (buffer.shared ? element_bytes : storage_bytes);
  }
  tile.barriers += 3;
  tile.shared_bytes += io / storage_bytes * element_bytes * items;
  tile.instructions += io / storage_bytes * items / (16.0 / element_bytes) / kWarp * 4;
  estimate.global_bytes = io * double(batch) + shared_inputs;
  estimate.instructions = tile.instructions * tiles, estimate.multiplies = tile.multiplies * tiles;
  estimate.barriers = tile.barriers;
  estimate.shared_bytes = (tile.shared_bytes + (layout.resident > 0 ? weights : 0)) * tiles;
  estimate.l2_bytes = blocks * shared_inputs + (layout.resident > 0 ? 0 : weights * tiles / 8) +
                      (layout.in_shared ? 0 : estimate.shared_bytes);
  const double busy = std::min<double>(blocks, device.multiprocessors);
  const double per_multiprocessor = busy * rates.clock;
  const double in_flight = blocks * layout.teams;
  const double waiting =
      tiles / in_flight * (tile.barriers * kBarrierCycles + double(compiled.ops.size()) * kOpCycles) / rates.clock;
  const double least = std::max({estimate.global_bytes / rates.bandwidth, estimate.l2_bytes / rates.l2,
                                 estimate.instructions / kIssue / per_multiprocessor,
                                 (layout.in_shared ? estimate.shared_bytes : 0) / kLine / per_multiprocessor});
  estimate.seconds = kFirstLaunch + least / kOverlap + waiting / (two ? 2 : 1);
  return estimate;
}

Estimate estimate_staged(const Program& program, const Compiled& compiled, int element_bytes, int storage_bytes,
                         std::int64_t batch, const DeviceInfo& device) {
  const DeviceRates rates = rates_of(device);
  const Counter counter(compiled, element_bytes);
  Estimate estimate;
  const double per_device = device.multiprocessors * rates.clock;
  std::size_t section = 0;
  double converted = 0;
  for (const Buffer& buffer : program.buffers)
    if (!buffer.shared && (buffer.role == Role::input || buffer.role == Role::output) && storage_bytes == 2)
      converted += double(buffer.size) * (storage_bytes + element_bytes) * double(batch);
  estimate.global_bytes = converted, estimate.seconds = kFirstLaunch + converted / rates.bandwidth;
  for (std::size_t i = 0; i < compiled.ops.size();) {
    const bool boxed = section < compiled.sections.size() && compiled.sections[section].first == i;
    const std::size_t end = boxed ? compiled.sections[section].end : i + 1;
    Estimate launch;
    double bytes = 0;
    for (; i < end; i++) {
      const Counts counts = counter.of(compiled.ops[i]);
      // A group of items for each job that the device has no other work for.
      const double groups =
          std::clamp(device.multiprocessors * 2048.0 / std::max(counts.jobs, 1.0), 1.0, double(batch));
      add(launch, counts, double(batch), boxed ? double(batch) : groups);
      // In a box only the strands lie in memory; rows and products of rows do not.
      const bool is_orbit = compiled.ops[i].kind == Kind::orbit;
      const auto& orbit = table<OrbitCode>(reinterpret_cast<const CodeTables*>(compiled.code.data()),
                                           reinterpret_cast<const CodeTables*>(compiled.code.data())->orbits);
      if (!boxed)
        bytes += counts.reads + counts.writes;
      else if (is_orbit)
        bytes += orbit[compiled.ops[i].index].inverse ? counts.writes : counts.reads;
      launch.barriers += compiled.ops[i].barrier;
    }
    if (boxed) {
      estimate.shared_memory =
          std::max(estimate.shared_memory, double(compiled.sections[section].elements) * element_bytes * 4);
      section++;
    }
    bytes *= double(batch);
    const double seconds = std::max({bytes / rates.bandwidth, launch.instructions / kIssue / per_device,
                                     boxed ? launch.shared_bytes / kLine / per_device : 0});
    estimate.seconds += seconds / kOverlap + kLaunch;
    estimate.launches++;
    estimate.global_bytes += bytes, estimate.instructions += launch.instructions;
    estimate.multiplies += launch.multiplies, estimate.barriers += launch.barriers;
    if (boxed) estimate.shared_bytes += launch.shared_bytes;
  }
  return estimate;
}

}  // namespace brauer::cuda
