// Transform (kernels.h): a small matrix applied to m rows, the strand transform of one orbit of multi-indices. Every
// path sums an element the same way: products from zero on, in the order of k.
namespace brauer {
namespace {

// Elements of the pieces that `transform_packed` gathers.
constexpr Index kPacked = 4096;

template <class S, bool Edge>
inline typename S::V load_lanes(const typename S::T* p, Index lanes) {
  if constexpr (Edge)
    return S::load(p, lanes);
  else
    return S::load(p);
}

template <class S, bool Edge>
inline void write_lanes(typename S::T* out, typename S::V value, bool set, Index lanes) {
  if (!set) value = S::add(load_lanes<S, Edge>(out, lanes), value);
  if constexpr (Edge)
    S::store(out, value, lanes);
  else
    S::store(out, value);
}

// m = 1 and m = 2 keep pointers and matrix in registers: they are nearly all the work of one and two strands.
template <class S>
void transform_one(const Transform<typename S::T>& t) {
  constexpr Index W = S::W;
  const typename S::V q = S::fill(*t.matrix), zero = S::zero();
  for (Index item = 0; item < t.n2; item++) {
    const typename S::T* a = t.in[0] + item * t.in2[0];
    typename S::T* x = t.out[0] + item * t.out2[0];
    for (Index step = 0; step < t.n1; step++, a += t.in1[0], x += t.out1[0]) {
      Index e = 0;
      for (; e + W <= t.n0; e += W) write_lanes<S, false>(x + e, S::fma(q, S::load(a + e), zero), t.set, 0);
      if (e < t.n0) write_lanes<S, true>(x + e, S::fma(q, S::load(a + e, t.n0 - e), zero), t.set, t.n0 - e);
    }
  }
}

template <class S, bool Edge>
inline void transform_pair(const typename S::T* a, const typename S::T* b, typename S::T* x, typename S::T* y,
                           const typename S::V* q, bool set, Index lanes) {
  const typename S::V left = load_lanes<S, Edge>(a, lanes), right = load_lanes<S, Edge>(b, lanes);
  write_lanes<S, Edge>(x, S::fma(q[1], right, S::fma(q[0], left, S::zero())), set, lanes);
  write_lanes<S, Edge>(y, S::fma(q[3], right, S::fma(q[2], left, S::zero())), set, lanes);
}

template <class S>
void transform_two(const Transform<typename S::T>& t) {
  constexpr Index W = S::W;
  const typename S::V q[4] = {S::fill(t.matrix[0]), S::fill(t.matrix[t.matrix_in]), S::fill(t.matrix[t.matrix_out]),
                              S::fill(t.matrix[t.matrix_out + t.matrix_in])};
  const Index a1 = t.in1[0], b1 = t.in1[1], x1 = t.out1[0], y1 = t.out1[1];
  for (Index item = 0; item < t.n2; item++) {
    const typename S::T *a = t.in[0] + item * t.in2[0], *b = t.in[1] + item * t.in2[1];
    typename S::T *x = t.out[0] + item * t.out2[0], *y = t.out[1] + item * t.out2[1];
    for (Index step = 0; step < t.n1; step++, a += a1, b += b1, x += x1, y += y1) {
      Index e = 0;
      for (; e + W <= t.n0; e += W) transform_pair<S, false>(a + e, b + e, x + e, y + e, q, t.set, 0);
      if (e < t.n0) transform_pair<S, true>(a + e, b + e, x + e, y + e, q, t.set, t.n0 - e);
    }
  }
}

// Rows r … r + Rows of the result from m rows at `in` (pointers, or rows `row` apart), `Vectors` vectors of columns.
template <class S, int Rows, int Vectors, bool Edge, class In, class Out>
inline void transform_tile(const Transform<typename S::T>& t, Index r, Index lanes, const In& in, const Out& out,
                           bool set) {
  using V = typename S::V;
  V sum[Rows][Vectors];
  for (int i = 0; i < Rows; i++)
    for (int v = 0; v < Vectors; v++) sum[i][v] = S::zero();
  const typename S::T* q = t.matrix + r * t.matrix_out;
  for (Index k = 0; k < t.m; k++, q += t.matrix_in) {
    const typename S::T* p = in(k);
    V right[Vectors];
    for (int v = 0; v < Vectors; v++)
      right[v] = v == Vectors - 1 ? load_lanes<S, Edge>(p + v * S::W, lanes) : S::load(p + v * S::W);
    for (int i = 0; i < Rows; i++) {
      const V left = S::fill(q[i * t.matrix_out]);
      for (int v = 0; v < Vectors; v++) sum[i][v] = S::fma(left, right[v], sum[i][v]);
    }
  }
  for (int i = 0; i < Rows; i++) {
    typename S::T* p = out(r + i);
    for (int v = 0; v < Vectors; v++) {
      if (v == Vectors - 1)
        write_lanes<S, Edge>(p + v * S::W, sum[i][v], set, lanes);
      else
        write_lanes<S, false>(p + v * S::W, sum[i][v], set, 0);
    }
  }
}

template <class S, int Vectors, bool Edge, class In, class Out>
inline void transform_columns(const Transform<typename S::T>& t, Index lanes, const In& in, const Out& out, bool set) {
  Index r = 0;
  for (; r + 6 <= t.m; r += 6) transform_tile<S, 6, Vectors, Edge>(t, r, lanes, in, out, set);
  for (; r + 3 <= t.m; r += 3) transform_tile<S, 3, Vectors, Edge>(t, r, lanes, in, out, set);
  for (; r < t.m; r++) transform_tile<S, 1, Vectors, Edge>(t, r, lanes, in, out, set);
}

template <class S>
void transform_many(const Transform<typename S::T>& t) {
  using T = typename S::T;
  constexpr Index W = S::W;
  for (Index item = 0; item < t.n2; item++) {
    for (Index step = 0; step < t.n1; step++) {
      Index e = 0;
      const auto in = [&](Index k) { return t.in[k] + e; };
      const auto out = [&](Index k) -> T* { return t.out[k] + e; };
      for (; e + 2 * W <= t.n0; e += 2 * W) transform_columns<S, 2, false>(t, 0, in, out, t.set);
      for (; e + W <= t.n0; e += W) transform_columns<S, 1, false>(t, 0, in, out, t.set);
      if (e < t.n0) transform_columns<S, 1, true>(t, t.n0 - e, in, out, t.set);
      for (Index k = 0; k < t.m; k++) t.in[k] += t.in1[k], t.out[k] += t.out1[k];
    }
    for (Index k = 0; k < t.m; k++) {
      t.in[k] += t.in2[k] - t.n1 * t.in1[k];
      t.out[k] += t.out2[k] - t.n1 * t.out1[k];
    }
  }
}

// Short rows: those of several steps and items are gathered side by side, so that vectors are full.
template <class S>
void transform_packed(const Transform<typename S::T>& t) {
  using T = typename S::T;
  constexpr Index W = S::W;
  alignas(64) T packed[kPacked], result[kPacked];
  const Index width = kPacked / t.m / W * W, most = width / t.n0, all = t.n2 * t.n1;
  for (Index first = 0; first < all; first += most) {
    const Index count = all - first < most ? all - first : most, used = count * t.n0;
    // Calls f(element, row, rows) for the runs of rows that lie in one item, `element` steps from that pointer's start.
    const auto runs = [&](Index by1, Index by2, const auto& f) __attribute__((always_inline)) {
      Index item = first / t.n1, step = first % t.n1;
      for (Index row = 0; row < count; item++, step = 0) {
        const Index rows = t.n1 - step < count - row ? t.n1 - step : count - row;
        f(item * by2 + step * by1, row, rows);
        row += rows;
      }
    };
    for (Index k = 0; k < t.m; k++)
      runs(t.in1[k], t.in2[k], [&](Index element, Index row, Index rows) {
        copy_rows<T, false>(packed + k * width + row * t.n0, t.n0, t.in[k] + element, t.in1[k], rows, t.n0);
      });
    Index e = 0;
    const auto in = [&](Index k) -> const T* { return packed + k * width + e; };
    const auto out = [&](Index k) -> T* { return result + k * width + e; };
    for (; e + 2 * W <= used; e += 2 * W) transform_columns<S, 2, false>(t, 0, in, out, true);
    for (; e + W <= used; e += W) transform_columns<S, 1, false>(t, 0, in, out, true);
    if (e < used) transform_columns<S, 1, true>(t, used - e, in, out, true);
    for (Index k = 0; k < t.m; k++)
      runs(t.out1[k], t.out2[k], [&](Index element, Index row, Index rows) {
        const T* from = result + k * width + row * t.n0;
        if (t.set)
          copy_rows<T, false>(t.out[k] + element, t.out1[k], from, t.n0, rows, t.n0);
        else
          copy_rows<T, true>(t.out[k] + element, t.out1[k], from, t.n0, rows, t.n0);
      });
  }
}

template <class S>
void transform(const Transform<typename S::T>& t) {
  if (2 * t.n0 <= S::W && t.n1 * t.n2 > 1 && t.m > 1 && t.m * S::W <= kPacked) return transform_packed<S>(t);
  if (t.m == 1) return transform_one<S>(t);
  if (t.m == 2) return transform_two<S>(t);
  transform_many<S>(t);
}

}  // namespace
}  // namespace brauer
