#include "cuda/layout.h"

#include <algorithm>
#include <cmath>

namespace brauer::cuda {
namespace {

constexpr std::int64_t kTiles[] = {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64};
constexpr std::uint32_t kTeamThreads[] = {64, 128, 256};
constexpr std::int64_t kBusyThreads = 2048;  // of a multiprocessor
// What is the same for all items stays in a block's shared memory up to this part of it; the rest streams from L2.
constexpr double kMostResident = 0.5;

std::int64_t round_up(std::int64_t value, std::int64_t to) { return (value + to - 1) / to * to; }

class Arranger {
 public:
  Arranger(const Program& program, const Compiled& compiled, int element_bytes, int storage_bytes,
           const DeviceInfo& device)
      : program_(program),
        compiled_(compiled),
        device_(device),
        bytes_(element_bytes),
        room_(device.shared_per_block),
        room_of_two_(device.shared_per_multiprocessor / 2),
        direct_(storage_bytes == element_bytes) {}

  // The tiles and teams of least time for an item, by the counts of the model.
  FusedLayout run() {
    place_resident();
    layout_.in_shared = block_bytes(1, 1, false) <= room_;
    if (!layout_.in_shared) {
      layout_.resident = 0;
      layout_.in_shared = block_bytes(1, 1, false) <= room_;
    }
    double least = 0;
    FusedLayout best;
    for (const std::uint32_t threads : kTeamThreads) {
      for (const std::int64_t tile : kTiles) {
        if (!layout_.in_shared && tile > 1) break;
        if (layout_.in_shared && block_bytes(tile, 1, false) > room_) break;
        for (std::uint32_t teams = kFusedThreads / threads; teams > 0; teams /= 2) {
          for (const bool flips : {true, false}) {
            if (layout_.in_shared ? block_bytes(tile, teams, flips) > room_ : flips || teams * threads < kFusedThreads)
              continue;
            layout_.threads = threads, layout_.teams = teams, layout_.tile = std::uint32_t(tile);
            const double cycles = measure(flips) / double(tile);
            if (least != 0 && cycles >= least) continue;
            least = cycles, best = layout_;
            best.arena = arrange(tile, flips);
            best.flip = layout_.flip, best.buffers = layout_.buffers;
          }
        }
      }
    }
    return best;
  }

 private:
  std::int64_t line() const { return 16 / bytes_; }
  std::int64_t views() const { return round_up(std::int64_t(2 * compiled_.buffers.size() * sizeof(View<double>)), 16); }
  std::int64_t block_bytes(std::int64_t tile, std::int64_t teams, bool flips) {
    return layout_.resident * bytes_ + teams * (views() + arrange(tile, flips) * bytes_);
  }

  bool can_stay(std::size_t b) const {
    return compiled_.buffers[b].in == Placed::In::operand && program_.buffers[b].shared &&
           program_.buffers[b].role == Role::input;
  }
  void place_resident() {
    std::int64_t total = 0;
    for (std::size_t b = 0; b < compiled_.buffers.size(); b++)
      if (can_stay(b)) total += round_up(program_.buffers[b].size, line());
    if (double(total) * bytes_ <= kMostResident * double(room_)) layout_.resident = total;
  }

  // The arena of a team for tiles of so many items; places the buffers in it.
  std::int64_t arrange(std::int64_t tile, bool flips) {
    std::int64_t end = 0, resident = 0;
    const auto take = [&](std::int64_t& from, std::int64_t elements) {
      const std::int64_t at = from;
      from = round_up(from + elements, line());
      return at;
    };
    layout_.buffers.clear();
    for (std::size_t b = 0; b < compiled_.buffers.size(); b++) {
      const Placed& placed = compiled_.buffers[b];
      const Buffer& buffer = program_.buffers[b];
      FusedBuffer fused{FusedBuffer::In::fixed, 0, placed.step, buffer.size};
      if (layout_.resident > 0 && can_stay(b)) {
        fused.in = FusedBuffer::In::resident;
        fused.offset = take(resident, buffer.size);
      } else if (placed.in == Placed::In::operand && !buffer.shared && buffer.role == Role::input) {
        fused.in = FusedBuffer::In::input;
        fused.offset = take(end, tile * buffer.size);
      }
      layout_.buffers.push_back(fused);
    }
    layout_.flip = flips ? end : 0;
    end += layout_.flip;
    const std::int64_t scratch = take(end, tile * compiled_.scratch), local = take(end, tile * compiled_.local);
    for (std::size_t b = 0; b < compiled_.buffers.size(); b++) {
      const Placed& placed = compiled_.buffers[b];
      FusedBuffer& fused = layout_.buffers[b];
      if (placed.in == Placed::In::scratch || placed.in == Placed::In::local) {
        fused.in = FusedBuffer::In::arena;
        fused.offset = (placed.in == Placed::In::scratch ? scratch : local) + placed.offset;
      } else if (placed.in == Placed::In::operand && !program_.buffers[b].shared &&
                 program_.buffers[b].role == Role::output) {
        fused.in = direct_ && placed.direct ? FusedBuffer::In::direct : FusedBuffer::In::output;
        if (fused.in == FusedBuffer::In::direct) continue;
        fused.offset = take(end, tile * fused.size);
      }
    }
    return end;
  }

  // Cycles of a multiprocessor for a tile; chooses the groups: few spread the cost of a job over many items, many keep
  // all threads busy to the end.
  double measure(bool flips) {
    layout_.shared = std::size_t(layout_.resident * bytes_ + layout_.teams * views());
    if (layout_.in_shared) layout_.shared = std::size_t(block_bytes(layout_.tile, layout_.teams, flips));
    const double teams = layout_.teams * (std::int64_t(layout_.shared) <= room_of_two_ ? 2 : 1);
    const Counter counter(compiled_, device_, int(bytes_), layout_.in_shared, layout_.resident > 0);
    double instructions = 0;
    TeamTime alone(layout_.threads);
    layout_.groups.clear();
    for (const OpCode& op : compiled_.ops) {
      Counts chosen;
      double least = -1;
      std::uint32_t best = 1;
      for (std::uint32_t groups = 1;; groups = std::min(2 * groups, layout_.tile)) {
        const Counts counts = counter.of(op, layout_.tile, groups);
        TeamTime time(layout_.threads);
        time.add(counts, op);
        const double cycles = std::max(counts.instructions / kIssue / kOverlap, time.cycles() / teams);
        if (least < 0 || cycles < least) best = groups, least = cycles, chosen = counts;
        if (op.sums_items || groups == layout_.tile || op.kind == Kind::product) break;
      }
      layout_.groups.push_back(best);
      instructions += chosen.instructions;
      alone.add(chosen, op);
    }
    return std::max(instructions / kIssue / kOverlap, (alone.cycles() + (flips ? 0 : kTileCycles)) / teams);
  }

  const Program& program_;
  const Compiled& compiled_;
  const DeviceInfo& device_;
  const std::int64_t bytes_, room_, room_of_two_;
  const bool direct_;  // outputs may be written where they lie
  FusedLayout layout_;
};

}  // namespace

Status compile_for(const Program& program, int element_bytes, Precision precision, const DeviceInfo& device,
                   Compiled& compiled) {
  const std::int64_t block = std::min(device.shared_per_block, device.shared_per_multiprocessor / 2);
  const std::int64_t views = std::int64_t(program.buffers.size() * sizeof(View<double>)) + 16;
  double least = -1;
  for (const std::uint32_t threads : kTeamThreads) {
    const std::uint32_t teams = kFusedThreads / threads;
    Compiled each;
    const std::int64_t elements = std::max<std::int64_t>((block / teams - views) / element_bytes, 0);
    const Status status = compile(program, element_bytes, elements, each);
    if (!status.ok()) return status;
    each.box_teams = teams, each.precision = precision;
    // Sections that do not run in boxes cost launches and memory: the more that do, the better.
    const Counter counter(each, device, element_bytes, false, false);
    double cycles = 1e15 * double(program.sections.size() - each.sections.size());
    for (std::size_t s = 0; s < each.sections.size(); s++) {
      double instructions = 0, alone = 0;
      for (std::int64_t box = 0; box < each.sections[s].boxes; box++) {
        TeamTime time(threads);
        for (std::size_t i = each.sections[s].first; i < each.sections[s].end; i++) {
          const Counts counts = counter.in_box(each.ops[i], s, box);
          instructions += counts.instructions;
          time.add(counts, each.ops[i]);
        }
        alone += time.cycles() + kTileCycles;
      }
      cycles += std::max(instructions / kIssue / kOverlap, alone / (2 * teams));
    }
    if (least >= 0 && cycles >= least) continue;
    least = cycles, compiled = std::move(each);
    if (program.sections.empty()) break;
  }
  return {};
}

FusedLayout fused_layout(const Program& program, const Compiled& compiled, int element_bytes, int storage_bytes,
                         const DeviceInfo& device) {
  return Arranger(program, compiled, element_bytes, storage_bytes, device).run();
}

StagedLaunch staged_launch(const Compiled& compiled, std::size_t op, std::int64_t items, std::int64_t parts,
                           const DeviceInfo& device) {
  const Kind kind = compiled.ops[op].kind;
  const bool sums = compiled.ops[op].sums_items != 0;
  StagedLaunch how{std::uint32_t(compiled.together(op)), std::uint32_t(parts), 0, {}, 0};
  // All items; or, where instructions read the same, as many as give each worker that the device has at once a job.
  std::int64_t all = 0, chunk = std::max<std::int64_t>(items, 1), jobs = 0;
  for (std::size_t i = op; i < op + how.count; i++) all += std::max<std::int64_t>(compiled.work[i], 1);
  const bool in_chunks = how.count > 1 && kind != Kind::product;
  if (in_chunks) chunk = std::clamp<std::int64_t>(2 * device.multiprocessors * kStagedThreads / all, 1, chunk);
  how.chunk = std::uint32_t(chunk);
  for (std::uint32_t i = 0; i < how.count; i++) {
    // As many groups of items as keep the device busy.
    const std::int64_t work = std::max<std::int64_t>(compiled.work[op + i], 1);
    const std::int64_t busy = device.multiprocessors * kBusyThreads;
    how.groups[i] = std::uint32_t(sums ? 1 : std::clamp<std::int64_t>((busy + work - 1) / work, 1, chunk));
    jobs += kind == Kind::product ? work * items : work * how.groups[i];
  }
  how.blocks = staged_blocks(jobs, device);
  // All at the same time, so that they keep step.
  if (chunk < items) how.blocks = std::min<std::int64_t>(how.blocks, 2 * device.multiprocessors);
  if (sums) how.blocks = std::max<std::int64_t>(how.blocks / parts, 1) * parts;
  return how;
}

std::int64_t staged_blocks(std::int64_t jobs, const DeviceInfo& device) {
  return std::clamp<std::int64_t>((jobs + kStagedThreads - 1) / kStagedThreads, 1, 8 * device.multiprocessors);
}

std::uint32_t fused_tile(const FusedLayout& layout, std::int64_t items, const DeviceInfo& device) {
  const std::int64_t teams = 2 * std::int64_t(device.multiprocessors) * layout.teams;
  return std::uint32_t(std::clamp<std::int64_t>((items + teams - 1) / teams, 1, layout.tile));
}

}  // namespace brauer::cuda
