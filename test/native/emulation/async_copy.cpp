// Asynchronous copies to shared memory. One may land at any moment between being issued and being awaited. It is made
// at the earliest or at the latest, and where at the latest, its destination is poisoned until then.
#include <cstring>

#include "emulation/accesses.h"
#include "emulation/grid.h"
#include "emulation/sanitizers.h"

namespace brauer::emulation {

namespace {

// ThreadSanitizer sees a copy twice, when it is issued and when it is awaited: in between nobody else may touch it.
void land(const AsyncCopy& copy) { std::memcpy(copy.to, copy.from, std::size_t(copy.bytes)); }

void land_up_to(Lane& lane, std::size_t end) {
  const bool is_late = running->settings.landing == Landing::latest;
  for (; lane.landed < end; lane.landed++) {
    const AsyncCopy& copy = lane.copies[lane.landed];
    check_copy_landed(copy);
    if (is_late || finds_races) land(copy);
  }
}

bool is_aligned(const void* address, int bytes) {
  return reinterpret_cast<std::uintptr_t>(address) % unsigned(bytes) == 0;
}

}  // namespace

void land_all_copies(Lane& lane) { land_up_to(lane, lane.copies.size()); }

}  // namespace brauer::emulation

namespace brauer::cuda {

using namespace emulation;

void copy_async_bytes(void* shared, const void* global, int bytes, Where where) {
  Lane& self = *current;
  const AsyncCopy copy{static_cast<char*>(shared), static_cast<const char*>(global), bytes};
  if (!is_aligned(shared, bytes) || !is_aligned(global, bytes))
    fail_launch(Text() << "a misaligned asynchronous copy of " << bytes << " bytes" << describe(where));
  const char* begin = self.block->shared;
  if (copy.to < begin || copy.to + bytes > begin + running->grid.shared)
    fail_launch(Text() << "an asynchronous copy to an address outside shared memory" << describe(where));
  check_copy_issued(copy);
  self.copies.push_back(copy);
  if (running->settings.landing == Landing::earliest)
    land(copy);
  else
    std::memset(shared, running->settings.poison, std::size_t(bytes));
}

void copy_async_commit() { current->groups.push_back(current->copies.size()); }

void copy_async_wait_groups(int open) {
  Lane& self = *current;
  while (self.groups.size() - self.first_group > std::size_t(open)) land_up_to(self, self.groups[self.first_group++]);
  if (self.first_group < self.groups.size()) return;
  // What is left has not been committed.
  self.copies.erase(self.copies.begin(), self.copies.begin() + std::ptrdiff_t(self.landed));
  self.groups.clear();
  self.landed = self.first_group = 0;
}

}  // namespace brauer::cuda
