#pragma once

#include <cstdint>

#include "cuda/divide.h"

// Random numbers by a counter: the native form of lib/tensor/random.ts, the same numbers bit for bit, on the host and
// in kernels. The value at (seed, index) depends on nothing else, so that any item of a batch can be made alone.
namespace brauer::gpu {

BRAUER_BOTH std::uint32_t mix32(std::uint32_t word) {
  word = (word ^ (word >> 16)) * 0x85ebca6bu;
  word = (word ^ (word >> 13)) * 0xc2b2ae35u;
  return word ^ (word >> 16);
}

// Uniform on [0, 1), with 53 bits.
BRAUER_BOTH double uniform_at(std::uint64_t seed, std::uint64_t index) {
  const std::uint32_t key = mix32(std::uint32_t(seed) ^ mix32(std::uint32_t(seed >> 32) + 0x51ed270bu));
  const std::uint32_t low = mix32(std::uint32_t(index) ^ key);
  const std::uint32_t high = mix32(std::uint32_t(index >> 32) ^ low ^ 0x9e3779b9u);
  return (double(low >> 5) * 67108864.0 + double(high >> 6)) * 0x1p-53;
}

// What inputs are filled with. A mean of 1/4: a contraction that is left out or counted twice must not drown in
// cancellation. 2u is exact, so that a fused product and sum gives the same.
BRAUER_BOTH double input_at(std::uint64_t seed, std::uint64_t index) { return 2 * uniform_at(seed, index) - 0.75; }

}  // namespace brauer::gpu
