#pragma once

#include <cstdint>

// cuda/kernel.h for nvcc. The least is compute capability 7.5, which has neither asynchronous copies nor products of
// tf32 and bfloat16: there the copies are plain, and the products are sums over shuffles, right but slower than FFMA on
// memory.
#define BRAUER_DEVICE __device__ __forceinline__
#define BRAUER_CALLED [[maybe_unused]] static __device__ __noinline__
#define BRAUER_UNROLL _Pragma("unroll")
#define BRAUER_KERNEL(threads, blocks) __global__ __launch_bounds__(threads, blocks)

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 750
#error "kernels need compute capability 7.5 or later"
#endif
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#define BRAUER_HAS_SM80 0
#else
#define BRAUER_HAS_SM80 1
#endif

namespace brauer::cuda {

// Loaded and stored by one instruction of its size.
template <class T, int N>
struct alignas(sizeof(T) * N) Vector {
  static_assert(sizeof(T) * N == 4 || sizeof(T) * N == 8 || sizeof(T) * N == 16);
  T values[N];
};

BRAUER_DEVICE int thread_index() { return static_cast<int>(threadIdx.x); }
BRAUER_DEVICE int thread_count() { return static_cast<int>(blockDim.x); }
BRAUER_DEVICE std::int64_t block_index() { return blockIdx.x; }
BRAUER_DEVICE std::int64_t block_count() { return gridDim.x; }

BRAUER_DEVICE char* shared_memory() {
  extern __shared__ __align__(128) char brauer_shared_memory[];
  return brauer_shared_memory;
}

BRAUER_DEVICE void sync_block() { __syncthreads(); }
BRAUER_DEVICE void sync_group(int barrier, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}
BRAUER_DEVICE void sync_warp() { __syncwarp(); }

template <class T>
BRAUER_DEVICE T shuffle(T value, int lane) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  return __shfl_sync(0xffffffffu, value, lane);
}
template <class T>
BRAUER_DEVICE T shuffle_xor(T value, int mask) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  return __shfl_xor_sync(0xffffffffu, value, mask);
}
BRAUER_DEVICE float square_root(float value) { return __fsqrt_rn(value); }
BRAUER_DEVICE std::uint32_t ballot(bool vote) { return __ballot_sync(0xffffffffu, vote); }

template <int Bytes>
BRAUER_DEVICE void copy_async(void* shared, const void* global) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16);
#if BRAUER_HAS_SM80
  const std::uint32_t address = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
  // 16 bytes may pass by L1, which the tile does not need: it is read from shared memory.
  if constexpr (Bytes == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address), "l"(__cvta_generic_to_global(global))
                 : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(address), "l"(__cvta_generic_to_global(global)),
                 "n"(Bytes)
                 : "memory");
#else
  if constexpr (Bytes == 4)
    *static_cast<std::uint32_t*>(shared) = *static_cast<const std::uint32_t*>(global);
  else
    *static_cast<Vector<std::uint32_t, Bytes / 4>*>(shared) =
        *static_cast<const Vector<std::uint32_t, Bytes / 4>*>(global);
#endif
}
BRAUER_DEVICE void copy_async_commit() {
#if BRAUER_HAS_SM80
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
template <int N>
BRAUER_DEVICE void copy_async_wait() {
#if BRAUER_HAS_SM80
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
#endif
}

BRAUER_DEVICE float to_tf32(float value) {
#if BRAUER_HAS_SM80
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  // PTX leaves the 13 bits below a tf32 undefined; what is left of a value after its tf32 counts on their being zero.
  return __uint_as_float(bits & 0xffffe000u);
#else
  const std::uint32_t bits = __float_as_uint(value);
  const bool is_finite = (bits & 0x7f800000u) != 0x7f800000u;
  return is_finite ? __uint_as_float((bits + 0x1000u) & 0xffffe000u) : value;
#endif
}

BRAUER_DEVICE float half_to_float(std::uint16_t value) {
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value));
  return result;
}
BRAUER_DEVICE std::uint16_t float_to_half(float value) {
  std::uint16_t result;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result) : "f"(value));
  return result;
}
BRAUER_DEVICE float bfloat16_to_float(std::uint16_t value) {
  return __uint_as_float(static_cast<std::uint32_t>(value) << 16);
}
BRAUER_DEVICE std::uint16_t float_to_bfloat16(float value) {
#if BRAUER_HAS_SM80
  std::uint16_t result;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result) : "f"(value));
  return result;
#else
  const std::uint32_t bits = __float_as_uint(value);
  if (value != value) return 0x7fff;
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
#endif
}

#if !BRAUER_HAS_SM80
// The products that 7.5 lacks. A lane holds two rows of d, lane/4 and lane/4 + 8, and the columns 2·(lane%4) and the
// one after; word w of a row of a lies in lane 4·row + w%4 (words 4 to 7 in the registers 2 and 3), that of a column of
// b likewise.
template <class Multiply>
BRAUER_DEVICE void mma_by_shuffles(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                                   Multiply multiply) {
  const int lane = thread_index() % 32, row = lane / 4 * 4, column = lane % 4 * 8;
#pragma unroll
  for (int word = 0; word < 8; ++word) {
    const int at = word % 4, high = word / 4;
    const std::uint32_t upper = shuffle(a[2 * high], row + at), lower = shuffle(a[2 * high + 1], row + at);
    const std::uint32_t left = shuffle(b[high], column + at), right = shuffle(b[high], column + 4 + at);
    d[0] = multiply(upper, left, d[0]);
    d[1] = multiply(upper, right, d[1]);
    d[2] = multiply(lower, left, d[2]);
    d[3] = multiply(lower, right, d[3]);
  }
}
#endif

BRAUER_DEVICE void mma_tf32(float (&d)[4], const float (&a)[4], const float (&b)[2]) {
#if BRAUER_HAS_SM80
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])), "r"(__float_as_uint(a[3])),
        "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
#else
  const std::uint32_t a_bits[4] = {__float_as_uint(a[0]), __float_as_uint(a[1]), __float_as_uint(a[2]),
                                   __float_as_uint(a[3])};
  const std::uint32_t b_bits[2] = {__float_as_uint(b[0]), __float_as_uint(b[1])};
  mma_by_shuffles(d, a_bits, b_bits, [](std::uint32_t x, std::uint32_t y, float sum) {
    return fmaf(__uint_as_float(x), __uint_as_float(y), sum);
  });
#endif
}

BRAUER_DEVICE void mma_f16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
#if BRAUER_HAS_SM80
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
#pragma unroll
  for (int half = 0; half < 2; ++half)
    asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[2 * half]), "r"(a[2 * half + 1]), "r"(b[half]));
#endif
}

BRAUER_DEVICE void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
#if BRAUER_HAS_SM80
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  mma_by_shuffles(d, a, b, [](std::uint32_t x, std::uint32_t y, float sum) {
    const float low = fmaf(__uint_as_float(x << 16), __uint_as_float(y << 16), sum);
    return fmaf(__uint_as_float(x & 0xffff0000u), __uint_as_float(y & 0xffff0000u), low);
  });
#endif
}

}  // namespace brauer::cuda
