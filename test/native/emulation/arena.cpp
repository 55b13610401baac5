#include "emulation/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "emulation/sanitizers.h"

namespace brauer::emulation {

namespace {

constexpr std::size_t region_bytes = std::size_t(4) << 30, arena_bytes = region_count * region_bytes;

struct Arena {
  std::uintptr_t next[region_count] = {};
  std::map<std::uintptr_t, Extent> extents;  // by their ends
};

std::uintptr_t reserve(std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? 0 : reinterpret_cast<std::uintptr_t>(at);
}

Arena& arena() {
  static Arena* const instance = [] {
    auto* made = new Arena;
    // One mapping each: a process may have some 65,000, and a test thousands of allocations.
    const std::uintptr_t memory = reserve(arena_bytes);
    const std::uintptr_t shadow = reserve(arena_bytes / word_bytes * sizeof(Cell));
    if (memory == 0 || shadow == 0) return made;
    arena_range = {memory, arena_bytes, shadow};
    for (int region = 0; region < region_count; region++)
      made->next[region] = memory + std::size_t(region) * region_bytes;
    return made;
  }();
  return *instance;
}

[[maybe_unused]] std::size_t whole_pages(std::size_t bytes) {
  static const auto size = std::size_t(sysconf(_SC_PAGESIZE));
  return (bytes + size - 1) / size * size;
}

}  // namespace

ArenaRange arena_range;
Lookup lookups[1024];

#if defined(BRAUER_EMULATION_TSAN) || defined(BRAUER_EMULATION_ASAN)

char* take_memory(int, std::size_t bytes) {
  void* memory = nullptr;
  return posix_memalign(&memory, 256, bytes) == 0 ? static_cast<char*>(memory) : nullptr;
}

void drop_memory(char* memory, std::size_t) { std::free(memory); }

#else

char* take_memory(int region, std::size_t bytes) {
  Arena& a = arena();
  if (arena_range.bytes == 0 || bytes > region_bytes) return nullptr;
  // A page more than is needed: between two allocations there is one that belongs to neither.
  const std::size_t taken = whole_pages(bytes) + whole_pages(1);
  const std::uintptr_t first = arena_range.memory + std::size_t(region) * region_bytes;
  std::uintptr_t& next = a.next[region];
  // Round and round, past what is in use.
  for (int rounds = 0; rounds < 2;) {
    if (next + taken > first + region_bytes) {
      next = first;
      rounds++;
      continue;
    }
    const auto after = a.extents.upper_bound(next);
    const bool is_free = after == a.extents.end() || after->second.begin >= next + taken;
    if (!is_free) {
      next = whole_pages(after->second.end) + whole_pages(1);
      continue;
    }
    char* memory = reinterpret_cast<char*>(next);
    a.extents[next + bytes] = {next, next + bytes, region};
    next += taken;
    return memory;
  }
  return nullptr;
}

void drop_memory(char* memory, std::size_t bytes) {
  Arena& a = arena();
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  a.extents.erase(begin + bytes);
  for (Lookup& lookup : lookups) lookup = {};
  madvise(memory, whole_pages(bytes), MADV_DONTNEED);
  madvise(cells_of(begin), whole_pages(bytes) / word_bytes * sizeof(Cell), MADV_DONTNEED);
}

#endif

const Extent* search_extent(std::uintptr_t address) {
  Arena& a = arena();
  const auto found = a.extents.upper_bound(address);
  if (found == a.extents.end() || found->second.begin > address) return nullptr;
  lookups[address / lookup_page % 1024] = {address / lookup_page, &found->second};
  return &found->second;
}

}  // namespace brauer::emulation
