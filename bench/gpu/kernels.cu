/* kernels.cu   fill     out[i] = 2 · uniform(seed, i) − 3/4
                nothing
                ffma     x_j = x_j · a + b, 16 chains of a thread
                tf32, bf16   D_j += A · B by mma.sync, 8 chains of a warp (m16n8k8 and m16n8k16)

   The chains of a peak hide the latency of an instruction: 4 cycles for FFMA, some 20 for mma.sync. */
#include "gpu/kernels.h"

#include "cuda/kernel.h"
#include "gpu/generator.h"

namespace brauer::gpu {

using namespace brauer::cuda;

namespace {

struct FillArgument {
  float* out;
  std::uint64_t seed;
  std::int64_t count;
};

BRAUER_KERNEL(256, 1) void fill_kernel(FillArgument argument) {
  const std::int64_t step = block_count() * thread_count();
  for (std::int64_t i = block_index() * thread_count() + thread_index(); i < argument.count; i += step)
    argument.out[i] = float(input_at(argument.seed, std::uint64_t(i)));
}

struct Nothing {
  int unused;
};
BRAUER_KERNEL(32, 1) void nothing_kernel(Nothing) {}

constexpr int kChains = 16, kProducts = 8, kUnroll = 4;  // kUnroll: steps of a turn, so that the loop costs nothing

struct PeakArgument {
  float* sink;
  std::int64_t steps;
  float a, b;  // from outside, so that nothing is known of the values
};

BRAUER_DEVICE std::int64_t place() { return block_index() * thread_count() + thread_index(); }

BRAUER_KERNEL(kPeakThreads, 2) void ffma_kernel(PeakArgument argument) {
  float x[kChains], sum = 0;
  BRAUER_UNROLL
  for (int j = 0; j < kChains; j++) x[j] = float(thread_index() + j);
  for (std::int64_t step = 0; step < argument.steps; step += kUnroll) {
    BRAUER_UNROLL
    for (int turn = 0; turn < kUnroll * kChains; turn++)
      x[turn % kChains] = x[turn % kChains] * argument.a + argument.b;
  }
  BRAUER_UNROLL
  for (int j = 0; j < kChains; j++) sum += x[j];
  argument.sink[place()] = sum;
}

// Multiply: d += a · b of fragments of type T.
template <class T, class Multiply>
BRAUER_DEVICE void multiply_on(const PeakArgument& argument, T a_bits, T b_bits, const Multiply& multiply) {
  float d[kProducts][4], sum = 0;
  const T a[4] = {a_bits, a_bits, a_bits, a_bits}, b[2] = {b_bits, b_bits};
  BRAUER_UNROLL
  for (int j = 0; j < kProducts; j++)
    for (int i = 0; i < 4; i++) d[j][i] = float(thread_index() + j);
  for (std::int64_t step = 0; step < argument.steps; step += kUnroll) {
    BRAUER_UNROLL
    for (int turn = 0; turn < kUnroll * kProducts; turn++) multiply(d[turn % kProducts], a, b);
  }
  BRAUER_UNROLL
  for (int j = 0; j < kProducts; j++) sum += d[j][0] + d[j][1] + d[j][2] + d[j][3];
  argument.sink[place()] = sum;
}

BRAUER_KERNEL(kPeakThreads, 2) void tf32_kernel(PeakArgument argument) {
  multiply_on(argument, to_tf32(argument.a), to_tf32(argument.b),
              [](float(&d)[4], const float(&a)[4], const float(&b)[2]) { mma_tf32(d, a, b); });
}

BRAUER_KERNEL(kPeakThreads, 2) void bf16_kernel(PeakArgument argument) {
  const std::uint32_t a = 0x10001u * float_to_bfloat16(argument.a), b = 0x10001u * float_to_bfloat16(argument.b);
  multiply_on(argument, a, b,
              [](float(&d)[4], const std::uint32_t(&x)[4], const std::uint32_t(&y)[2]) { mma_bf16(d, x, y); });
}

}  // namespace

Status fill_inputs(Stream* stream, float* out, std::uint64_t seed, std::int64_t count, std::int64_t blocks) {
  const FillArgument argument{out, seed, count};
  return launch(stream, kernel_of("fill", fill_kernel), {blocks, 256, 0}, &argument);
}

Status launch_nothing(Stream* stream) {
  const Nothing argument{};
  return launch(stream, kernel_of("nothing", nothing_kernel), {1, 32, 0}, &argument);
}

double peak_flops(Unit unit, std::int64_t blocks, std::int64_t steps) {
  const double warps = double(blocks) * kPeakThreads / 32;
  switch (unit) {
    case Unit::ffma:
      return 2.0 * kChains * 32 * warps * double(steps);
    case Unit::tf32:
      return 2.0 * 16 * 8 * 8 * kProducts * warps * double(steps);
    case Unit::bf16:
      return 2.0 * 16 * 8 * 16 * kProducts * warps * double(steps);
  }
  return 0;
}

Status launch_peak(Stream* stream, Unit unit, std::int64_t blocks, std::int64_t steps, float* sink) {
  const PeakArgument argument{sink, steps, 0.999f, 0.001f};
  const Kernel kernel = unit == Unit::ffma   ? kernel_of("peak ffma", ffma_kernel)
                        : unit == Unit::tf32 ? kernel_of("peak tf32", tf32_kernel)
                                             : kernel_of("peak bf16", bf16_kernel);
  return launch(stream, kernel, {blocks, kPeakThreads, 0}, &argument);
}

}  // namespace brauer::gpu
