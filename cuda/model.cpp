#include "cuda/model.h"

#include <algorithm>
#include <cmath>

#include "cuda/counts.h"
#include "cuda/kernels/kernels.h"

namespace brauer::cuda {
namespace {

constexpr double kWarp = 32, kLine = 128;  // threads, bytes that shared memory gives in a cycle
constexpr double kLaunch = 2.5e-6;         // seconds from one kernel of a stream to the next
constexpr double kFirstLaunch = 5e-6;

// Adds what an instruction takes, in so many tiles or runs.
void add(Estimate& estimate, const Counts& counts, double times) {
  estimate.instructions += counts.instructions * times;
  estimate.multiplies += counts.multiplies * times;
  estimate.shared_bytes += (counts.reads + counts.writes + counts.lost) * times;
}

}  // namespace

DeviceRates rates_of(const DeviceInfo& device) {
  struct Known {
    const char* name;
    DeviceRates rates;
  };
  // Copies: measured for H200; nine tenths of the datasheet's bandwidth for the others. Tensor cores: three fifths of
  // the datasheet's rate on 9.0, whose full rate needs other instructions.
  static constexpr Known kKnown[] = {
      {"H200", {4.3e12, 1.98e9, 7e12, 2.97e14}},    {"H100", {3.0e12, 1.98e9, 7e12, 2.97e14}},
      {"A100", {1.75e12, 1.41e9, 4.5e12, 1.56e14}}, {"L40S", {0.78e12, 2.52e9, 5e12, 1.83e14}},
      {"L4", {0.27e12, 2.04e9, 2e12, 6e13}},        {"4090", {0.91e12, 2.52e9, 5e12, 8.2e13}},
  };
  for (const Known& known : kKnown)
    if (device.name.find(known.name) != std::string::npos) return known.rates;
  return {0.5e12, 1.7e9, 2e12, 3e13};
}

Estimate estimate_fused(const Program& program, const Compiled& compiled, const FusedLayout& layout, int element_bytes,
                        int storage_bytes, std::int64_t batch, const DeviceInfo& device) {
  const DeviceRates rates = rates_of(device);
  const Counter counter(compiled, device, element_bytes, layout.in_shared, layout.resident > 0);
  Estimate estimate;
  estimate.launches = 1;
  estimate.shared_memory = double(layout.shared);
  const double items = fused_tile(layout, batch, device), tiles = std::ceil(double(batch) / items);
  const bool two = 2 * layout.shared <= std::size_t(device.shared_per_multiprocessor);
  const double blocks = std::min(std::ceil(tiles / layout.teams), double(device.multiprocessors) * (two ? 2 : 1));
  Estimate tile;
  double weights = 0, tensor = 0;
  TeamTime team(layout.threads);
  for (std::size_t i = 0; i < compiled.ops.size(); i++) {
    Counts counts = counter.of(compiled.ops[i], items, std::min<double>(layout.groups[i], items));
    if (!layout.in_shared) counts.lost = 0;
    add(tile, counts, 1);
    tile.barriers += compiled.ops[i].barrier;
    weights += counts.weights, tensor += counts.tensor;
    team.add(counts, compiled.ops[i]);
  }
  double io = 0, shared_inputs = 0, brought = 0;
  for (std::size_t b = 0; b < program.buffers.size(); b++) {
    const Buffer& buffer = program.buffers[b];
    if (buffer.role != Role::input && buffer.role != Role::output) continue;
    (buffer.shared ? shared_inputs : io) += double(buffer.size) * (buffer.shared ? element_bytes : storage_bytes);
    if (!buffer.shared && layout.buffers[b].in != FusedBuffer::In::direct) brought += double(buffer.size) * items;
  }
  tile.barriers += 3;
  tile.shared_bytes += brought * element_bytes;
  // A copy, an address of 64 bits on either side, the loop; 16-bit operands one by one.
  const double copies = brought / (storage_bytes == 2 ? 1 : 16.0 / element_bytes);
  tile.instructions += copies / kWarp * (storage_bytes == 2 ? 8 : 6);
  const double alone = team.cycles() + 3 * kBarrierCycles + (layout.flip == 0 ? kTileCycles : 0) +
                       copies / layout.threads * (storage_bytes == 2 ? 8 : 6);
  estimate.global_bytes = io * double(batch) + shared_inputs;
  estimate.instructions = tile.instructions * tiles, estimate.multiplies = tile.multiplies * tiles;
  estimate.barriers = tile.barriers;
  // Weights in memory come the same way as what lies in shared memory.
  estimate.shared_bytes = (tile.shared_bytes + (layout.in_shared ? weights : 0)) * tiles;
  estimate.l2_bytes = blocks * shared_inputs + (layout.resident > 0 ? 0 : weights * tiles / 8) +
                      (layout.in_shared ? 0 : estimate.shared_bytes);
  const double busy = std::min<double>(blocks, device.multiprocessors);
  const double per_multiprocessor = busy * rates.clock;
  const double rounds = tiles / (blocks * layout.teams);  // tiles of a team
  const double least =
      std::max({estimate.global_bytes / rates.bandwidth, estimate.l2_bytes / rates.l2,
                estimate.instructions / kIssue / per_multiprocessor, tensor * tiles * kTensorFlops / rates.tensor,
                (layout.in_shared ? estimate.shared_bytes : 0) / kLine / per_multiprocessor});
  // While a team waits others work, where there are some.
  estimate.seconds = kFirstLaunch + std::max(least / kOverlap, rounds * alone / rates.clock);
  return estimate;
}

Estimate estimate_staged(const Program& program, const Compiled& compiled, int element_bytes, int storage_bytes,
                         std::int64_t batch, const DeviceInfo& device) {
  const DeviceRates rates = rates_of(device);
  const Counter counter(compiled, device, element_bytes, false, false);
  const auto* const code = reinterpret_cast<const CodeTables*>(compiled.code.data());
  const auto* const orbits = table<OrbitCode>(code, code->orbits);
  const auto* const moves = table<MoveCode>(code, code->moves);
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
    Estimate launch;
    double bytes = 0, seconds = 0, tensor = 0;
    if (boxed) {
      const CompiledSection& own = compiled.sections[section];
      const double teams = 2.0 * device.multiprocessors * compiled.box_teams, boxes = double(own.boxes);
      double alone = 0;
      for (std::int64_t box = 0; box < own.boxes; box++) {
        TeamTime team(double(kFusedThreads) / compiled.box_teams);
        for (i = own.first; i < own.end; i++) {
          const OpCode& op = compiled.ops[i];
          const Counts counts = counter.in_box(op, section, box);
          add(launch, counts, double(batch)), team.add(counts, op);
          launch.shared_bytes += counts.weights * double(batch);
          tensor += counts.tensor * double(batch);
          // Only the strands lie in memory; rows and products of rows do not.
          if (op.kind == Kind::orbit && orbits[op.index].inverse)
            bytes += (orbits[op.index].set ? 1 : 2) * counts.writes * double(batch);
          else if (op.kind == Kind::orbit)
            bytes += counts.reads * double(batch);
        }
        alone += team.cycles() + kTileCycles;
      }
      for (i = own.first; i < own.end; i++) launch.barriers += compiled.ops[i].barrier;
      seconds = std::max(std::ceil(boxes * double(batch) / teams) * alone / boxes / rates.clock,
                         launch.shared_bytes / kLine / per_device / kOverlap);
      estimate.shared_bytes += launch.shared_bytes;
      estimate.shared_memory =
          std::max(estimate.shared_memory, double(own.elements) * element_bytes * compiled.box_teams);
      section++;
    } else {
      const StagedLaunch how = staged_launch(compiled, i, batch, 1, device);
      const double chunk = how.chunk;
      const std::size_t first = i, end = i + how.count;
      std::vector<double> read(compiled.buffers.size());
      for (; i < end; i++) {
        const OpCode& op = compiled.ops[i];
        const double groups = how.groups[i - first];
        const Counts counts = counter.of(op, double(batch), std::ceil(groups / chunk * double(batch)));
        add(launch, counts, 1);
        tensor += counts.tensor;
        launch.barriers += op.barrier, bytes += counts.reads + counts.writes;
        // What one of them has read lies in L2 for the others where a chunk has room in half of it.
        if (op.kind != Kind::move && (op.kind != Kind::orbit || orbits[op.index].inverse)) continue;
        const std::size_t in = op.kind == Kind::move ? moves[op.index].in.buffer : orbits[op.index].strands.buffer;
        const double item = double(program.buffers[in].size) * element_bytes, before = read[in];
        read[in] += counts.reads;
        if (chunk * item <= double(device.l2) / 2)
          bytes += std::min(read[in], item * double(batch)) - std::min(before, item * double(batch)) - counts.reads;
      }
    }
    const double least = std::max(
        {bytes / rates.bandwidth, launch.instructions / kIssue / per_device, tensor * kTensorFlops / rates.tensor});
    seconds = std::max(seconds, least / kOverlap);
    estimate.seconds += seconds + kLaunch;
    estimate.launches++;
    estimate.global_bytes += bytes, estimate.instructions += launch.instructions;
    estimate.multiplies += launch.multiplies, estimate.barriers += launch.barriers;
  }
  return estimate;
}

}  // namespace brauer::cuda
