#pragma once

#include <bit>
#include <cstdint>

#include "core/dtype.h"

// The emulated device's side of cuda/kernel.h, for kernels compiled by the host compiler. Where a function is called is
// kept, so that a fault can say so.
#define BRAUER_KERNEL(threads, blocks)
#define BRAUER_CALLED inline
#define BRAUER_UNROLL
#define BRAUER_DEVICE inline

namespace brauer::cuda {

struct Where {
  const char* file = "";
  int line = 0;

  static constexpr Where here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }
};

int thread_index();
int thread_count();
std::int64_t block_index();
std::int64_t block_count();
char* shared_memory();

void sync_block(Where where = Where::here());
void sync_group(int barrier, int threads, Where where = Where::here());
void sync_warp(Where where = Where::here());

// Shuffles, votes and products wait for the whole warp but order no memory, as on a GPU.
std::uint64_t exchange(std::uint64_t bits, int lane, Where where);
std::uint32_t ballot(bool vote, Where where = Where::here());

template <class T>
BRAUER_DEVICE T shuffle(T value, int lane, Where where = Where::here()) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  if constexpr (sizeof(T) == 4)
    return std::bit_cast<T>(std::uint32_t(exchange(std::bit_cast<std::uint32_t>(value), lane, where)));
  else
    return std::bit_cast<T>(exchange(std::bit_cast<std::uint64_t>(value), lane, where));
}

template <class T>
BRAUER_DEVICE T shuffle_xor(T value, int mask, Where where = Where::here()) {
  return shuffle(value, thread_index() ^ mask, where);
}

void copy_async_bytes(void* shared, const void* global, int bytes, Where where);
void copy_async_commit();
void copy_async_wait_groups(int open);

template <int Bytes>
BRAUER_DEVICE void copy_async(void* shared, const void* global, Where where = Where::here()) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16);
  copy_async_bytes(shared, global, Bytes, where);
}

template <int N>
BRAUER_DEVICE void copy_async_wait() {
  static_assert(N >= 0);
  copy_async_wait_groups(N);
}

BRAUER_DEVICE float square_root(float value) { return __builtin_sqrtf(value); }

BRAUER_DEVICE float to_tf32(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return std::bit_cast<float>(0x7fffffffu);
  return std::bit_cast<float>((bits + 0x1000u) & ~0x1fffu);
}

void mma_tf32(float (&d)[4], const float (&a)[4], const float (&b)[2], Where where = Where::here());
void mma_f16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], Where where = Where::here());
void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], Where where = Where::here());

BRAUER_DEVICE float half_to_float(std::uint16_t bits) { return f16_to_float(bits); }
BRAUER_DEVICE std::uint16_t float_to_half(float value) { return float_to_f16(value); }
BRAUER_DEVICE float bfloat16_to_float(std::uint16_t bits) { return bf16_to_float(bits); }
BRAUER_DEVICE std::uint16_t float_to_bfloat16(float value) { return float_to_bf16(value); }

// Loads and stores are aligned: the compiler's check of that (-fsanitize=alignment) is on for kernels. Clang checks
// what a reference is bound to, not a struct that it copies in its own way, hence a member that has to be copied by a
// call.
#if defined(__clang__)
struct CopiedByCall {
  CopiedByCall() = default;
  CopiedByCall(const CopiedByCall&) {}
  CopiedByCall& operator=(const CopiedByCall&) { return *this; }
};
#endif
template <class T, int N>
struct alignas(sizeof(T) * N) Vector {
  static_assert(sizeof(T) * N == 4 || sizeof(T) * N == 8 || sizeof(T) * N == 16);
  T values[N];
#if defined(__clang__)
  [[no_unique_address]] CopiedByCall copied{};
#endif
};

}  // namespace brauer::cuda
