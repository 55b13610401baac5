// Reduce (kernels.h): sums over nests. Long sums keep their digits, and the order of additions depends on the extents
// alone.
namespace brauer {
namespace {

constexpr Index kChunk = 64;     // terms added one by one
constexpr Index kColumns = 256;  // elements summed side by side
constexpr int kLevels = 20;      // of the tree; past 2^20 chunks its top is a plain sum
constexpr Index kPollChunks = 512;

// A binary counter of partial sums: level i holds a sum of 2^i chunks. The next chunk goes to `next()`, then `push()`.
template <class T>
struct Tree {
  T slots[kLevels + 1][kColumns];
  Index width;
  int depth = 0;
  unsigned long long count = 0;

  T* next() { return slots[depth]; }

  void merge() {
    depth--;
    const T* newer = slots[depth];
    T* older = slots[depth - 1];
    for (Index e = 0; e < width; e++) older[e] += newer[e];
  }

  void push() {
    depth++;
    for (auto bits = count++; bits & 1; bits >>= 1) merge();
    if (depth > kLevels) merge();
  }

  const T* total() {
    while (depth > 1) merge();
    return slots[0];
  }
};

// sum[e] = Σ in[s·stride + e] over at most kChunk steps, eight rows per pass over the columns.
template <class S>
inline void add_chunk(typename S::T* sum, const typename S::T* in, Index steps, Index stride, Index n) {
  constexpr Index W = S::W;
  using V = typename S::V;
  for (Index s = 0; s < steps; s += 8) {
    const Index rows = steps - s < 8 ? steps - s : 8;
    const typename S::T* p = in + s * stride;
    Index e = 0;
    for (; e + W <= n; e += W) {
      V v = s == 0 ? S::load(p + e) : S::add(S::load(sum + e), S::load(p + e));
      for (Index r = 1; r < rows; r++) v = S::add(v, S::load(p + r * stride + e));
      S::store(sum + e, v);
    }
    if (e == n) continue;
    V v = s == 0 ? S::load(p + e, n - e) : S::add(S::load(sum + e, n - e), S::load(p + e, n - e));
    for (Index r = 1; r < rows; r++) v = S::add(v, S::load(p + r * stride + e, n - e));
    S::store(sum + e, v, n - e);
  }
}

// The same for few columns, which stay in registers.
template <class S, int Vectors>
inline void add_narrow(typename S::T* sum, const typename S::T* in, Index steps, Index stride, Index lanes) {
  constexpr Index W = S::W;
  typename S::V v[Vectors];
  const auto load = [&](Index s, int i) __attribute__((always_inline)) {
    const typename S::T* p = in + s * stride + i * W;
    return i == Vectors - 1 ? (lanes == W ? S::load(p) : S::load(p, lanes)) : S::load(p);
  };
  for (int i = 0; i < Vectors; i++) v[i] = load(0, i);
  for (Index s = 1; s < steps; s++)
    for (int i = 0; i < Vectors; i++) v[i] = S::add(v[i], load(s, i));
  for (int i = 0; i < Vectors; i++) {
    if (i == Vectors - 1 && lanes != W)
      S::store(sum + i * W, v[i], lanes);
    else
      S::store(sum + i * W, v[i]);
  }
}

template <class S>
inline void add_steps(typename S::T* sum, const typename S::T* in, Index steps, Index stride, Index n) {
  constexpr Index W = S::W;
  const Index vectors = (n + W - 1) / W, lanes = n - (vectors - 1) * W;
  if (vectors == 1)
    add_narrow<S, 1>(sum, in, steps, stride, lanes);
  else if (vectors == 2)
    add_narrow<S, 2>(sum, in, steps, stride, lanes);
  else if (vectors <= 4 && lanes == W)
    vectors == 4 ? add_narrow<S, 4>(sum, in, steps, stride, W) : add_narrow<S, 3>(sum, in, steps, stride, W);
  else
    add_chunk<S>(sum, in, steps, stride, n);
}

// sum[e] = Σ over `rows` rows of n elements that lie back to back, n·Group vectors at a time; then lanes are folded by
// halves.
template <class S, int Vectors>
inline void add_across(typename S::T* sum, const typename S::T* in, Index rows, Index n) {
  using T = typename S::T;
  constexpr Index W = S::W, kStep = Vectors * W;
  const Index group = kStep / n, groups = rows / group;
  if (groups > 0) {
    Tree<T> tree;
    tree.width = kStep;
    for (Index g = 0; g < groups; g += kChunk) {
      const Index steps = groups - g < kChunk ? groups - g : kChunk;
      const T* p = in + g * kStep;
      typename S::V v[Vectors];
      for (int i = 0; i < Vectors; i++) v[i] = S::load(p + i * W);
      for (Index s = 1; s < steps; s++)
        for (int i = 0; i < Vectors; i++) v[i] = S::add(v[i], S::load(p + s * kStep + i * W));
      T* slot = tree.next();
      for (int i = 0; i < Vectors; i++) S::store(slot + i * W, v[i]);
      tree.push();
    }
    T* lanes = const_cast<T*>(tree.total());
    for (Index half = group / 2; half > 0; half /= 2)
      for (Index e = 0; e < half * n; e++) lanes[e] += lanes[e + half * n];
    for (Index e = 0; e < n; e++) sum[e] = lanes[e];
  }
  for (Index r = groups * group; r < rows; r++)
    for (Index e = 0; e < n; e++) sum[e] = r == 0 ? in[e] : sum[e] + in[r * n + e];
}

// The number of vectors is n times a power of two, so that a step is a power of two of rows.
template <class S>
inline void add_rows_across(typename S::T* sum, const typename S::T* in, Index rows, Index n) {
  switch (n) {
    case 1:
      return add_across<S, 4>(sum, in, rows, n);
    case 2:
      return add_across<S, 4>(sum, in, rows, n);
    case 3:
      return add_across<S, 6>(sum, in, rows, n);
    case 4:
      return add_across<S, 4>(sum, in, rows, n);
    case 5:
      return add_across<S, 5>(sum, in, rows, n);
    case 6:
      return add_across<S, 6>(sum, in, rows, n);
    case 7:
      return add_across<S, 7>(sum, in, rows, n);
    default:
      return add_across<S, 8>(sum, in, rows, n);
  }
}

// `sum` holds columns from `first` on, of rows of n0 columns that lie back to back in `in` and out1 apart in `out`.
template <class S>
inline void write_sum(const Reduce<typename S::T>& r, typename S::T* out, Index first, const typename S::T* sum,
                      Index n) {
  for (Index e = 0; e < n;) {
    const Index row = (first + e) / r.n0, column = (first + e) % r.n0;
    const Index count = n - e < r.n0 - column ? n - e : r.n0 - column;
    typename S::T* to = out + row * r.out1 + column;
    if (r.set)
      for (Index c = 0; c < count; c++) to[c] = r.scale * sum[e + c];
    else
      for (Index c = 0; c < count; c++) to[c] = S::fma_one(r.scale, sum[e + c], to[c]);
    e += count;
  }
}

// Columns from `first` on of one output row, or of neighbouring ones. False when the run was cancelled.
template <class S>
bool reduce_block(const Reduce<typename S::T>& r, typename S::T* out, const typename S::T* in, Index first, Index n) {
  in += first;
  using T = typename S::T;
  const Sum inner = r.sums[r.sum_count - 1];
  const Index chunk = r.across ? inner.extent : kChunk;
  const auto add = [&](T * sum, const T* from, Index steps) __attribute__((always_inline)) {
    if (r.across)
      add_rows_across<S>(sum, from, steps, n);
    else
      add_steps<S>(sum, from, steps, inner.in, n);
  };
  if (r.sum_count == 1 && inner.extent <= chunk) {
    T sum[kColumns];
    add(sum, in, inner.extent);
    write_sum<S>(r, out, first, sum, n);
    return true;
  }
  Tree<T> tree;
  tree.width = n;
  Index at[32] = {};
  Index polled = 0;
  for (;;) {
    for (Index s = 0; s < inner.extent; s += chunk) {
      add(tree.next(), in + s * inner.in, inner.extent - s < chunk ? inner.extent - s : chunk);
      tree.push();
      if (++polled % kPollChunks == 0 && r.stop.poll && r.stop.poll(r.stop.context)) return false;
    }
    int level = r.sum_count - 2;
    for (; level >= 0; level--) {
      in += r.sums[level].in;
      if (++at[level] < r.sums[level].extent) break;
      in -= r.sums[level].in * r.sums[level].extent;
      at[level] = 0;
    }
    if (level < 0) break;
  }
  write_sum<S>(r, out, first, tree.total(), n);
  return true;
}

template <class S>
void reduce(const Reduce<typename S::T>& r) {
  // Rows that lie back to back are summed side by side: long stretches of memory instead of many short columns.
  const bool joined = !r.across && r.in1 == r.n0;
  const Index rows = joined ? 1 : r.n1, columns = joined ? r.n1 * r.n0 : r.n0;
  for (Index t = 0; t < r.n2; t++)
    for (Index i = 0; i < rows; i++)
      for (Index e = 0; e < columns; e += kColumns) {
        const Index n = columns - e < kColumns ? columns - e : kColumns;
        if (!reduce_block<S>(r, r.out + t * r.out2 + i * r.out1, r.in + t * r.in2 + i * r.in1, e, n)) return;
      }
}

}  // namespace
}  // namespace brauer
