// Gemm (kernels.h), cut into blocks that stay in the caches.
namespace brauer {
namespace {

// Bytes of A to which every panel of B is applied before the next block of the inner index is read, so that C comes back
// from near. With one such block C is written once, and A may come from further away while a panel stays.
constexpr Index kLeftBytes = 512 << 10;

// The rows of g times one block of the inner index.
template <class S>
inline void gemm_block(Gemm<typename S::T> g, Index inner) {
  constexpr Index W = S::W;
  if (g.a_inner == 1 && g.cols <= kDotColumns<S>) return dot_block<S>(g, inner);
  for (Index left = g.cols; left > 0;) {
    // Three vectors end a row of five or seven better than one.
    const bool wide = g.rows == 1 && left > 3 * W;
    const Index most = !wide ? 2 * W : left > 7 * W ? 8 * W : 4 * W;
    const Index cols = left <= 3 * W || left < most ? left : most;
    if (wide)
      cols > 4 * W ? gemm_row<S, 8>(g, inner, cols) : gemm_row<S, 4>(g, inner, cols);
    else if (cols > 2 * W)
      gemm_panel<S, 3>(g, inner, cols);
    else if (cols > W)
      gemm_panel<S, 2>(g, inner, cols);
    else
      gemm_panel<S, 1>(g, inner, cols);
    left -= cols, g.b += cols, g.c += cols;
  }
}

template <class S>
void gemm(const Gemm<typename S::T>& whole) {
  using T = typename S::T;
  constexpr Index kWhole = 2 * kGemmRows;  // both sizes of full tiles divide it
  const Index deep = whole.inner < kInnerBlock ? whole.inner : kInnerBlock;
  const Index most = kLeftBytes / Index(sizeof(T)) / (deep > 0 ? deep : 1);
  // Blocks of nearly one size, so that the last one pays for its copies of B as the others do.
  const Index blocks = whole.inner > kInnerBlock && whole.rows > most ? (whole.rows - 1) / most + 1 : 1;
  const Index rows = blocks > 1 ? ((whole.rows - 1) / blocks / kWhole + 1) * kWhole : whole.rows;
  for (Index row = 0; row < whole.rows; row += rows) {
    for (Index k = 0; k < whole.inner; k += kInnerBlock) {
      Gemm<T> g = whole;
      g.rows = whole.rows - row < rows ? whole.rows - row : rows;
      g.a += row * g.a_row + k * g.a_inner;
      g.b += k * g.b_row;
      g.c += row * g.c_row;
      g.set = whole.set && k == 0;
      gemm_block<S>(g, whole.inner - k < kInnerBlock ? whole.inner - k : kInnerBlock);
    }
  }
}

}  // namespace
}  // namespace brauer
