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

}  // namespace brauer
