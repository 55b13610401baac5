// Tiles of gemm (kernels.h). A tile of kGemmRows x 2 vectors of C stays in registers; per k it takes two vectors of B and one
// broadcast element of A for each row. Rows and columns at the edges run the same instructions on fewer rows or masked
// lanes.
namespace brauer {
namespace {

// Steps of k between two additions to C: the panel of B (2 vectors wide) then stays in the first-level cache.
constexpr Index kInnerBlock = 256;

// Rows of A from which on copying a panel of B pays: copies are aligned, back to back, and padded to whole vectors.
constexpr Index kPackRows = 4 * kGemmRows;

template <class S, int Vectors, bool Edge>
inline void load_right(typename S::V* right, const typename S::T* p, Index lanes) {
  for (int v = 0; v + 1 < Vectors; v++) right[v] = S::load(p + v * S::W);
  if constexpr (Edge)
    right[Vectors - 1] = S::load(p + (Vectors - 1) * S::W, lanes);
  else
    right[Vectors - 1] = S::load(p + (Vectors - 1) * S::W);
}

// What one panel of columns multiplies with: `lanes` lanes of its last vector are columns of C.
template <class T>
struct Panel {
  const T* b;
  Index b_row, inner, lanes;
  bool set;
};

constexpr Index kLine = 64;

// A line per step of k, so that misses come no faster than memory answers; step 0 where there is nothing to fetch.
struct Fetch {
  const char* next;
  Index step;
};

inline void fetch_line(Fetch& fetch) {
#if defined(__GNUC__)
  __builtin_prefetch(fetch.next, 0, 2);
  fetch.next += fetch.step;
#else
  (void)fetch;
#endif
}

// What the next tile of `inner` steps fetches meanwhile; what exceeds a line per step, or lies in short spans, at once.
inline Fetch look_ahead(Ahead* ahead, Index inner, const void* idle) {
  Fetch fetch{static_cast<const char*>(idle), 0};
  if (!ahead) return fetch;
  Index left = ahead->lines;
  for (; left > 0 && ahead->span != ahead->last; ahead->span++) {
    Ahead::Span& span = *ahead->span;
    if (fetch.step == 0 && span.end - span.next >= inner * kLine) {
      fetch = {span.next, kLine};
      span.next += inner * kLine;
      left -= inner;
    }
    Fetch now{span.next, kLine};
    for (; left > 0 && now.next < span.end; left--) fetch_line(now);
    span.next = now.next;
    if (left <= 0) break;
  }
  return fetch;
}

// Masked: B is read in place, so that lanes past its end must not be touched. Edge: C is written in part.
template <class S, int Rows, int Vectors, bool Edge, bool Masked>
inline void gemm_tile(const Panel<typename S::T>& panel, const typename S::T* a, Index a_row, Index a_inner,
                      typename S::T* c, Index c_row, Fetch fetch) {
  using V = typename S::V;
  V sum[Rows][Vectors];
  for (int r = 0; r < Rows; r++)
    for (int v = 0; v < Vectors; v++) sum[r][v] = S::zero();
  // Every third row has a pointer; the rows between are one and two strides further, which addressing modes can
  // express.
  const typename S::T* rows[(Rows + 2) / 3];
  for (int r = 0; r < Rows; r += 3) {
    rows[r / 3] = a;
    a += 3 * a_row;
#if defined(__GNUC__)
    asm("" : "+r"(a));  // else the four additions become vector code that costs more than the loop of a short sum
#endif
  }
  const typename S::T* b = panel.b;
  for (Index k = 0; k < panel.inner; k++) {
    V right[Vectors];
    load_right<S, Vectors, Masked>(right, b, panel.lanes);
    b += panel.b_row;
    fetch_line(fetch);
#pragma GCC unroll 32
    for (int r = 0; r < Rows; r++) {
      const V left = S::fill(rows[r / 3][(r % 3) * a_row]);
      for (int v = 0; v < Vectors; v++) sum[r][v] = S::fma(left, right[v], sum[r][v]);
    }
    for (int r = 0; r < Rows; r += 3) rows[r / 3] += a_inner;
  }
  for (int r = 0; r < Rows; r++, c += c_row) {
    if (!panel.set) {
      V old[Vectors];
      load_right<S, Vectors, Edge>(old, c, panel.lanes);
      for (int v = 0; v < Vectors; v++) sum[r][v] = S::add(old[v], sum[r][v]);
    }
    for (int v = 0; v < Vectors; v++) {
      const V value = sum[r][v];
      if (Edge && v == Vectors - 1)
        S::store(c + v * S::W, value, panel.lanes);
      else
        S::store(c + v * S::W, value);
    }
  }
}

// All rows of one panel, the last ones in tiles of half the size and half of that, so that few sizes are compiled.
template <class S, int Rows, int Vectors, bool Edge, bool Masked>
inline void gemm_rows(const Gemm<typename S::T>& g, const Panel<typename S::T>& panel, Index row) {
  const auto* a = g.a + row * g.a_row;
  auto* c = g.c + row * g.c_row;
  for (; row + Rows <= g.rows; row += Rows, a += Rows * g.a_row, c += Rows * g.c_row) {
    const Fetch fetch = look_ahead(Rows > 1 ? g.ahead : nullptr, panel.inner, panel.b);
    gemm_tile<S, Rows, Vectors, Edge, Masked>(panel, a, g.a_row, g.a_inner, c, g.c_row, fetch);
  }
  if constexpr (Rows > 1) {
    if (row < g.rows) gemm_rows<S, Rows / 2, Vectors, Edge, Masked>(g, panel, row);
  }
}

template <class S, int Vectors>
inline void gemm_panel(const Gemm<typename S::T>& g, Index inner, Index cols) {
  using T = typename S::T;
  constexpr Index W = S::W;
  // As many sums as fit the registers. One vector could take twice the rows, but then has too many row pointers.
  constexpr int kRows = Vectors == 3 ? kGemmRows * 2 / 3 : kGemmRows;
  alignas(64) T copy[kInnerBlock * Vectors * W];
  Panel<T> panel{g.b, g.b_row, inner, cols - (Vectors - 1) * W, g.set};
  const bool edge = panel.lanes < W;
  if (g.rows >= kPackRows) {
    for (Index k = 0; k < inner; k++) {
      typename S::V row[Vectors];
      if (edge)
        load_right<S, Vectors, true>(row, g.b + k * g.b_row, panel.lanes);
      else
        load_right<S, Vectors, false>(row, g.b + k * g.b_row, W);
      for (int v = 0; v < Vectors; v++) S::store(copy + (k * Vectors + v) * W, row[v]);
    }
    panel.b = copy, panel.b_row = Vectors * W;
    edge ? gemm_rows<S, kRows, Vectors, true, false>(g, panel, 0)
         : gemm_rows<S, kRows, Vectors, false, false>(g, panel, 0);
  } else {
    edge ? gemm_rows<S, kRows, Vectors, true, true>(g, panel, 0)
         : gemm_rows<S, kRows, Vectors, false, false>(g, panel, 0);
  }
}

// A single row has too few sums for two vectors to hide the latency of an fma.
template <class S, int Vectors>
inline void gemm_row(const Gemm<typename S::T>& g, Index inner, Index cols) {
  const Panel<typename S::T> panel{g.b, g.b_row, inner, cols - (Vectors - 1) * S::W, g.set};
  const Fetch idle{reinterpret_cast<const char*>(g.b), 0};
  if (panel.lanes < S::W)
    gemm_tile<S, 1, Vectors, true, true>(panel, g.a, g.a_row, g.a_inner, g.c, g.c_row, idle);
  else
    gemm_tile<S, 1, Vectors, false, false>(panel, g.a, g.a_row, g.a_inner, g.c, g.c_row, idle);
}

}  // namespace
}  // namespace brauer
