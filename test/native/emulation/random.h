#pragma once

#include <cstdint>
#include <numeric>

namespace brauer::emulation {

// splitmix64.
struct Random {
  std::uint64_t state = 0;

  std::uint64_t next() {
    std::uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::int64_t below(std::int64_t count) { return std::int64_t(next() % std::uint64_t(count)); }
};

// An order of 0 .. count - 1 that takes no memory: i to a·i + b modulo count, a and count coprime.
struct Permutation {
  std::int64_t count, factor, offset;

  Permutation(std::int64_t n, Random& random) : count(n), factor(1), offset(random.below(n)) {
    if (count > 2) do
        factor = 1 + random.below(count - 1);
      while (std::gcd(factor, count) != 1);
  }
  std::int64_t operator[](std::int64_t i) const { return (i * factor + offset) % count; }
};

}  // namespace brauer::emulation
