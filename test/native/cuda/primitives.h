#pragma once

#include <cstdint>

#include "cuda/device.h"

// Kernels that do one thing of cuda/kernel.h each, for device_test.cpp to judge. They run on a GPU and on the emulated
// device. Results are written by thread.
namespace brauer::cuda::primitives {

// One block of 64 threads.
struct Warps {
  std::uint32_t* shuffled;      // [64] what lane (lane·5 + 1) % 32 of the warp put in, thread·7
  double* swapped;              // [64] what lane ^ 9 put in, thread + 0.5
  std::uint32_t* votes;         // [64] of thread % 3 == 0
  std::uint32_t* through;       // [64] thread 63 - i's value, i + 100, by shared memory and a barrier of the block
  std::uint32_t* through_warp;  // [64] that of the next lane, 3·thread, by shared memory and a barrier of the warp
};
Kernel warps();

// Blocks of 128 threads: two groups of 64 with barriers of their own, each summing the numbers of its threads' turns.
struct Groups {
  std::uint32_t* sums;  // [blocks][128] Σ over the group of thread·round, over 8 rounds
};
Kernel groups();

// One block of 32 threads; copies of 4, 8 and 16 bytes in three groups of copies.
struct Copies {
  const char* from;  // [32·28]
  char* to;          // [32·28]
};
Kernel copies();

struct Conversions {
  std::int64_t count;
  const float* floats;
  float* tf32;
  std::uint16_t *half, *bfloat16;
  float *from_half, *from_bfloat16;  // [65536]
};
Kernel conversions();

// One warp: d += a·b, row-major, d [16][8]; tf32: a [16][8], b [8][8]; 16 bit: a [16][16], b [16][8], as floats.
struct Products {
  const float *a8, *b8, *a16, *b16;
  float *tf32, *f16, *bf16;
};
Kernel products();

// Fills the dynamic shared memory, and sums it.
struct Shared {
  std::int64_t words;
  std::uint64_t* sum;
};
Kernel shared();

// Stores to an address that nobody has.
struct Fault {
  int* nowhere;
};
Kernel fault();

}  // namespace brauer::cuda::primitives
