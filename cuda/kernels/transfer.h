#pragma once

#include "core/dtype.h"
#include "cuda/kernels/step.h"

// A tile's operands between memory and an arena.
namespace brauer::cuda {

BRAUER_DEVICE bool is_narrow(std::uint32_t dtype) { return Dtype(dtype) == Dtype::f16 || Dtype(dtype) == Dtype::bf16; }

// Begins to copy elements [at, at + count) of an operand; the copies of this worker land before its wait for them.
template <class T>
BRAUER_DEVICE void begin_copy(T* to, const T* from, std::int64_t at, std::uint32_t count, const Team& team) {
  constexpr std::uint32_t kVector = 16 / sizeof(T);
  from += at;
  std::uint32_t done = 0;
  if (at % kVector == 0) {
    done = count / kVector * kVector;
    for (std::uint32_t i = team.rank * kVector; i < done; i += team.size * kVector) copy_async<16>(to + i, from + i);
  }
  for (std::uint32_t i = done + team.rank; i < count; i += team.size) copy_async<int(sizeof(T))>(to + i, from + i);
}

// The same to where such copies cannot go, done when it returns.
template <class T>
BRAUER_DEVICE void copy_tile(T* to, const T* from, std::int64_t at, std::uint32_t count, const Team& team) {
  for (std::uint32_t i = team.rank; i < count; i += team.size) to[i] = from[at + i];
}

// The same from 16 bits.
template <class T>
BRAUER_DEVICE void widen_tile(T* to, const void* from, std::int64_t at, std::uint32_t count, Dtype dtype,
                              const Team& team) {
  const auto* const bits = static_cast<const std::uint16_t*>(from) + at;
  for (std::uint32_t i = team.rank; i < count; i += team.size)
    to[i] = T(dtype == Dtype::f16 ? half_to_float(bits[i]) : bfloat16_to_float(bits[i]));
}

template <class T>
BRAUER_DEVICE void write_tile(T* to, const T* from, std::int64_t at, std::uint32_t count, const Team& team) {
  constexpr std::uint32_t kVector = 16 / sizeof(T);
  to += at;
  std::uint32_t done = 0;
  if (at % kVector == 0) {
    done = count / kVector * kVector;
    for (std::uint32_t i = team.rank * kVector; i < done; i += team.size * kVector)
      store<T, kVector>(to + i, load<T, kVector>(from + i));
  }
  for (std::uint32_t i = done + team.rank; i < count; i += team.size) to[i] = from[i];
}

template <class T>
BRAUER_DEVICE void narrow_tile(void* to, const T* from, std::int64_t at, std::uint32_t count, Dtype dtype,
                               const Team& team) {
  auto* const bits = static_cast<std::uint16_t*>(to) + at;
  for (std::uint32_t i = team.rank; i < count; i += team.size)
    bits[i] = dtype == Dtype::f16 ? float_to_half(float(from[i])) : float_to_bfloat16(float(from[i]));
}

}  // namespace brauer::cuda
