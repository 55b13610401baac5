#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "cuda/code.h"
#include "cuda/device.h"
#include "cuda/kernels/view.h"

// The kernels, as values for `launch`. T: the type computed in, float or double.
namespace brauer::cuda {

inline constexpr int kStagedThreads = 256;

// Instructions [op, op + count) of one kind that do not wait for each other, over all items of a call. One that sums
// over items is alone, and runs in `parts` teams of whole blocks, to which the items are dealt by `chunk`.
template <class T>
struct StagedArguments {
  const CodeTables* code;
  const View<T>* views;
  const T* constants;
  std::uint32_t op, count, items, parts;
  std::uint32_t chunk;  // items of which all instructions run before the next ones, so that they find them in L2
  std::uint32_t turn;   // the team whose the first of the items are
  std::uint32_t groups[kMostTogether];  // of each, see Team
  Precision precision;
};
template <class T>
Kernel staged_kernel(Kind kind);

inline constexpr int kFusedThreads = 256;  // at most, of a block

// A whole program, tile after tile of items. A block's shared memory holds what is the same for all items and small
// enough (`resident`), then for each team its views, twice, and its arena.
struct FusedBuffer {
  // fixed: where its view says. direct: so too, written there tile by tile. resident: copied there by each block. The
  // rest lies in a team's arena.
  enum class In : std::uint32_t { fixed, direct, resident, arena, input, output } in;
  std::int64_t offset, step;  // elements in its area; step 0: one for all items
  std::int64_t size;          // elements of an item
};
template <class T>
struct FusedArguments {
  const CodeTables* code;
  const T* constants;
  const FusedBuffer* buffers;
  const std::uint32_t* groups;  // of each instruction, see Team
  const View<T>* views;         // of what lies in memory; operands of 16 bits are cast
  T* arenas;                    // one per team, null: in shared memory
  std::int64_t arena;           // elements
  std::int64_t flip;            // elements from one copy of a tile's inputs to the other; 0: there is one
  std::int64_t items;
  std::int64_t across;        // items from a tile of a part to its next
  std::uint32_t parts, turn;  // tiles are dealt to so many parts; turn: the part whose the first tile is
  std::uint32_t
      first_part;  // that of the first team: where there are fewer teams than parts there are several launches
  std::uint32_t buffer_count, resident;  // resident: elements
  std::uint32_t tile, teams, threads;    // items of a tile; teams of a block, threads of a team
  std::uint32_t dtype;                   // of storage
  Precision precision;
};
template <class T>
Kernel fused_kernel();

// A section of a program, box by box; teams as in the fused kernel. What sums over items has a sum per team; turn: the
// team whose the first box is.
template <class T>
struct BoxedArguments {
  const CodeTables* code;
  const View<T>* views;
  const T* constants;
  const std::int64_t* offsets;  // of each buffer in a team's arena, -1: where its view says
  std::int64_t arena;           // elements
  std::uint32_t section, items, buffer_count, teams, threads, turn;
  Precision precision;
};
template <class T>
Kernel boxed_kernel();

// out[e] = Σ_part partial[part, e] for e < size, parts lying `stride` apart.
template <class T>
struct CombineArguments {
  const T* partial;
  T* out;
  std::int64_t size, stride;
  std::uint32_t parts;
};
template <class T>
Kernel combine_kernel();

// Between 16-bit storage and float32, `count` elements.
struct ConvertArguments {
  const void* from;
  void* to;
  std::int64_t count;
};
Kernel widen_kernel(Dtype dtype);
Kernel narrow_kernel(Dtype dtype);

}  // namespace brauer::cuda
