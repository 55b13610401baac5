// Map (kernels.h): copies, scaled sums and broadcasts of rows. Every path rounds each element the same way.
namespace brauer {
namespace {

// How `out` takes `in`: as it is, scaled, added, or added scaled.
enum Take { kCopy, kScale, kAdd, kScaleAdd };

template <class S, int How, bool Edge>
inline void take(typename S::T* out, const typename S::T* in, typename S::V scale, Index lanes) {
  typename S::V value = Edge ? S::load(in, lanes) : S::load(in);
  if constexpr (How == kScale) value = S::multiply(scale, value);
  if constexpr (How == kAdd || How == kScaleAdd) {
    const typename S::V old = Edge ? S::load(out, lanes) : S::load(out);
    value = How == kAdd ? S::add(old, value) : S::fma(scale, value, old);
  }
  if constexpr (Edge)
    S::store(out, value, lanes);
  else
    S::store(out, value);
}

template <class S, int How>
inline typename S::T take_one(typename S::T old, typename S::T in, typename S::T scale) {
  if constexpr (How == kCopy) return in;
  if constexpr (How == kScale) return scale * in;
  if constexpr (How == kAdd) return old + in;
  return S::fma_one(scale, in, old);
}

template <class S, int How>
inline void map_row(typename S::T* out, const typename S::T* in, Index n, typename S::V scale) {
  constexpr Index W = S::W;
  Index e = 0;
  for (; e + 4 * W <= n; e += 4 * W)
    for (Index v = 0; v < 4; v++) take<S, How, false>(out + e + v * W, in + e + v * W, scale, 0);
  for (; e + W <= n; e += W) take<S, How, false>(out + e, in + e, scale, 0);
  if (e < n) take<S, How, true>(out + e, in + e, scale, n - e);
}

// One source element for a whole row.
template <class S, int How>
inline void map_fill(typename S::T* out, const typename S::T* in, Index n, typename S::T scale) {
  constexpr Index W = S::W;
  Index e = 0;
  if constexpr (How == kCopy || How == kScale) {
    const typename S::V v = S::fill(How == kCopy ? *in : scale * *in);
    for (; e + W <= n; e += W) S::store(out + e, v);
    if (e < n) S::store(out + e, v, n - e);
  } else {
    const typename S::V x = S::fill(*in), s = S::fill(scale);
    const auto sum = [&](typename S::V old) { return How == kAdd ? S::add(old, x) : S::fma(s, x, old); };
    for (; e + W <= n; e += W) S::store(out + e, sum(S::load(out + e)));
    if (e < n) S::store(out + e, sum(S::load(out + e, n - e)), n - e);
  }
}

// count rows of n elements, from rows `in_row` apart to rows `out_row` apart. Rows of the common short lengths are
// copied by one or two moves each.
template <class T, bool Add, int N>
inline void copy_fixed(T* out, Index out_row, const T* in, Index in_row, Index count) {
  for (Index j = 0; j < count; j++, out += out_row, in += in_row) {
    T row[N];
    __builtin_memcpy(row, in, sizeof row);
    if (Add)
      for (int e = 0; e < N; e++) row[e] += out[e];
    __builtin_memcpy(out, row, sizeof row);
  }
}

template <class T, bool Add>
inline void copy_rows(T* out, Index out_row, const T* in, Index in_row, Index count, Index n) {
  switch (n) {
    case 1:
      return copy_fixed<T, Add, 1>(out, out_row, in, in_row, count);
    case 2:
      return copy_fixed<T, Add, 2>(out, out_row, in, in_row, count);
    case 4:
      return copy_fixed<T, Add, 4>(out, out_row, in, in_row, count);
    case 8:
      return copy_fixed<T, Add, 8>(out, out_row, in, in_row, count);
  }
  for (Index j = 0; j < count; j++, out += out_row, in += in_row)
    for (Index e = 0; e < n; e++) out[e] = Add ? out[e] + in[e] : in[e];
}

// Elements of the short rows that `map_joined` gathers at a time.
constexpr Index kJoined = 512;

// Short rows that lie back to back in `out`: their sources are gathered side by side, once for all items that share
// them, and go out as one long row.
template <class S, int How>
void map_joined(const Map<typename S::T>& m) {
  using T = typename S::T;
  alignas(64) T joined[kJoined];
  const typename S::V scale = S::fill(m.scale);
  const Index block = kJoined / m.n0;
  for (Index r = 0; r < m.n1; r += block) {
    const Index rows = m.n1 - r < block ? m.n1 - r : block;
    for (Index t = 0; t < m.n2; t++) {
      if (t == 0 || m.in2 != 0) {
        const T* in = m.in + t * m.in2 + r * m.in1;
        if (m.in0 == 1) {
          copy_rows<T, false>(joined, m.n0, in, m.in1, rows, m.n0);
        } else {
          T* to = joined;
          for (Index i = 0; i < rows; i++, in += m.in1, to += m.n0)
            for (Index e = 0; e < m.n0; e++) to[e] = in[e * m.in0];
        }
      }
      map_row<S, How>(m.out + t * m.out2 + r * m.out1, joined, rows * m.n0, scale);
    }
  }
}

template <class S, int How>
void map_rows(const Map<typename S::T>& m) {
  using T = typename S::T;
  const Index most = m.in2 == 0 && m.n2 > 1 ? 4 * S::W : S::W - 1;
  if (m.out0 == 1 && m.out1 == m.n0 && m.n0 <= most && m.n1 > 1) return map_joined<S, How>(m);
  const typename S::V scale = S::fill(m.scale);
  for (Index t = 0; t < m.n2; t++) {
    for (Index r = 0; r < m.n1; r++) {
      T* out = m.out + t * m.out2 + r * m.out1;
      const T* in = m.in + t * m.in2 + r * m.in1;
      if (m.out0 == 1 && m.in0 == 1)
        map_row<S, How>(out, in, m.n0, scale);
      else if (m.out0 == 1 && m.in0 == 0)
        map_fill<S, How>(out, in, m.n0, m.scale);
      else
        for (Index e = 0; e < m.n0; e++, out += m.out0, in += m.in0) *out = take_one<S, How>(*out, *in, m.scale);
    }
  }
}

template <class S>
void map(const Map<typename S::T>& m) {
  if (m.set && m.scale == 1 && m.out0 == 1 && m.in1 == 1 && m.n0 > 1 && m.n1 > 1) {
    for (Index t = 0; t < m.n2; t++)
      transpose<S>(m.out + t * m.out2, m.out1, m.in + t * m.in2, m.in0, m.n0, m.n1);
    return;
  }
  if (m.set)
    m.scale == 1 ? map_rows<S, kCopy>(m) : map_rows<S, kScale>(m);
  else
    m.scale == 1 ? map_rows<S, kAdd>(m) : map_rows<S, kScaleAdd>(m);
}

}  // namespace
}  // namespace brauer
