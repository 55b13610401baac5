#pragma once

#include <cstdint>

namespace brauer {

// Bytes of one core's second-level cache and of the largest one, 256 KiB and 4 MiB where the system does not tell.
struct Caches {
  std::int64_t l2, llc;
};
Caches caches();

// Processors this process may run on, and what its control group's CPU quota allows, rounded up; at least 1.
int usable_processors();

// The processor that the calling thread is on at this moment; -1 where the system does not tell.
int current_processor() noexcept;
// Moves the calling thread from that processor to another one that it may use, if there is one. It may come back later.
// Some schedulers wake a thread on the processor of its waker and keep it there although others are idle; two threads
// that should work at once then take turns.
void leave_processor(int processor) noexcept;

}  // namespace brauer
