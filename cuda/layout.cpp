#include "cuda/layout.h"

#include <algorithm>

namespace brauer::cuda {
namespace {

// Work of a team between two barriers below which it mostly waits, in places for each thread.
constexpr std::int64_t kPlacesPerThread = 4;
constexpr std::int64_t kMostTile = 64;
constexpr std::uint32_t kTeamThreads = 64;

std::int64_t round_up(std::int64_t value, std::int64_t to) { return (value + to - 1) / to * to; }

// The arena of a team for tiles of so many items; places the buffers in it.
std::int64_t arrange(const Program& program, const Compiled& compiled, std::int64_t tile, int element_bytes,
                     std::vector<FusedBuffer>& buffers) {
  const std::int64_t line = 16 / element_bytes;
  std::int64_t end = 0;
  const auto take = [&](std::int64_t elements) {
    const std::int64_t at = end;
    end = round_up(end + elements, line);
    return at;
  };
  const std::int64_t scratch = take(tile * compiled.scratch), local = take(tile * compiled.local);
  buffers.clear();
  for (std::size_t b = 0; b < compiled.buffers.size(); b++) {
    const Placed& placed = compiled.buffers[b];
    const Buffer& buffer = program.buffers[b];
    FusedBuffer fused{FusedBuffer::In::fixed, std::uint32_t(placed.operand), 0, placed.step, buffer.size};
    if (placed.in == Placed::In::scratch || placed.in == Placed::In::local) {
      fused.in = FusedBuffer::In::arena;
      fused.offset = (placed.in == Placed::In::scratch ? scratch : local) + placed.offset;
    } else if (placed.in == Placed::In::operand && !buffer.shared) {
      fused.in = buffer.role == Role::input ? FusedBuffer::In::input : FusedBuffer::In::output;
      fused.offset = take(tile * buffer.size);
    }
    buffers.push_back(fused);
  }
  return end;
}

}  // namespace

FusedLayout fused_layout(const Program& program, const Compiled& compiled, int element_bytes,
                         const DeviceInfo& device) {
  FusedLayout layout;
  layout.threads = kTeamThreads;
  const std::int64_t views = round_up(std::int64_t(compiled.buffers.size() * sizeof(View<double>)), 16);
  const auto block_bytes = [&](std::int64_t tile, std::int64_t teams) {
    return teams * (views + arrange(program, compiled, tile, element_bytes, layout.buffers) * element_bytes);
  };
  const std::int64_t wanted = std::clamp<std::int64_t>(
      kPlacesPerThread * layout.threads / std::max<std::int64_t>(compiled.widest, 1), 1, kMostTile);
  layout.in_shared = block_bytes(1, 1) <= device.shared_per_block;
  if (layout.in_shared) {
    while (layout.teams * kTeamThreads < kFusedThreads && block_bytes(1, 2 * layout.teams) <= device.shared_per_block)
      layout.teams *= 2;
    while (layout.tile < wanted && block_bytes(layout.tile + 1, layout.teams) <= device.shared_per_block) layout.tile++;
  } else {
    layout.teams = kFusedThreads / kTeamThreads;
  }
  layout.arena = arrange(program, compiled, layout.tile, element_bytes, layout.buffers);
  layout.shared = std::size_t(layout.teams) *
                  std::size_t(views + (layout.in_shared ? layout.arena * std::int64_t(element_bytes) : 0));
  return layout;
}

}  // namespace brauer::cuda
