// LaneMix (kernels.h): a product whose rows are vectors of items. A block of kLaneCols columns by up to two vectors
// stays in registers; per k it takes those vectors of x and one broadcast weight for each column.
namespace brauer {
namespace {

// As many sums as fit the registers with two vectors each.
constexpr int kLaneCols = kGemmRows * 2 / 3;

template <class S, int Cols, int Vectors>
inline void lane_block(const LaneMix<typename S::T>& m, const typename S::T* x, typename S::T* y,
                       const typename S::T* b) {
  using V = typename S::V;
  V sum[Cols][Vectors];
  for (int j = 0; j < Cols; j++)
    for (int v = 0; v < Vectors; v++) sum[j][v] = S::zero();
  for (Index k = 0; k < m.inner; k++, x += m.lanes, b += m.b_inner) {
    V right[Vectors];
    for (int v = 0; v < Vectors; v++) right[v] = S::load(x + v * S::W);
    for (int j = 0; j < Cols; j++) {
      const V left = S::fill(b[j * m.b_col]);
      for (int v = 0; v < Vectors; v++) sum[j][v] = S::fma(left, right[v], sum[j][v]);
    }
  }
  for (int j = 0; j < Cols; j++, y += m.lanes)
    for (int v = 0; v < Vectors; v++)
      S::store(y + v * S::W, m.set ? sum[j][v] : S::add(S::load(y + v * S::W), sum[j][v]));
}

template <class S, int Cols, int Vectors>
inline void lane_columns(const LaneMix<typename S::T>& m, const typename S::T* x, typename S::T* y, Index col) {
  for (; col + Cols <= m.cols; col += Cols)
    lane_block<S, Cols, Vectors>(m, x, y + col * m.lanes, m.b + col * m.b_col);
  if constexpr (Cols > 1) {
    if (col < m.cols) lane_columns<S, Cols / 2, Vectors>(m, x, y, col);
  }
}

template <class S>
void lane_mix(const LaneMix<typename S::T>& m) {
  constexpr Index W = S::W;
  for (Index r = 0; r < m.rows; r++) {
    const typename S::T* x = m.x + r * m.x_row;
    typename S::T* y = m.y + r * m.y_row;
    Index t = 0;
    for (; t + 2 * W <= m.lanes; t += 2 * W) lane_columns<S, kLaneCols, 2>(m, x + t, y + t, 0);
    if (t < m.lanes) lane_columns<S, kLaneCols, 1>(m, x + t, y + t, 0);
  }
}

}  // namespace
}  // namespace brauer
