// Transform (kernels.h): a small matrix applied to m rows, the strand transform of one orbit of multi-indices.
namespace brauer {
namespace {

template <class T>
inline void advance(const Transform<T>& t, const Index* in, const Index* out) {
  for (Index k = 0; k < t.m; k++) t.in[k] += in[k], t.out[k] += out[k];
}

template <class S, bool Edge>
inline void transform_write(typename S::T* out, typename S::V value, bool set, Index lanes) {
  if constexpr (Edge) S::store(out, set ? value : S::add(S::load(out, lanes), value), lanes);
  else S::store(out, set ? value : S::add(S::load(out), value));
}

// m = 1: the entry is ±1, a copy or a sum; as a product all the same, so that no path rounds differently.
template <class S, bool Edge>
inline void transform_one(const typename S::T* in, typename S::T* out, typename S::V q, bool set, Index lanes) {
  transform_write<S, Edge>(out, S::multiply(q, Edge ? S::load(in, lanes) : S::load(in)), set, lanes);
}

template <class S, bool Edge>
inline void transform_pair(const typename S::T* a, const typename S::T* b, typename S::T* x, typename S::T* y,
                           const typename S::V* q, bool set, Index lanes) {
  const typename S::V left = Edge ? S::load(a, lanes) : S::load(a), right = Edge ? S::load(b, lanes) : S::load(b);
  transform_write<S, Edge>(x, S::fma(q[1], right, S::multiply(q[0], left)), set, lanes);
  transform_write<S, Edge>(y, S::fma(q[3], right, S::multiply(q[2], left)), set, lanes);
}

// Rows r … r+Rows of the result, two vectors of columns.
template <class S, int Rows, int Vectors, bool Edge>
inline void transform_tile(const Transform<typename S::T>& t, Index r, Index e, Index lanes) {
  using V = typename S::V;
  V sum[Rows][Vectors];
  for (int i = 0; i < Rows; i++)
    for (int v = 0; v < Vectors; v++) sum[i][v] = S::zero();
  for (Index k = 0; k < t.m; k++) {
    V right[Vectors];
    for (int v = 0; v < Vectors; v++) {
      const typename S::T* p = t.in[k] + e + v * S::W;
      right[v] = Edge && v == Vectors - 1 ? S::load(p, lanes) : S::load(p);
    }
    for (int i = 0; i < Rows; i++) {
      const V left = S::fill(t.matrix[(r + i) * t.matrix_out + k * t.matrix_in]);
      for (int v = 0; v < Vectors; v++) sum[i][v] = S::fma(left, right[v], sum[i][v]);
    }
  }
  for (int i = 0; i < Rows; i++)
    for (int v = 0; v < Vectors; v++) {
      if (Edge && v == Vectors - 1) transform_write<S, true>(t.out[r + i] + e + v * S::W, sum[i][v], t.set, lanes);
      else transform_write<S, false>(t.out[r + i] + e + v * S::W, sum[i][v], t.set, 0);
    }
}

template <class S, int Vectors, bool Edge>
inline void transform_columns(const Transform<typename S::T>& t, Index e, Index lanes) {
  Index r = 0;
  for (; r + 4 <= t.m; r += 4) transform_tile<S, 4, Vectors, Edge>(t, r, e, lanes);
  if (t.m - r == 3) transform_tile<S, 3, Vectors, Edge>(t, r, e, lanes);
  if (t.m - r == 2) transform_tile<S, 2, Vectors, Edge>(t, r, e, lanes);
  if (t.m - r == 1) transform_tile<S, 1, Vectors, Edge>(t, r, e, lanes);
}

template <class S>
inline void transform_rows(const Transform<typename S::T>& t) {
  constexpr Index W = S::W;
  Index e = 0;
  if (t.m == 1) {
    const typename S::V q = S::fill(*t.matrix);
    for (; e + W <= t.n0; e += W) transform_one<S, false>(t.in[0] + e, t.out[0] + e, q, t.set, 0);
    if (e < t.n0) transform_one<S, true>(t.in[0] + e, t.out[0] + e, q, t.set, t.n0 - e);
    return;
  }
  if (t.m == 2) {
    const typename S::V q[4] = {S::fill(t.matrix[0]), S::fill(t.matrix[t.matrix_in]), S::fill(t.matrix[t.matrix_out]),
                                S::fill(t.matrix[t.matrix_out + t.matrix_in])};
    const typename S::T *a = t.in[0], *b = t.in[1];
    typename S::T *x = t.out[0], *y = t.out[1];
    for (; e + W <= t.n0; e += W) transform_pair<S, false>(a + e, b + e, x + e, y + e, q, t.set, 0);
    if (e < t.n0) transform_pair<S, true>(a + e, b + e, x + e, y + e, q, t.set, t.n0 - e);
    return;
  }
  for (; e + 2 * W <= t.n0; e += 2 * W) transform_columns<S, 2, false>(t, e, 0);
  for (; e + W <= t.n0; e += W) transform_columns<S, 1, false>(t, e, 0);
  if (e < t.n0) transform_columns<S, 1, true>(t, e, t.n0 - e);
}

template <class S>
void transform(const Transform<typename S::T>& t) {
  for (Index item = 0; item < t.n2; item++) {
    for (Index step = 0; step < t.n1; step++) {
      transform_rows<S>(t);
      advance(t, t.in1, t.out1);
    }
    for (Index k = 0; k < t.m; k++) {
      t.in[k] += t.in2[k] - t.n1 * t.in1[k];
      t.out[k] += t.out2[k] - t.n1 * t.out1[k];
    }
  }
}

}  // namespace
}  // namespace brauer
