#include "cuda/model.h"

#include <algorithm>
#include <cmath>

#include "cuda/counts.h"
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

// Adds what an instruction takes, in so many tiles or runs.
void add(Estimate& estimate, const Counts& counts, double times) {
  estimate.instructions += counts.instructions * times;
  estimate.multiplies += counts.multiplies * times;
  estimate.shared_bytes += (counts.reads + counts.writes) * times;
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
    const Counts counts = counter.of(compiled.ops[i], items, std::min<double>(layout.groups[i], items));
    add(tile, counts, 1);
    tile.barriers += compiled.ops[i].barrier;
    weights += counts.weights;
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
  const auto* const code = reinterpret_cast<const CodeTables*>(compiled.code.data());
  const auto* const orbits = table<OrbitCode>(code, code->orbits);
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
      const OpCode& op = compiled.ops[i];
      // A group of items for each job that the device has no other work for.
      const double groups =
          std::clamp(device.multiprocessors * 2048.0 / std::max(double(compiled.work[i]), 1.0), 1.0, double(batch));
      const Counts counts =
          boxed ? counter.in_boxes(op, compiled.sections[section], section) : counter.of(op, double(batch), groups);
      const double times = boxed ? double(batch) : 1;
      add(launch, counts, times);
      launch.barriers += op.barrier;
      // In a box only the strands lie in memory; rows and products of rows do not.
      if (!boxed)
        bytes += counts.reads + counts.writes;
      else if (op.kind == Kind::orbit)
        bytes += (orbits[op.index].inverse ? counts.writes : counts.reads) * times;
    }
    if (boxed) {
      estimate.shared_memory =
          std::max(estimate.shared_memory, double(compiled.sections[section].elements) * element_bytes * 4);
      section++;
    }
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
