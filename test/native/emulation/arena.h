#pragma once

#include <cstddef>
#include <cstdint>

#include "emulation/shadow.h"

// Memory of the devices, and pinned memory of the host: a piece of the address space for each, reserved once, so that
// an address tells whose it is and where its shadow lies. Under AddressSanitizer and ThreadSanitizer, which have
// shadows of their own, memory comes from malloc instead.
namespace brauer::emulation {

constexpr int region_count = 8;  // 0: pinned memory; 1 + d: device d

// Aligned to 256 bytes, contents undefined; null where there is no room.
char* take_memory(int region, std::size_t bytes);
// Pages are not given out again soon; an access to them is one to no allocation.
void drop_memory(char* memory, std::size_t bytes);

// The allocation that an address lies in.
struct Extent {
  std::uintptr_t begin = 0, end = 0;
  int region = 0;
};
// Where allocations were found lately, by page; a page has one allocation at most.
constexpr std::size_t lookup_page = 4096;
struct Lookup {
  std::uintptr_t page = 0;
  const Extent* extent = nullptr;
};
extern Lookup lookups[1024];

const Extent* search_extent(std::uintptr_t address);

// Of an address in the arena; null: no allocation, or past the end of the one before.
inline const Extent* find_extent(std::uintptr_t address) {
  const std::uintptr_t page = address / lookup_page;
  const Lookup& lookup = lookups[page % 1024];
  return lookup.page == page ? lookup.extent : search_extent(address);
}

// Where the arena is; nowhere before the first allocation.
struct ArenaRange {
  std::uintptr_t memory = 0, bytes = 0, shadow = 0;
};
extern ArenaRange arena_range;

inline bool is_in_arena(std::uintptr_t address) { return address - arena_range.memory < arena_range.bytes; }
// Of the word that an address in the arena lies in.
inline Cell* cells_of(std::uintptr_t address) {
  return reinterpret_cast<Cell*>(arena_range.shadow) + (address - arena_range.memory) / word_bytes;
}

}  // namespace brauer::emulation
