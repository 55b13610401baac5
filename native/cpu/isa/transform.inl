// Transform (kernels.h): a small matrix applied to m rows, the strand transform of the orbits of multi-indices. Every
// path sums an element the same way: products in the order of k, then what `out` held, then the terms in their order.
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

// Writes one vector of row k. Plain: no terms, and nothing to add to.
template <class S, bool Plain, bool Edge>
inline void write_row(const Transform<typename S::T>& t, const typename S::T* const* terms, Index k,
                      typename S::T* out, Index e, typename S::V value, Index lanes) {
  if constexpr (!Plain) {
    if (!t.set) value = S::add(load_lanes<S, Edge>(out + e, lanes), value);
    for (Index q = t.term_end[k]; q < t.term_end[k + 1]; q++)
      value = S::fma(S::fill(t.terms[q].scale), load_lanes<S, Edge>(terms[q] + e, lanes), value);
  }
  if constexpr (Edge)
    S::store(out + e, value, lanes);
  else
    S::store(out + e, value);
}

// One vector of all M rows of one multi-index.
template <class S, int M, bool Plain, bool Edge>
inline void transform_vector(const Transform<typename S::T>& t, const typename S::T* const* in,
                             typename S::T* const* out, const typename S::T* const* terms,
                             const typename S::T (&matrix)[M * M], Index e, Index lanes) {
  using V = typename S::V;
  V sum[M];
  for (int k = 0; k < M; k++) {
    const V x = load_lanes<S, Edge>(in[k] + e, lanes);
    for (int r = 0; r < M; r++) {
      const V q = S::fill(matrix[r * M + k]);
      sum[r] = k == 0 ? S::multiply(q, x) : S::fma(q, x, sum[r]);
    }
  }
  for (int r = 0; r < M; r++) write_row<S, Plain, Edge>(t, terms, r, out[r], e, sum[r], lanes);
}

// The orbits of one, two and three strands: the number of rows is known, and pointers stay where they are used.
template <class S, int M, bool Plain>
void transform_fixed(const Transform<typename S::T>& t) {
  using T = typename S::T;
  constexpr Index W = S::W;
  T matrix[M * M];
  for (int r = 0; r < M; r++)
    for (int k = 0; k < M; k++) matrix[r * M + k] = t.matrix[r * t.matrix_out + k * t.matrix_in];
  const Index n0 = t.n0, whole = n0 - n0 % W;
  Index in1[M], out1[M];
  for (int k = 0; k < M; k++) in1[k] = t.in1[k], out1[k] = t.out1[k];
  const T* terms[kMostTerms];
  const Index count = Plain ? 0 : t.term_end[M];
  for (Index item = 0; item < t.n2; item++) {
    for (Index run = 0; run < t.runs; run++) {
      const T* in[M];
      T* out[M];
      for (int k = 0; k < M; k++) {
        in[k] = t.in[k] + item * t.in2[k] + t.in_at[run * M + k];
        out[k] = t.out[k] + item * t.out2[k] + t.out_at[run * M + k];
      }
      for (Index q = 0; q < count; q++) terms[q] = t.terms[q].in + item * t.terms[q].in2 + t.term_at[run * count + q];
      for (Index step = t.steps[run]; step > 0; step--) {
        for (Index e = 0; e < whole; e += W) transform_vector<S, M, Plain, false>(t, in, out, terms, matrix, e, 0);
        if (whole < n0) transform_vector<S, M, Plain, true>(t, in, out, terms, matrix, whole, n0 - whole);
        for (int k = 0; k < M; k++) in[k] += in1[k], out[k] += out1[k];
        for (Index q = 0; q < count; q++) terms[q] += t.terms[q].in1;
      }
    }
  }
}

// Rows r … r + Rows of the result, `Vectors` vectors of columns from e on; `in(k)` is row k.
template <class S, int Rows, int Vectors, bool Edge, class In, class Write>
inline void transform_tile(const Transform<typename S::T>& t, Index r, Index lanes, const In& in, const Write& write) {
  using V = typename S::V;
  V sum[Rows][Vectors];
  const typename S::T* q = t.matrix + r * t.matrix_out;
  for (Index k = 0; k < t.m; k++, q += t.matrix_in) {
    const typename S::T* p = in(k);
    V right[Vectors];
    for (int v = 0; v < Vectors; v++) right[v] = load_lanes<S, Edge>(p + v * S::W, lanes);
    for (int i = 0; i < Rows; i++) {
      const V left = S::fill(q[i * t.matrix_out]);
      for (int v = 0; v < Vectors; v++)
        sum[i][v] = k == 0 ? S::multiply(left, right[v]) : S::fma(left, right[v], sum[i][v]);
    }
  }
  for (int i = 0; i < Rows; i++)
    for (int v = 0; v < Vectors; v++) write(r + i, v * S::W, sum[i][v]);
}

template <class S, int Vectors, bool Edge, class In, class Write>
inline void transform_columns(const Transform<typename S::T>& t, Index lanes, const In& in, const Write& write) {
  Index r = 0;
  for (; r + 6 <= t.m; r += 6) transform_tile<S, 6, Vectors, Edge>(t, r, lanes, in, write);
  for (; r + 3 <= t.m; r += 3) transform_tile<S, 3, Vectors, Edge>(t, r, lanes, in, write);
  for (; r < t.m; r++) transform_tile<S, 1, Vectors, Edge>(t, r, lanes, in, write);
}

// Larger orbits; `p` has room for the pointers of one multi-index.
template <class S>
void transform_many(const Transform<typename S::T>& t) {
  using T = typename S::T;
  constexpr Index W = S::W;
  const T** in = t.moving_in;
  T** out = t.moving_out;
  const T* terms[kMostTerms];
  const Index count = t.term_end[t.m];
  for (Index item = 0; item < t.n2; item++) {
    for (Index run = 0; run < t.runs; run++) {
      for (Index k = 0; k < t.m; k++) {
        in[k] = t.in[k] + item * t.in2[k] + t.in_at[run * t.m + k];
        out[k] = t.out[k] + item * t.out2[k] + t.out_at[run * t.m + k];
      }
      for (Index q = 0; q < count; q++) terms[q] = t.terms[q].in + item * t.terms[q].in2 + t.term_at[run * count + q];
      for (Index step = t.steps[run]; step > 0; step--) {
        Index e = 0;
        const auto from = [&](Index k) { return in[k] + e; };
        const auto write = [&](Index k, Index at, typename S::V value) __attribute__((always_inline)) {
          write_row<S, false, false>(t, terms, k, out[k], e + at, value, 0);
        };
        for (; e + 2 * W <= t.n0; e += 2 * W) transform_columns<S, 2, false>(t, 0, from, write);
        for (; e + W <= t.n0; e += W) transform_columns<S, 1, false>(t, 0, from, write);
        if (e < t.n0) {
          const Index lanes = t.n0 - e;
          const auto write_edge = [&](Index k, Index at, typename S::V value) __attribute__((always_inline)) {
            write_row<S, false, true>(t, terms, k, out[k], e + at, value, lanes);
          };
          transform_columns<S, 1, true>(t, lanes, from, write_edge);
        }
        for (Index k = 0; k < t.m; k++) in[k] += t.in1[k], out[k] += t.out1[k];
        for (Index q = 0; q < count; q++) terms[q] += t.terms[q].in1;
      }
    }
  }
}

// Short rows: those of `all` items, or of the steps of a run, are gathered side by side, so that vectors are full.
template <class S>
void transform_side_by_side(const Transform<typename S::T>& t, Index run, Index step, Index all, const Index* in_by,
                            const Index* out_by) {
  using T = typename S::T;
  constexpr Index W = S::W;
  alignas(64) T packed[kPacked], result[kPacked];
  const Index width = kPacked / t.m / W * W, most = width / t.n0;
  for (Index first = 0; first < all; first += most) {
    const Index count = all - first < most ? all - first : most, used = count * t.n0;
    for (Index k = 0; k < t.m; k++) {
      const T* in = t.in[k] + t.in_at[run * t.m + k] + step * t.in1[k] + first * in_by[k];
      copy_rows<T, false>(packed + k * width, t.n0, in, in_by[k], count, t.n0);
    }
    Index e = 0;
    const auto in = [&](Index k) -> const T* { return packed + k * width + e; };
    const auto write = [&](Index k, Index at, typename S::V value) __attribute__((always_inline)) {
      S::store(result + k * width + e + at, value);
    };
    for (; e + W < used; e += 2 * W) transform_columns<S, 2, false>(t, 0, in, write);
    if (e < used) transform_columns<S, 1, false>(t, 0, in, write);
    for (Index k = 0; k < t.m; k++) {
      T* out = t.out[k] + t.out_at[run * t.m + k] + step * t.out1[k] + first * out_by[k];
      const T* from = result + k * width;
      if (t.set)
        copy_rows<T, false>(out, out_by[k], from, t.n0, count, t.n0);
      else
        copy_rows<T, true>(out, out_by[k], from, t.n0, count, t.n0);
    }
  }
}

template <class S>
void transform_packed(const Transform<typename S::T>& t) {
  for (Index run = 0; run < t.runs; run++) {
    if (t.n2 == 1)
      transform_side_by_side<S>(t, run, 0, t.steps[run], t.in1, t.out1);
    else
      for (Index step = 0; step < t.steps[run]; step++)
        transform_side_by_side<S>(t, run, step, t.n2, t.in2, t.out2);
  }
}

template <class S, int M>
void transform_few(const Transform<typename S::T>& t) {
  if (t.set && t.term_end[t.m] == 0)
    transform_fixed<S, M, true>(t);
  else
    transform_fixed<S, M, false>(t);
}

template <class S>
void transform(const Transform<typename S::T>& t) {
  const bool packed = 2 * t.n0 <= S::W && t.m > 1 && t.m * S::W <= kPacked;
  if (packed && t.term_end[t.m] == 0) return transform_packed<S>(t);
  switch (t.m) {
    case 1:
      return transform_few<S, 1>(t);
    case 2:
      return transform_few<S, 2>(t);
    case 3:
      return transform_few<S, 3>(t);
    case 6:
      return transform_few<S, 6>(t);
  }
  transform_many<S>(t);
}

}  // namespace
}  // namespace brauer
