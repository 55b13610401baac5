#include "emulation/accesses.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "emulation/arena.h"

#define BRAUER_ALWAYS_INLINE __attribute__((always_inline))
#define BRAUER_HOT inline BRAUER_ALWAYS_INLINE
#define BRAUER_COLD __attribute__((cold, noinline))

namespace brauer::emulation {

namespace {

[[noreturn]] BRAUER_COLD void fail_access(const Text& fault, const void* pc) {
  running->fault_pc = pc;
  fail_launch(fault);
}

Text name_of(std::size_t bytes, bool write) {
  return Text() << (write ? "a write of " : "a read of ") << std::int64_t(bytes) << " bytes";
}

Viewer viewer_of(const Lane& lane) { return {&running->work, lane.clock, lane.self}; }

// Calls visit(cell, bytes of its word) for each word.
template <class Visit>
BRAUER_HOT void for_words(Cell* cell, std::uintptr_t address, std::size_t bytes, Visit visit) {
  std::size_t offset = address % word_bytes;
  if (bytes == word_bytes && offset == 0) return visit(*cell, 15u);
  for (; bytes > 0; cell++) {
    const std::size_t now = std::min(word_bytes - offset, bytes);
    visit(*cell, unsigned((1u << now) - 1u) << offset);
    bytes -= now;
    offset = 0;
  }
}

[[noreturn]] BRAUER_COLD void fail_race(Access other, bool write, const Text& where, const void* pc) {
  fail_access(Text() << "a race: " << (write ? "a write to " : "a read of ") << where << ", unordered with "
                     << describe(other, viewer_of(*current)),
              pc);
}

// Where in the shared memory of the current block.
std::int64_t shared_offset(std::uintptr_t address) {
  return std::int64_t(address - reinterpret_cast<std::uintptr_t>(current->block->shared));
}

Text shared_place(std::uintptr_t address) { return Text() << "byte " << shared_offset(address) << " of shared memory"; }

BRAUER_HOT void check_shared(std::uintptr_t address, std::size_t bytes, bool write, const void* pc) {
  const Lane& self = *current;
  Block& block = *self.block;
  const std::size_t offset = address - reinterpret_cast<std::uintptr_t>(block.shared);
  if (offset + bytes > running->grid.shared)
    fail_access(name_of(bytes, write) << " across the end of shared memory, at byte " << std::int64_t(offset), pc);
  const Viewer viewer = viewer_of(self);
  for_words(&block.cells[offset / word_bytes], address, bytes, [&](Cell& cell, unsigned mask) BRAUER_ALWAYS_INLINE {
    if (std::uint32_t(cell.state >> 32) != block.number) cell = {std::uint64_t(block.number) << 32, {}};
    if ((cell.state >> 4 & mask) != 0)
      fail_access(name_of(bytes, write) << " at " << shared_place(address)
                                        << " before the asynchronous copy to it has been awaited",
                  pc);
    if (write)
      cell.state |= mask;
    else if ((cell.state & mask) != mask && running->settings.reject_unwritten)
      fail_access(name_of(bytes, write) << " at " << shared_place(address) << ", which nobody wrote", pc);
    if (const Access other = note(cell, mask, write, viewer); other != 0)
      fail_race(other, write, shared_place(address), pc);
  });
}

Text global_place(std::uintptr_t address, const Extent& extent) {
  return Text() << "byte " << std::int64_t(address - extent.begin) << " of an allocation of "
                << std::int64_t(extent.end - extent.begin);
}

// What is wrong with the place, nothing if nothing is.
Text misplaced(std::uintptr_t address, std::size_t bytes, int device, const Extent* extent) {
  if (extent == nullptr || address >= extent->end) return Text() << " outside every allocation";
  if (address + bytes > extent->end) return Text() << " across the end of " << global_place(address, *extent);
  if (extent->region != 0 && extent->region != device + 1) return Text() << " at memory of another device";
  return {};
}

BRAUER_HOT void check_global(std::uintptr_t address, std::size_t bytes, bool write, const void* pc) {
  const Extent* extent = find_extent(address);
  if (extent == nullptr || address < extent->begin || address + bytes > extent->end ||
      (extent->region != 0 && extent->region != running->device + 1))
    fail_access(name_of(bytes, write) << misplaced(address, bytes, running->device, extent), pc);
  const Viewer viewer = viewer_of(*current);
  for_words(cells_of(address), address, bytes, [&](Cell& cell, unsigned mask) BRAUER_ALWAYS_INLINE {
    if (write)
      cell.state |= mask;
    else if ((cell.state & mask) != mask && running->settings.reject_unwritten)
      fail_access(name_of(bytes, write) << " at " << global_place(address, *extent) << ", which nobody wrote", pc);
    if (const Access other = note(cell, mask, write, viewer); other != 0)
      fail_race(other, write, global_place(address, *extent), pc);
  });
}

// Constants of the program itself may be read.
bool is_in_program(std::uintptr_t address) {
  struct Query {
    std::uintptr_t address;
    bool found;
  } query{address, false};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& q = *static_cast<Query*>(data);
        for (int i = 0; i < info->dlpi_phnum; i++) {
          const auto& segment = info->dlpi_phdr[i];
          if (segment.p_type == PT_LOAD && q.address - (info->dlpi_addr + segment.p_vaddr) < segment.p_memsz)
            q.found = true;
        }
        return q.found ? 1 : 0;
      },
      &query);
  return query.found;
}

BRAUER_COLD void check_other(std::uintptr_t address, std::size_t bytes, bool write, const void* pc) {
  const std::uintptr_t in_argument = address - reinterpret_cast<std::uintptr_t>(running->argument);
  if (!write && in_argument < running->kernel.argument_bytes) return;
  static std::uintptr_t recent = 0;  // a page of the program
  if (!write && (address / 4096 == recent / 4096 || is_in_program(address))) {
    recent = address;
    return;
  }
  for (const Block& block : running->pool.blocks) {
    const std::uintptr_t distance = address - reinterpret_cast<std::uintptr_t>(block.shared) + 4096;
    if (distance < running->grid.shared + 8192)
      fail_access(name_of(bytes, write) << " outside the " << std::int64_t(running->grid.shared)
                                        << " bytes of shared memory, at byte " << shared_offset(address),
                  pc);
  }
  for (const Lane* lane : running->wave)
    if (address - reinterpret_cast<std::uintptr_t>(lane->context.stack) < lane->context.stack_bytes)
      fail_access(name_of(bytes, write) << " at a variable of thread " << lane->thread, pc);
  fail_access(name_of(bytes, write) << " at memory that is not the device's", pc);
}

BRAUER_HOT void check(std::uintptr_t address, std::size_t bytes, bool write, const void* pc) {
  const Lane& self = *current;
  if (address - reinterpret_cast<std::uintptr_t>(self.context.stack) < self.context.stack_bytes) return;
  if (address - reinterpret_cast<std::uintptr_t>(self.block->shared) < running->grid.shared)
    return check_shared(address, bytes, write, pc);
  if (is_in_arena(address)) return check_global(address, bytes, write, pc);
  check_other(address, bytes, write, pc);
}

template <bool Aligned>
BRAUER_HOT void check_access(void* memory, std::size_t bytes, bool write, const void* pc) {
  if (current == nullptr || !running->settings.check) return;
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  if (Aligned && address % bytes != 0) fail_access(Text() << "misaligned: " << name_of(bytes, write), pc);
  check(address, bytes, write, pc);
}

}  // namespace

Text check_stream_access(const Work& work, int device, const void* memory, std::size_t bytes, bool write) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  if (!checks_accesses || !is_in_arena(address)) return {};
  const Extent* extent = find_extent(address);
  if (const Text wrong = misplaced(address, bytes, device, extent); !wrong.empty())
    return name_of(bytes, write) << wrong;
  const std::uint32_t number = new_block(work);
  if (number == 0) return Text() << "more accesses than can be numbered";
  const Viewer viewer{&work, nullptr, access_of(number, 0, 1)};
  Text fault;
  for_words(cells_of(address), address, bytes, [&](Cell& cell, unsigned mask) {
    if (write) cell.state |= mask;
    const Access other = note(cell, mask, write, viewer);
    if (other != 0 && fault.empty())
      fault << "a race: " << name_of(bytes, write) << ", unordered with " << describe(other, viewer);
  });
  return fault;
}

void check_copy_issued(const AsyncCopy& copy) {
  if (!checks_accesses || !running->settings.check) return;
  const auto to = reinterpret_cast<std::uintptr_t>(copy.to);
  check(reinterpret_cast<std::uintptr_t>(copy.from), std::size_t(copy.bytes), false, nullptr);
  check_shared(to, std::size_t(copy.bytes), true, nullptr);
  Block& block = *current->block;
  Cell* cells = &block.cells[(to - reinterpret_cast<std::uintptr_t>(block.shared)) / word_bytes];
  for_words(cells, to, std::size_t(copy.bytes), [](Cell& cell, unsigned mask) { cell.state |= mask << 4; });
}

void check_copy_landed(const AsyncCopy& copy) {
  if (!checks_accesses || !running->settings.check) return;
  const auto to = reinterpret_cast<std::uintptr_t>(copy.to);
  Block& block = *current->block;
  Cell* cells = &block.cells[(to - reinterpret_cast<std::uintptr_t>(block.shared)) / word_bytes];
  for_words(cells, to, std::size_t(copy.bytes),
            [](Cell& cell, unsigned mask) { cell.state &= ~std::uint64_t(mask << 4); });
  check(reinterpret_cast<std::uintptr_t>(copy.from), std::size_t(copy.bytes), false, nullptr);
  check_shared(to, std::size_t(copy.bytes), true, nullptr);
}

void order_lanes(Lane* const* lanes, std::size_t count) {
  if (!checks_accesses || !running->settings.check) return;
  Block& block = *lanes[0]->block;
  Clock* joined = nullptr;
  for (Clock& clock : block.clocks)
    if (clock.uses == 0) joined = &clock;
  if (joined == nullptr) {
    joined = &block.clocks.emplace_back();
    joined->epochs.resize(std::size_t(running->grid.threads));
  }
  const Clock* merged = lanes[0]->clock;
  joined->epochs = merged->epochs;
  for (std::size_t i = 1; i < count; i++) {
    const Clock* clock = lanes[i]->clock;
    if (clock == merged) continue;
    merged = clock;
    for (std::size_t t = 0; t < clock->epochs.size(); t++)
      joined->epochs[t] = std::max(joined->epochs[t], clock->epochs[t]);
  }
  joined->uses = int(count);
  for (std::size_t i = 0; i < count; i++) {
    Lane& lane = *lanes[i];
    if (epoch_of(lane.self) == most_epochs) fail_launch(Text() << "more barriers than can be counted");
    joined->epochs[std::size_t(lane.thread)] = epoch_of(lane.self);
    lane.self += access_of(0, 0, 1);
    lane.clock->uses--;
    lane.clock = joined;
  }
}

std::string describe_place(const void* pc) {
  Dl_info info;
  if (pc == nullptr || dladdr(pc, &info) == 0 || info.dli_fname == nullptr) return {};
  char command[4096], line[1024] = "";
  // The call lies before the address that it returns to.
  const auto offset = reinterpret_cast<std::uintptr_t>(pc) - reinterpret_cast<std::uintptr_t>(info.dli_fbase) - 1;
  std::snprintf(command, sizeof command, "addr2line -e '%s' 0x%zx 2>/dev/null", info.dli_fname, std::size_t(offset));
  FILE* pipe = popen(command, "r");
  if (pipe == nullptr) return {};
  const bool is_read = std::fgets(line, sizeof line, pipe) != nullptr;
  pclose(pipe);
  if (!is_read || line[0] == '?') return {};
  const char* name = std::strrchr(line, '/');
  std::string place = name == nullptr ? line : name + 1;
  return " (" + place.substr(0, place.find_first_of(" \n")) + ")";
}

}  // namespace brauer::emulation

// What a compiler calls in code built with -fsanitize=thread,alignment: here it is not the sanitizers that answer.
#if !defined(BRAUER_EMULATION_TSAN) && !defined(BRAUER_EMULATION_ASAN)
using namespace brauer::emulation;

namespace {

// As the compiler lays it out.
struct Misalignment {
  const char* file;
  std::uint32_t line, column;
  const void* type;
  unsigned char log_alignment, kind;
};

}  // namespace

#define ACCESS(bytes)                                                                                    \
  void __tsan_read##bytes(void* p) { check_access<true>(p, bytes, false, __builtin_return_address(0)); } \
  void __tsan_write##bytes(void* p) { check_access<true>(p, bytes, true, __builtin_return_address(0)); }
#define UNALIGNED_ACCESS(bytes)                                                                                     \
  void __tsan_unaligned_read##bytes(void* p) { check_access<false>(p, bytes, false, __builtin_return_address(0)); } \
  void __tsan_unaligned_write##bytes(void* p) { check_access<false>(p, bytes, true, __builtin_return_address(0)); }

extern "C" {
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)
UNALIGNED_ACCESS(2)
UNALIGNED_ACCESS(4)
UNALIGNED_ACCESS(8)
UNALIGNED_ACCESS(16)
void __tsan_read_range(void* p, std::size_t bytes) {
  check_access<false>(p, bytes, false, __builtin_return_address(0));
}
void __tsan_write_range(void* p, std::size_t bytes) {
  check_access<false>(p, bytes, true, __builtin_return_address(0));
}
// Clang's, from 15 on, for what it copies by a call.
void* __tsan_memcpy(void* to, const void* from, std::size_t bytes) {
  check_access<false>(const_cast<void*>(from), bytes, false, __builtin_return_address(0));
  check_access<false>(to, bytes, true, __builtin_return_address(0));
  return std::memcpy(to, from, bytes);
}
void* __tsan_memmove(void* to, const void* from, std::size_t bytes) {
  check_access<false>(const_cast<void*>(from), bytes, false, __builtin_return_address(0));
  check_access<false>(to, bytes, true, __builtin_return_address(0));
  return std::memmove(to, from, bytes);
}
void* __tsan_memset(void* to, int value, std::size_t bytes) {
  check_access<false>(to, bytes, true, __builtin_return_address(0));
  return std::memset(to, value, bytes);
}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __ubsan_handle_type_mismatch_v1(const Misalignment* place, void*) {
  if (current != nullptr && running->settings.check)
    fail_launch(Text() << "misaligned for " << std::int64_t(1) * (1 << place->log_alignment) << " bytes"
                       << describe(brauer::cuda::Where{place->file, int(place->line)}));
}
}
#endif
