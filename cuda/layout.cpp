#include "cuda/layout.h"

#include <algorithm>

namespace brauer::cuda {
namespace {

// Jobs of a team between two barriers below which it mostly waits, for each thread.
constexpr std::int64_t kJobsPerThread = 4;
constexpr std::int64_t kMostTile = 64;
constexpr std::uint32_t kTeamThreads = 64;
// What is the same for all items stays in a block's shared memory up to this part of it; the rest streams from L2.
constexpr double kMostResident = 0.5;
// What a job costs in steps of its own, beside one for each item.
constexpr std::int64_t kJobSteps = 3;

std::int64_t round_up(std::int64_t value, std::int64_t to) { return (value + to - 1) / to * to; }

class Arranger {
 public:
  Arranger(const Program& program, const Compiled& compiled, int element_bytes, const DeviceInfo& device)
      : program_(program), compiled_(compiled), bytes_(element_bytes), room_(device.shared_per_block) {}

  FusedLayout run() {
    layout_.threads = kTeamThreads;
    place_resident();
    const std::int64_t wanted = std::clamp<std::int64_t>(
        kJobsPerThread * layout_.threads / std::max<std::int64_t>(compiled_.widest, 1), 1, kMostTile);
    layout_.in_shared = block_bytes(1, 1, false) <= room_;
    if (!layout_.in_shared) {
      layout_.resident = 0;
      layout_.in_shared = block_bytes(1, 1, false) <= room_;
    }
    const std::uint32_t most = kFusedThreads / kTeamThreads;
    bool flips = false;
    if (layout_.in_shared) {
      while (layout_.teams < most && block_bytes(1, 2 * layout_.teams, false) <= room_) layout_.teams *= 2;
      flips = block_bytes(1, layout_.teams, true) <= room_;
      while (layout_.tile < wanted && block_bytes(layout_.tile + 1, layout_.teams, flips) <= room_) layout_.tile++;
    } else {
      layout_.teams = most;
    }
    layout_.arena = arrange(layout_.tile, flips);
    layout_.shared = std::size_t(layout_.resident * bytes_ +
                                 layout_.teams * (views() + (layout_.in_shared ? layout_.arena * bytes_ : 0)));
    choose_groups();
    return layout_;
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
        fused.in = FusedBuffer::In::output;
        fused.offset = take(end, tile * fused.size);
      }
    }
    return end;
  }

  // Few groups spread the cost of a job over many items, many keep all threads busy to the end.
  void choose_groups() {
    for (std::size_t i = 0; i < compiled_.ops.size(); i++) {
      std::int64_t best = 1, least = -1;
      for (std::int64_t groups = 1; groups <= layout_.tile && !compiled_.ops[i].sums_items; groups++) {
        const std::int64_t rounds = (compiled_.work[i] * groups + layout_.threads - 1) / layout_.threads;
        const std::int64_t steps = rounds * (kJobSteps + (layout_.tile + groups - 1) / groups);
        if (least < 0 || steps < least) best = groups, least = steps;
      }
      layout_.groups.push_back(std::uint32_t(best));
    }
  }

  const Program& program_;
  const Compiled& compiled_;
  const std::int64_t bytes_, room_;
  FusedLayout layout_;
};

}  // namespace

std::int64_t box_elements(const Program& program, int element_bytes, const DeviceInfo& device) {
  const std::int64_t block = std::min(device.shared_per_block, device.shared_per_multiprocessor / 2);
  const std::int64_t views = std::int64_t(program.buffers.size() * sizeof(View<double>)) + 16;
  return std::max<std::int64_t>((block / kBoxTeams - views) / element_bytes, 0);
}

FusedLayout fused_layout(const Program& program, const Compiled& compiled, int element_bytes,
                         const DeviceInfo& device) {
  return Arranger(program, compiled, element_bytes, device).run();
}

}  // namespace brauer::cuda
