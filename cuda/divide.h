#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define BRAUER_BOTH __host__ __device__ inline
#else
#define BRAUER_BOTH inline
#endif

namespace brauer::cuda {

// Division of n < 2^31 by a number from 1 to 2^31 - 1 that kernels meet again and again, as a product and a shift: with
// s = ceil(log2 divisor) and magic = floor(2^(31+s) / divisor) + 1, the error of magic stays below 2^s / 2^(31+s), too
// little to reach the next integer.
struct Divider {
  std::uint32_t divisor = 1;
  std::uint32_t magic = 0x80000001u;
  std::uint32_t shift = 31;
};

inline Divider divider(std::uint32_t divisor) {
  std::uint32_t log = 0;
  while ((std::uint64_t(1) << log) < divisor) log++;
  return {divisor, std::uint32_t((std::uint64_t(1) << (31 + log)) / divisor + 1), 31 + log};
}

BRAUER_BOTH std::uint32_t quotient(const Divider& by, std::uint32_t n) {
  return std::uint32_t((std::uint64_t(n) * by.magic) >> by.shift);
}

}  // namespace brauer::cuda
