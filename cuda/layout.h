#pragma once

#include <vector>

#include "cuda/compile.h"
#include "cuda/counts.h"
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

// Compiles for the teams that its sections take least time with; two blocks share a multiprocessor.
Status compile_for(const Program& program, int element_bytes, Precision precision, const DeviceInfo& device,
                   Compiled& compiled);

// element_bytes: of the type computed in. storage_bytes: of operands.
FusedLayout fused_layout(const Program& program, const Compiled& compiled, int element_bytes, int storage_bytes,
                         const DeviceInfo& device);

// How `count` instructions from one on run over the items of a call, see StagedArguments.
struct StagedLaunch {
  std::uint32_t count, parts, chunk;
  std::uint32_t groups[kMostTogether];
  std::int64_t blocks;
};
StagedLaunch staged_launch(const Compiled& compiled, std::size_t op, std::int64_t items, std::int64_t parts,
                           const DeviceInfo& device);
// Blocks for so many jobs.
std::int64_t staged_blocks(std::int64_t jobs, const DeviceInfo& device);

// Items of a tile where so many in all are to keep every multiprocessor busy.
std::uint32_t fused_tile(const FusedLayout& layout, std::int64_t items, const DeviceInfo& device);

}  // namespace brauer::cuda
