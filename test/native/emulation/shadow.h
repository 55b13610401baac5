#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "emulation/text.h"

// Finds races by happens-before. Beside every word of shared and global memory stand its latest accesses; an access
// that conflicts with one of them and is not ordered after it is a race, whatever order they really ran in.
namespace brauer::emulation {

constexpr std::size_t word_bytes = 4;

// An access: block 28 bits, lane 10, epoch 21, is a write 1, bytes of the word 4. All zero: none. A block is one of one
// launch, numbered through; copies and fills of streams count as blocks of one lane.
using Access = std::uint64_t;

struct Cell {
  // Shared memory: the block (32 bits) for which the cell holds; cells of earlier ones are empty. Then, a bit for each
  // byte: written (4 bits), the destination of an asynchronous copy that is under way (4 bits).
  std::uint64_t state;
  Access latest[3];
};

constexpr Access access_of(std::uint32_t block, int lane, std::uint32_t epoch) {
  return Access(block) << 36 | Access(lane) << 26 | Access(epoch) << 5;
}
constexpr std::uint32_t most_epochs = (1u << 21) - 1, most_blocks = (1u << 28) - 1;
constexpr std::uint32_t block_of(Access a) { return std::uint32_t(a >> 36); }
constexpr int lane_of(Access a) { return int(a >> 26 & 1023); }
constexpr std::uint32_t epoch_of(Access a) { return std::uint32_t(a >> 5 & 0x1fffff); }
constexpr bool is_write(Access a) { return (a >> 4 & 1) != 0; }
constexpr unsigned bytes_of(Access a) { return unsigned(a & 15); }

// The epochs of a block's lanes that happened before; the same object for all that met at a barrier.
struct Clock {
  int uses = 0;
  std::vector<std::uint32_t> epochs;
};

// Work of a stream, and the work of others that happened before: for each stream the number of its latest.
struct Work {
  int stream = 0;
  std::uint32_t number = 0;
  std::vector<std::uint32_t> known;
  // Blocks found to have happened before this work, so that they need not be looked up again.
  static constexpr std::uint32_t settled_count = 64;
  mutable std::uint32_t settled[settled_count] = {};
};
void merge(std::vector<std::uint32_t>& known, const std::vector<std::uint32_t>& more);

// A number for a block of this work; 0 where all have been given away.
std::uint32_t new_block(const Work& work);

// Who accesses.
struct Viewer {
  const Work* work;
  const Clock* clock;  // null for the work of a stream that is no kernel
  Access self;         // block, lane, epoch
};

// Notes an access to the word. Returns the access that it races with, or 0.
Access note_new(Cell& cell, Access mine, const Viewer& viewer);

inline Access note(Cell& cell, unsigned bytes, bool write, const Viewer& viewer) {
  const Access mine = viewer.self | Access(write) << 4 | bytes;
  // The same once more, or a read of what the lane has just written: nothing that is not known.
  for (const Access other : cell.latest)
    if (other >> 5 == mine >> 5 && (bytes & ~bytes_of(other)) == 0 && (is_write(other) || !write)) return 0;
  return note_new(cell, mine, viewer);
}

Text describe(Access access, const Viewer& viewer);  // "a write by thread 5", "a read by block 2, thread 5", …

}  // namespace brauer::emulation
