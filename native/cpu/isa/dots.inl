// Products of few columns (kernels.h): a row of A times a column of B is summed in the lanes of one vector, which are
// then added by halves. Every row takes the same steps, whatever the rows beside it.
namespace brauer {
namespace {

// Sums in registers: enough to hide the latency of an fma, and whole squares of a vector's width.
template <class S>
constexpr int kDotRows = S::W < 8 ? 8 : S::W;

template <class S>
constexpr Index kDotColumns = S::W < kDotPart ? 1 : S::W / kDotPart;

// Lane r of v[0] becomes the sum of the lanes of v[r]: log2 W rounds, of which each halves vectors and summands.
template <class S>
inline void add_lanes(typename S::V* v) {
#pragma GCC unroll 4
  for (int half = S::W / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < half; i++)
      v[i] = S::add(S::interleave_low(v[i], v[i + half]), S::interleave_high(v[i], v[i + half]));
  }
}

// sums[r] = Σ_k a[r·a_row + k]·b[k] for r < count; b has zeros up to a whole vector. Rows that are missing are read as
// the last one.
template <class S, bool Whole>
inline void dot_rows(typename S::T* sums, const typename S::T* a, Index a_row, Index count, const typename S::T* b,
                     Index inner, Fetch fetch) {
  constexpr int kRows = kDotRows<S>, W = S::W;
  using V = typename S::V;
  V sum[kRows];
  // As in gemm_tile, a pointer to every third row.
  const typename S::T* rows[kRows];
  for (int r = 0; r < kRows; r++) {
    rows[r] = a;
    if (Whole && r % 3 == 2) a += 3 * a_row;
    if (!Whole && r + 1 < count) a += a_row;
  }
  const auto row = [&](int r) __attribute__((always_inline)) {
    return Whole ? rows[r / 3 * 3] + r % 3 * a_row : rows[r];
  };
#pragma GCC unroll 16
  for (int r = 0; r < kRows; r++) sum[r] = S::zero();
  Index k = 0;
  for (; k + W <= inner; k += W) {
    const V right = S::load(b + k);
    fetch_line(fetch);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; r++) sum[r] = S::fma(S::load(row(r) + k), right, sum[r]);
  }
  if (k < inner) {
    const V right = S::load(b + k);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; r++) sum[r] = S::fma(S::load(row(r) + k, inner - k), right, sum[r]);
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; r += W) {
    add_lanes<S>(sum + r);
    S::store(sums + r, sum[r]);
  }
}

// One block of the inner index, of whose columns there are at most kDotColumns.
template <class S>
void dot_block(const Gemm<typename S::T>& g, Index inner) {
  using T = typename S::T;
  constexpr Index kRows = kDotRows<S>, kColumns = kDotColumns<S>;
  alignas(64) T right[kColumns][kInnerBlock];
  alignas(64) T sums[kColumns][kRows];
  const bool solid = g.cols == 1 && g.c_row == 1;
  const Index padded = (inner + S::W - 1) / S::W * S::W;
  for (Index j = 0; j < g.cols; j++)
    for (Index k = 0; k < padded; k++) right[j][k] = k < inner ? g.b[k * g.b_row + j] : T(0);
  for (Index row = 0; row < g.rows; row += kRows) {
    const Index count = g.rows - row < kRows ? g.rows - row : kRows;
    const T* a = g.a + row * g.a_row;
    for (Index j = 0; j < g.cols; j++) {
      const Fetch fetch = look_ahead(j == 0 ? g.ahead : nullptr, padded / S::W, right[j]);
      if (count == kRows)
        dot_rows<S, true>(sums[j], a, g.a_row, count, right[j], inner, fetch);
      else
        dot_rows<S, false>(sums[j], a, g.a_row, count, right[j], inner, fetch);
    }
    T* c = g.c + row * g.c_row;
    if (solid && count == kRows) {
      for (Index r = 0; r < kRows; r += S::W) {
        const typename S::V sum = S::load(sums[0] + r);
        S::store(c + r, g.set ? sum : S::add(S::load(c + r), sum));
      }
      continue;
    }
    for (Index r = 0; r < count; r++, c += g.c_row)
      for (Index j = 0; j < g.cols; j++) c[j] = g.set ? sums[j][r] : c[j] + sums[j][r];
  }
}

}  // namespace
}  // namespace brauer
