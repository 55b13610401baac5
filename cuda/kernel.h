#pragma once

#include <cstdint>

// What a kernel may use, and nothing else: a source that includes this and no CUDA header compiles for a GPU and, by a
// host compiler, for the emulated device (test/native/emulation), which finds faults in it. A kernel is
//
//   BRAUER_KERNEL(256, 1) void name(Argument argument) { … }
//
// with one struct as its argument (cuda/device.h: kernel_of, launch), in namespace brauer::cuda or one within it: CUDA
// has functions of the same names outside. Blocks have one dimension. Shared and global memory are reached through
// ordinary pointers. Barriers and warp functions are for all threads of the group or warp, which must reach them
// together. BRAUER_CALLED marks what is called and not copied into every place: it keeps code
// small where speed does not matter. BRAUER_UNROLL before a loop of a fixed count keeps what it indexes in registers.
#if defined(__CUDACC__)
#include "cuda/kernel_cuda.h"
#else
#include "emulation/kernel.h"
#endif

// clang-format off
// The functions of both, all in namespace brauer::cuda and marked BRAUER_DEVICE:
//
//   int thread_index(), thread_count()            within the block
//   std::int64_t block_index(), block_count()
//   char* shared_memory()                         the dynamic shared memory, aligned to 128 bytes; undefined at first
//   void sync_block()                             a barrier of the block; orders shared and global memory
//   void sync_group(int barrier, int threads)     a named barrier (1 to 15) of so many threads, whole warps
//   void sync_warp()                              a barrier of the warp; orders memory among its threads
//   T shuffle(T value, int lane)                  4 and 8 bytes; of the whole warp
//   T shuffle_xor(T value, int mask)
//   std::uint32_t ballot(bool vote)
//   void copy_async<Bytes>(void* shared, const void* global)    4, 8 or 16 bytes, both aligned to them
//   void copy_async_commit()                      closes a group of copies of this thread
//   void copy_async_wait<N>()                     until at most N groups of this thread are open; then a barrier makes
//                                                 the copies of the others visible
//   float square_root(float)
//   float to_tf32(float)                          rounded to nearest, ties away from zero
//   void mma_tf32(float (&d)[4], const float (&a)[4], const float (&b)[2])                    d += a·b, m16n8k8
//   void mma_f16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2])     m16n8k16, pairs packed
//   void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2])    m16n8k16
//   float half_to_float(std::uint16_t), bfloat16_to_float(std::uint16_t); back, rounded to nearest even
//   struct Vector<T, N>                           T values[N], aligned to its size: loads and stores of 8 or 16 bytes
//
// Fragments of mma lie over the lanes as PTX lays them out for mma.sync (row-major A, column-major B).
// clang-format on
