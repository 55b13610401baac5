// Products of the whole warp. Fragments as PTX lays them out for mma.sync, with g = lane / 4 and t = lane % 4:
//   d (16x8)          d[0..1] = (g, 2t..2t+1), d[2..3] = (g + 8, 2t..2t+1)
//   tf32, a (16x8)    (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4);   b (8x8) (t, g), (t + 4, g)
//   16 bits, a (16x16), pairs (g, 2t..), (g + 8, 2t..), (g, 2t + 8..), (g + 8, 2t + 8..);   b (16x8) (2t.., g), (2t
//   + 8.., g)
// Products are exact and are summed in double precision, so only the last rounding is this emulation's.
#include <bit>

#include "core/dtype.h"
#include "emulation/grid.h"

namespace brauer::emulation {

namespace {

// a is 16 x depth, b depth x 8.
void multiply(const Warp& warp, const float* a, const float* b, int depth) {
  double d[16][8] = {};
  for (int i = 0; i < 16; i++)
    for (int k = 0; k < depth; k++)
      for (int j = 0; j < 8; j++) d[i][j] += double(a[i * depth + k]) * double(b[k * 8 + j]);
  for (int lane = 0; lane < warp_size; lane++) {
    const int g = lane / 4, t = lane % 4;
    float* out = warp.operands[lane].d;
    for (int e = 0; e < 4; e++) out[e] = float(out[e] + d[g + e / 2 * 8][2 * t + e % 2]);
  }
}

void multiply_tf32(const Warp& warp) {
  float a[16 * 8], b[8 * 8];
  // The lower 13 bits do not take part.
  const auto cut = [](float value) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & ~0x1fffu); };
  for (int lane = 0; lane < warp_size; lane++) {
    const int g = lane / 4, t = lane % 4;
    const auto* from_a = static_cast<const float*>(warp.operands[lane].a);
    const auto* from_b = static_cast<const float*>(warp.operands[lane].b);
    for (int e = 0; e < 4; e++) a[(g + e % 2 * 8) * 8 + t + e / 2 * 4] = cut(from_a[e]);
    for (int e = 0; e < 2; e++) b[(t + e * 4) * 8 + g] = cut(from_b[e]);
  }
  multiply(warp, a, b, 8);
}

template <float (*Widen)(std::uint16_t)>
void multiply_16_bits(const Warp& warp) {
  float a[16 * 16], b[16 * 8];
  for (int lane = 0; lane < warp_size; lane++) {
    const int g = lane / 4, t = lane % 4;
    const auto* from_a = static_cast<const std::uint32_t*>(warp.operands[lane].a);
    const auto* from_b = static_cast<const std::uint32_t*>(warp.operands[lane].b);
    for (int half = 0; half < 2; half++) {
      for (int e = 0; e < 4; e++)
        a[(g + e % 2 * 8) * 16 + 2 * t + e / 2 * 8 + half] = Widen(std::uint16_t(from_a[e] >> (16 * half)));
      for (int e = 0; e < 2; e++) b[(2 * t + e * 8 + half) * 8 + g] = Widen(std::uint16_t(from_b[e] >> (16 * half)));
    }
  }
  multiply(warp, a, b, 16);
}

}  // namespace

}  // namespace brauer::emulation

namespace brauer::cuda {

using namespace emulation;

void mma_tf32(float (&d)[4], const float (&a)[4], const float (&b)[2], Where where) {
  multiply_in_warp("mma_tf32", where, {d, a, b}, multiply_tf32);
}

void mma_f16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], Where where) {
  multiply_in_warp("mma_f16", where, {d, a, b}, multiply_16_bits<f16_to_float>);
}

void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], Where where) {
  multiply_in_warp("mma_bf16", where, {d, a, b}, multiply_16_bits<bf16_to_float>);
}

}  // namespace brauer::cuda
