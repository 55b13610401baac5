#include "primitives.h"

#include "cuda/kernel.h"

namespace brauer::cuda::primitives {
namespace {

BRAUER_KERNEL(64, 1) void warps_kernel(Warps argument) {
  const int thread = thread_index(), lane = thread % 32;
  auto* const memory = reinterpret_cast<std::uint32_t*>(shared_memory());
  argument.shuffled[thread] = shuffle(static_cast<std::uint32_t>(thread * 7), (lane * 5 + 1) % 32);
  argument.swapped[thread] = shuffle_xor(thread + 0.5, 9);
  argument.votes[thread] = ballot(thread % 3 == 0);
  memory[thread] = static_cast<std::uint32_t>(thread + 100);
  sync_block();
  argument.through[thread] = memory[63 - thread];
  sync_block();
  memory[thread] = static_cast<std::uint32_t>(3 * thread);
  sync_warp();
  argument.through_warp[thread] = memory[thread / 32 * 32 + (lane + 1) % 32];
}

BRAUER_KERNEL(128, 1) void groups_kernel(Groups argument) {
  const int thread = thread_index(), group = thread / 64;
  auto* const memory = reinterpret_cast<std::uint32_t*>(shared_memory()) + 64 * group;
  std::uint32_t sum = 0;
  // The groups take different numbers of barriers.
  for (int round = 0; round < 8 * (group + 1); ++round) {
    memory[thread % 64] = static_cast<std::uint32_t>(thread * (round % 8));
    sync_group(group + 1, 64);
    if (round < 8)
      for (int i = 0; i < 64; ++i) sum += memory[i];
    sync_group(group + 1, 64);
  }
  argument.sums[block_index() * 128 + thread] = sum;
}

BRAUER_KERNEL(32, 1) void copies_kernel(Copies argument) {
  const int thread = thread_index();
  char* const memory = shared_memory();
  copy_async<16>(memory + 16 * thread, argument.from + 16 * thread);
  copy_async_commit();
  copy_async<8>(memory + 512 + 8 * thread, argument.from + 512 + 8 * thread);
  copy_async_commit();
  copy_async<4>(memory + 768 + 4 * thread, argument.from + 768 + 4 * thread);
  copy_async_commit();
  // The words that another thread has copied, each after its group and a barrier.
  const int other = 31 - thread;
  copy_async_wait<2>();
  sync_block();
  for (int i = 0; i < 16; ++i) argument.to[16 * other + i] = memory[16 * other + i];
  copy_async_wait<1>();
  sync_block();
  for (int i = 0; i < 8; ++i) argument.to[512 + 8 * other + i] = memory[512 + 8 * other + i];
  copy_async_wait<0>();
  sync_block();
  for (int i = 0; i < 4; ++i) argument.to[768 + 4 * other + i] = memory[768 + 4 * other + i];
}

BRAUER_KERNEL(256, 1) void conversions_kernel(Conversions argument) {
  const std::int64_t first = block_index() * thread_count() + thread_index(), step = block_count() * thread_count();
  for (std::int64_t i = first; i < argument.count; i += step) {
    argument.tf32[i] = to_tf32(argument.floats[i]);
    argument.half[i] = float_to_half(argument.floats[i]);
    argument.bfloat16[i] = float_to_bfloat16(argument.floats[i]);
  }
  for (std::int64_t i = first; i < 65536; i += step) {
    argument.from_half[i] = half_to_float(static_cast<std::uint16_t>(i));
    argument.from_bfloat16[i] = bfloat16_to_float(static_cast<std::uint16_t>(i));
  }
}

template <class Narrow>
BRAUER_DEVICE std::uint32_t pair(float low, float high, Narrow narrow) {
  return static_cast<std::uint32_t>(narrow(low)) | static_cast<std::uint32_t>(narrow(high)) << 16;
}

template <class Narrow, class Multiply>
BRAUER_DEVICE void product16(const Products& argument, float* d, Narrow narrow, Multiply multiply) {
  const int row = thread_index() / 4, column = thread_index() % 4;
  std::uint32_t a[4], b[2];
  float sums[4];
  for (int i = 0; i < 4; ++i) {
    const float* const word = argument.a16 + (row + i % 2 * 8) * 16 + column * 2 + i / 2 * 8;
    a[i] = pair(word[0], word[1], narrow);
    sums[i] = d[(row + i / 2 * 8) * 8 + 2 * column + i % 2];
  }
  for (int i = 0; i < 2; ++i) {
    const float* const word = argument.b16 + (column * 2 + i * 8) * 8 + row;
    b[i] = pair(word[0], word[8], narrow);
  }
  multiply(sums, a, b);
  for (int i = 0; i < 4; ++i) d[(row + i / 2 * 8) * 8 + 2 * column + i % 2] = sums[i];
}

BRAUER_KERNEL(32, 1) void products_kernel(Products argument) {
  const int row = thread_index() / 4, column = thread_index() % 4;
  float a[4], b[2], sums[4];
  for (int i = 0; i < 4; ++i) {
    a[i] = argument.a8[(row + i % 2 * 8) * 8 + column + i / 2 * 4];
    sums[i] = argument.tf32[(row + i / 2 * 8) * 8 + 2 * column + i % 2];
  }
  for (int i = 0; i < 2; ++i) b[i] = argument.b8[(column + i * 4) * 8 + row];
  mma_tf32(sums, a, b);
  for (int i = 0; i < 4; ++i) argument.tf32[(row + i / 2 * 8) * 8 + 2 * column + i % 2] = sums[i];

  product16(
      argument, argument.f16, [](float x) { return float_to_half(x); },
      [](float(&d)[4], const std::uint32_t(&x)[4], const std::uint32_t(&y)[2]) { mma_f16(d, x, y); });
  product16(
      argument, argument.bf16, [](float x) { return float_to_bfloat16(x); },
      [](float(&d)[4], const std::uint32_t(&x)[4], const std::uint32_t(&y)[2]) { mma_bf16(d, x, y); });
}

BRAUER_KERNEL(256, 1) void shared_kernel(Shared argument) {
  auto* const memory = reinterpret_cast<std::uint32_t*>(shared_memory());
  for (std::int64_t i = thread_index(); i < argument.words; i += thread_count())
    memory[i] = static_cast<std::uint32_t>(i * 2654435761u);
  sync_block();
  if (thread_index() != 0) return;
  std::uint64_t sum = 0;
  for (std::int64_t i = 0; i < argument.words; ++i) sum += memory[i];
  *argument.sum = sum;
}

BRAUER_KERNEL(32, 1) void fault_kernel(Fault argument) { *argument.nowhere = 1; }

}  // namespace

Kernel warps() { return kernel_of("warps", warps_kernel); }
Kernel groups() { return kernel_of("groups", groups_kernel); }
Kernel copies() { return kernel_of("copies", copies_kernel); }
Kernel conversions() { return kernel_of("conversions", conversions_kernel); }
Kernel products() { return kernel_of("products", products_kernel); }
Kernel shared() { return kernel_of("shared", shared_kernel); }
Kernel fault() { return kernel_of("fault", fault_kernel); }

}  // namespace brauer::cuda::primitives
