#pragma once

#include <atomic>
#include <chrono>

#include "core/machine.h"

namespace brauer {

// How long a thread that has nothing to do looks for more before it sleeps. One that looks begins within a microsecond;
// one that sleeps needs ten to a hundred, and costs whoever wakes it several.
constexpr std::chrono::microseconds kLinger(50);

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
  asm volatile("yield");
#endif
}

// Looks until `found()` or `stop()` or for so long; whether it was found.
template <class Found>
bool linger(const Found& found) {
  const auto end = std::chrono::steady_clock::now() + kLinger;
  do {
    // The clock takes as long as a few looks.
    for (int i = 0; i < 16; i++) {
      if (found()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return found();
}

}  // namespace brauer
