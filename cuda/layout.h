#pragma once

#include <vector>

#include "cuda/compile.h"
#include "cuda/kernels/kernels.h"

namespace brauer::cuda {

// How the fused executor cuts a program's items.
struct FusedLayout {
  std::uint32_t tile = 1, teams = 1, threads = 32;  // items of a tile; teams of a block, threads of a team
  bool in_shared = false;                           // whether arenas lie in shared memory
  std::int64_t arena = 0;                           // elements of a team
  std::int64_t flip = 0;                            // see FusedArguments
  std::int64_t resident = 0;                        // elements of what each block copies once
  std::vector<std::uint32_t> groups;                // by instruction
  std::size_t shared = 0;                           // bytes of a block
  std::vector<FusedBuffer> buffers;
};

inline constexpr std::uint32_t kBoxThreads = 64, kBoxTeams = kFusedThreads / kBoxThreads;

// Elements of a team's arena for boxes, so that two blocks share a multiprocessor.
std::int64_t box_elements(const Program& program, int element_bytes, const DeviceInfo& device);

// element_bytes: of the type computed in.
FusedLayout fused_layout(const Program& program, const Compiled& compiled, int element_bytes, const DeviceInfo& device);

}  // namespace brauer::cuda
