// Gemm (kernels.h). A tile of kGemmRows x 2 vectors of C stays in registers; per k it takes two vectors of B and one broadcast
// element of A for each row. Rows and columns at the edges run the same instructions on fewer rows or masked lanes.
namespace brauer {
namespace {

// Steps of k between two additions to C: the panel of B (2 vectors wide) then stays in the first-level cache.
constexpr Index kInnerBlock = 256;

template <class S, int Rows, int Vectors, bool Edge>
inline void gemm_tile(Index inner, const typename S::T* a, Index a_row, Index a_inner, const typename S::T* b, Index b_row,
                      typename S::T* c, Index c_row, Index lanes, bool set) {
  using V = typename S::V;
  const auto load = [lanes](const typename S::T* p, int v) __attribute__((always_inline)) {
    return Edge && v == Vectors - 1 ? S::load(p + v * S::W, lanes) : S::load(p + v * S::W);
  };
  V sum[Rows][Vectors];
  for (int r = 0; r < Rows; r++)
    for (int v = 0; v < Vectors; v++) sum[r][v] = S::zero();
  // Every third row has a pointer; the rows between are one and two strides further, which addressing modes can express.
  const typename S::T* rows[(Rows + 2) / 3];
  for (int r = 0; r < Rows; r += 3) rows[r / 3] = a + r * a_row;
  for (Index k = 0; k < inner; k++) {
    V right[Vectors];
    for (int v = 0; v < Vectors; v++) right[v] = load(b, v);
    b += b_row;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; r++) {
      const V left = S::fill(rows[r / 3][(r % 3) * a_row]);
      for (int v = 0; v < Vectors; v++) sum[r][v] = S::fma(left, right[v], sum[r][v]);
    }
    for (int r = 0; r < Rows; r += 3) rows[r / 3] += a_inner;
  }
  for (int r = 0; r < Rows; r++, c += c_row) {
    for (int v = 0; v < Vectors; v++) {
      const V value = set ? sum[r][v] : S::add(load(c, v), sum[r][v]);
      if (Edge && v == Vectors - 1) S::store(c + v * S::W, value, lanes);
      else S::store(c + v * S::W, value);
    }
  }
}

// One panel of columns: all rows, the last ones with the tile of their number.
template <class S, int Rows, int Vectors, bool Edge>
inline void gemm_panel(const Gemm<typename S::T>& g, Index row, Index inner, Index lanes) {
  const auto* a = g.a + row * g.a_row;
  auto* c = g.c + row * g.c_row;
  for (; row + Rows <= g.rows; row += Rows, a += Rows * g.a_row, c += Rows * g.c_row)
    gemm_tile<S, Rows, Vectors, Edge>(inner, a, g.a_row, g.a_inner, g.b, g.b_row, c, g.c_row, lanes, g.set);
  if constexpr (Rows > 1) {
    // Halves, so that few sizes are compiled: 12, 6, 3, 1.
    if (row < g.rows) gemm_panel<S, Rows / 2, Vectors, Edge>(g, row, inner, lanes);
  }
}

template <class S>
void gemm(const Gemm<typename S::T>& whole) {
  constexpr Index W = S::W;
  for (Index k = 0; k < whole.inner; k += kInnerBlock) {
    const Index inner = whole.inner - k < kInnerBlock ? whole.inner - k : kInnerBlock;
    Gemm<typename S::T> g = whole;
    g.a += k * g.a_inner;
    g.b += k * g.b_row;
    g.set = whole.set && k == 0;
    Index j = 0;
    for (; j + 2 * W <= whole.cols; j += 2 * W, g.b += 2 * W, g.c += 2 * W) gemm_panel<S, kGemmRows, 2, false>(g, 0, inner, 0);
    const Index left = whole.cols - j;
    if (left > W) gemm_panel<S, kGemmRows, 2, true>(g, 0, inner, left - W);
    else if (left == W) gemm_panel<S, kGemmRows, 1, false>(g, 0, inner, 0);
    else if (left > 0) gemm_panel<S, kGemmRows, 1, true>(g, 0, inner, left);
  }
}

template <class S>
void transpose(typename S::T* out, Index out_row, const typename S::T* in, Index in_row, Index rows, Index cols) {
  constexpr Index kBlock = 16;
  for (Index i0 = 0; i0 < rows; i0 += kBlock) {
    const Index i1 = i0 + kBlock < rows ? i0 + kBlock : rows;
    for (Index j = 0; j < cols; j++)
      for (Index i = i0; i < i1; i++) out[j * out_row + i] = in[i * in_row + j];
  }
}

}  // namespace
}  // namespace brauer
