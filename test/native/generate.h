#pragma once

#include <algorithm>
#include <numeric>

#include "builder.h"

// Random valid programs: every opcode, odd extents and strides, sections that can be cut into boxes and some that
// cannot.
namespace build {

class Generator {
 public:
  // reals: values with full mantissas; otherwise small integers, whose sums are exact. with_shared: sums over the
  // batch.
  Generator(std::uint64_t seed, bool with_shared) : random_(seed), with_shared_(with_shared) {
    p_.buffers = {buffer(Role::input, false, 0),    buffer(Role::input, false, 0),   buffer(Role::input, true, 0),
                  buffer(Role::constant, false, 0), buffer(Role::scratch, false, 0), buffer(Role::scratch, false, 0),
                  buffer(Role::output, false, 0),   buffer(Role::output, false, 0)};
    if (with_shared) p_.buffers.push_back(buffer(Role::output, true, 0));
  }

  Program make() {
    for (std::size_t b = S0; b <= Y1; b++) p_.instructions.push_back(Zero{b, 0, 1, 0, 1});
    const Index count = random_.between(1, 6);
    for (Index i = 0; i < count; i++) {
      switch (random_.below(8)) {
        case 0:
        case 1:
          strided();
          break;
        case 2:
          gather();
          break;
        case 3:
        case 4:
          mix();
          break;
        case 5:
          orbit();
          break;
        case 6:
          section();
          break;
        default:
          zero();
          break;
      }
    }
    return finish();
  }

 private:
  enum : std::size_t { X0, X1, W, K, S0, S1, Y0, Y1, G };

  // Offsets of a nest: every use makes its buffer at least as large as it needs.
  void need(std::size_t b, Index size) { p_.buffers[b].size = std::max(p_.buffers[b].size, size); }

  std::size_t writable() { return S0 + std::size_t(random_.below(4)); }
  std::size_t readable(std::size_t except) {
    for (;;) {
      const auto b = std::size_t(random_.below(8));
      if (b != except) return b;
    }
  }
  Index extent() {
    static const Index all[] = {1, 2, 2, 3, 3, 4, 5, 7};
    return all[random_.below(8)];
  }
  Index channels() {
    static const Index all[] = {1, 1, 2, 3, 4, 5, 8, 12, 16, 17, 33};
    return all[random_.below(11)];
  }
  double scale() {
    static const double all[] = {1, 1, -1, 2, 0.5};
    return all[random_.below(5)];
  }

  struct Strides {
    std::vector<Index> stride;
    Index base = 0, size = 0;
  };

  // Strides under which no two settings of the chosen loops meet, the last loop contiguous where it can be; 0 for the
  // others.
  Strides layout(const std::vector<Index>& extents, const std::vector<bool>& chosen, bool signs) {
    Strides result;
    result.stride.assign(extents.size(), 0);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < extents.size(); i++)
      if (chosen[i]) order.push_back(i);
    const bool contiguous = !order.empty() && order.back() + 1 == extents.size() && random_.chance(80);
    const std::size_t fixed = contiguous ? 1 : 0;
    for (std::size_t i = order.size(); i > 1 + fixed; i--)
      std::swap(order[i - 1 - fixed], order[std::size_t(random_.below(Index(i - fixed)))]);
    std::reverse(order.begin(), order.end());
    Index unit = 1;
    result.base = random_.chance(30) ? random_.below(3) : 0;
    for (std::size_t i : order) {
      result.stride[i] = unit;
      unit = unit * extents[i] + (random_.chance(20) ? 1 : 0);
      if (signs && random_.chance(10) && !(contiguous && i + 1 == extents.size())) {
        result.base += (extents[i] - 1) * result.stride[i];
        result.stride[i] = -result.stride[i];
      }
    }
    result.size = unit + 3;
    return result;
  }

  std::vector<bool> subset(std::size_t count, int percent) {
    std::vector<bool> chosen(count);
    for (std::size_t i = 0; i < count; i++) chosen[i] = random_.chance(percent);
    return chosen;
  }

  void nest(std::vector<Loop>& loops, Index& out_base, Index& in_base, std::size_t out, std::size_t in,
            bool overlapping, Index more) {
    std::vector<Index> extents;
    for (Index i = random_.below(4); i > 0; i--) extents.push_back(extent());
    if (random_.chance(10)) extents.push_back(random_.between(60, 300));
    if (random_.chance(80)) extents.push_back(channels());
    Strides outs = layout(extents, subset(extents.size(), 70), true);
    Strides ins = layout(extents, subset(extents.size(), 85), true);
    if (random_.chance(15) && !extents.empty()) {  // overlapping reads
      const auto i = std::size_t(random_.below(Index(extents.size())));
      if (ins.stride[i] > 0) ins.stride[i] = 1;
    }
    if (overlapping && random_.chance(15) && !extents.empty()) {
      const auto i = std::size_t(random_.below(Index(extents.size())));
      if (outs.stride[i] > 1) outs.stride[i]--;
    }
    for (std::size_t i = 0; i < extents.size(); i++)
      loops.push_back({extents[i], outs.stride[i], ins.stride[i], random_.chance(12), 0});
    out_base = outs.base, in_base = ins.base;
    need(out, outs.size + more);
    need(in, ins.size + more);
  }

  std::size_t nest_output() { return with_shared_ && random_.chance(40) ? std::size_t(G) : writable(); }

  void strided() {
    Strided s{};
    s.out = nest_output();
    s.in = readable(s.out);
    s.scale = scale();
    s.set = random_.chance(30);
    nest(s.loops, s.out_base, s.in_base, s.out, s.in, !s.set, 0);
    p_.instructions.push_back(s);
  }

  void gather() {
    Gather g{};
    g.out = nest_output();
    g.in = readable(g.out);
    g.scale = scale();
    g.first = p_.table.size();
    g.count = std::size_t(random_.below(7));
    for (std::size_t i = 0; i < g.count; i++)
      p_.table.push_back({random_.below(10), random_.below(10), random_.chance(50) ? 1 : -1});
    nest(g.loops, g.out_base, g.in_base, g.out, g.in, true, 10);
    p_.instructions.push_back(g);
  }

  void zero() {
    Zero z{writable(), random_.below(4), random_.between(1, 4), 0, random_.between(1, 9)};
    z.stride = z.count + random_.below(3);
    need(z.out, z.base + z.rows * z.stride);
    p_.instructions.push_back(z);
  }

  Index matrix_at(std::size_t b, Index rows, Index count, Index& stride) {
    stride = count + (random_.chance(40) ? random_.below(4) : 0);
    const Index base = random_.chance(30) ? random_.below(4) : 0;
    need(b, base + rows * stride);
    return base;
  }

  void mix() {
    Mix m{};
    m.form = MixForm(random_.below(3));
    m.rows = random_.chance(20) ? random_.between(20, 70) : random_.between(1, 14);
    m.inner = random_.chance(15) ? random_.between(250, 600) : random_.between(1, 40);
    m.cols = random_.between(1, 70);
    m.set = random_.chance(40);
    m.a = readable(99), m.b = readable(99), m.c = readable(99);
    std::size_t& written = m.form == MixForm::forward ? m.c : m.form == MixForm::input ? m.a : m.b;
    written = m.form == MixForm::weight && with_shared_ && random_.chance(70) ? std::size_t(G) : writable();
    if (m.form != MixForm::weight && random_.chance(80)) m.b = random_.chance(50) ? W : K;
    while (m.a == m.b || m.b == m.c || m.a == m.c) {
      if (m.form != MixForm::forward)
        m.c = readable(99);
      else
        m.a = readable(99);
      if (m.form != MixForm::weight)
        m.b = readable(99);
      else
        m.a = readable(99);
    }
    m.a_base = matrix_at(m.a, m.rows, m.inner, m.a_stride);
    m.b_base = matrix_at(m.b, m.inner, m.cols, m.b_stride);
    m.c_base = matrix_at(m.c, m.rows, m.cols, m.c_stride);
    p_.instructions.push_back(m);
  }

  struct Lambda {
    Index dimension;
    std::vector<Index> kostka;
  };

  // Kostka numbers of S_d; now and then one trivial lambda that takes all rows.
  std::vector<Lambda> lambdas(int d) {
    if (random_.chance(15)) {
      Lambda all{1, {}};
      for (int code = 0; code < codes(d); code++) all.kostka.push_back(rearrangements(code, d));
      return {all};
    }
    if (d == 1) return {{1, {1}}};
    if (d == 2) return {{1, {1, 1}}, {1, {0, 1}}};
    if (d == 3) return {{1, {1, 1, 1, 1}}, {2, {0, 1, 1, 2}}, {1, {0, 0, 0, 1}}};
    return {{1, {1, 1, 1, 1, 1, 1, 1, 1}},
            {3, {0, 1, 1, 2, 1, 2, 2, 3}},
            {2, {0, 0, 1, 1, 0, 1, 1, 2}},
            {3, {0, 0, 0, 1, 0, 1, 1, 3}},
            {1, {0, 0, 0, 0, 0, 0, 0, 1}}};
  }

  std::size_t matrices(int d) {
    std::size_t at = p_.constants.size();
    for (int code = 0; code < codes(d); code++) {
      const Index m = rearrangements(code, d);
      for (Index i = 0; i < m * m; i++) p_.constants.push_back(double(random_.between(-1, 1)));
    }
    return at;
  }

  // An orbit instruction on a tensor with d strands, free loops and channels; rows go where `rows` says.
  template <class Rows>
  Orbit orbit_on(std::size_t b, bool inverse, int d, Index n, std::size_t at, const std::vector<Lambda>& all,
                 const Strides& tensor, const std::vector<Index>& free, const Rows& rows) {
    Orbit o{};
    o.inverse = inverse, o.strands = b, o.base = tensor.base, o.n = n, o.d = d, o.matrices = at;
    std::vector<Index> order(tensor.stride.begin(), tensor.stride.begin() + d);
    if (random_.chance(50)) std::reverse(order.begin(), order.end());
    std::copy(order.begin(), order.end(), o.strides.begin());
    need(b, tensor.size);
    for (std::size_t i = 0; i < free.size(); i++) o.loops.push_back({free[i], tensor.stride[std::size_t(d) + i], {}});
    for (std::size_t k = 0; k < all.size(); k++) {
      OrbitRows r{};
      r.dimension = all[k].dimension, r.kostka = all[k].kostka;
      rows(k, r, o);
      o.lambdas.push_back(r);
    }
    return o;
  }

  Strides tensor_layout(int d, Index n, const std::vector<Index>& free) {
    std::vector<Index> extents(std::size_t(d), n);
    extents.insert(extents.end(), free.begin(), free.end());
    return layout(extents, std::vector<bool>(extents.size(), true), false);
  }

  std::vector<Index> free_loops() {
    std::vector<Index> free;
    if (random_.chance(30)) free.push_back(random_.between(1, 3));
    if (random_.chance(90)) free.push_back(channels());
    return free;
  }

  static Index product(const std::vector<Index>& values) {
    return std::accumulate(values.begin(), values.end(), Index(1), std::multiplies<>());
  }

  // Row-major strides of the free loops inside a row.
  static Index inner_stride(const std::vector<Index>& free, std::size_t i) {
    Index stride = 1;
    for (std::size_t k = i + 1; k < free.size(); k++) stride *= free[k];
    return stride;
  }

  int strands() {
    static const int all[] = {1, 2, 2, 2, 3, 3, 4};
    return all[random_.below(7)];
  }
  Index values(int d) { return random_.between(1, d == 1 ? 20 : d == 2 ? 9 : d == 3 ? 5 : 3); }

  void orbit() {
    const int d = strands();
    const Index n = values(d);
    const auto all = lambdas(d);
    const auto free = free_loops();
    const bool inverse = random_.chance(50);
    const std::size_t tensor = inverse ? (random_.chance(50) ? Y0 : Y1) : readable(S1);
    Index next = 0;
    Orbit o = orbit_on(tensor, inverse, d, n, matrices(d), all, tensor_layout(d, n, free), free,
                       [&](std::size_t k, OrbitRows& r, Orbit& whole) {
                         r.buffer = tensor == S0 ? S1 : random_.chance(50) && tensor != S1 ? S1 : S0;
                         r.unit_stride = product(free);
                         r.row_stride = r.unit_stride * r.dimension + (random_.chance(20) ? 2 : 0);
                         r.base = next;
                         next += r.row_stride * orbit_rows(n, all[k].kostka);
                         need(r.buffer, next);
                         for (std::size_t i = 0; i < free.size(); i++)
                           whole.loops[i].rows.push_back(inner_stride(free, i));
                       });
    o.set = random_.chance(50);
    p_.instructions.push_back(o);
  }

  std::size_t local(std::size_t section, std::size_t lambda, Index rows, Index width) {
    Buffer b = buffer(Role::scratch, false, rows * width, p_.local_size);
    b.section = Index(section), b.lambda = Index(lambda), b.width = width;
    p_.local_size += b.size;
    p_.buffers.push_back(b);
    return p_.buffers.size() - 1;
  }

  void section() {
    const int d = strands();
    const Index n = values(d);
    const auto all = lambdas(d);
    const auto at = matrices(d);
    const auto free = free_loops();
    const auto back = free_loops();
    const std::size_t index = p_.sections.size(), first = p_.instructions.size();
    const MixForm form = with_shared_ && random_.chance(60) ? MixForm::weight
                         : random_.chance(50)               ? MixForm::forward
                                                            : MixForm::input;
    const Index pieces = random_.between(1, 2);
    std::vector<std::size_t> u, v;
    for (std::size_t k = 0; k < all.size(); k++) {
      const Index rows = orbit_rows(n, all[k].kostka);
      u.push_back(local(index, k, rows, pieces * all[k].dimension * product(free)));
      v.push_back(local(index, k, rows, all[k].dimension * product(back)));
    }
    const auto rows_in = [&](const std::vector<std::size_t>& buffers, const std::vector<Index>& loops, Index piece) {
      return [&buffers, &loops, piece](std::size_t k, OrbitRows& r, Orbit& whole) {
        r.buffer = buffers[k];
        r.unit_stride = product(loops);
        r.base = piece * r.dimension * r.unit_stride;
        for (std::size_t i = 0; i < loops.size(); i++) whole.loops[i].rows.push_back(inner_stride(loops, i));
      };
    };
    const auto push = [&](Orbit o, bool set) {
      for (OrbitRows& r : o.lambdas) r.row_stride = p_.buffers[r.buffer].width;
      o.set = set;
      p_.instructions.push_back(o);
    };
    // u holds `pieces` pieces side by side, v one. Weight forms read both, input forms go from v to u.
    const bool fill_u = form != MixForm::input, fill_v = form != MixForm::forward;
    for (Index piece = 0; piece < pieces && fill_u; piece++)
      push(orbit_on(random_.chance(50) ? X0 : X1, false, d, n, at, all, tensor_layout(d, n, free), free,
                    rows_in(u, free, piece)),
           true);
    if (fill_v)
      push(orbit_on(random_.chance(50) ? X0 : X1, false, d, n, at, all, tensor_layout(d, n, back), back,
                    rows_in(v, back, 0)),
           true);
    for (std::size_t k = 0; k < all.size(); k++) {
      Mix m{};
      m.form = form;
      m.a = u[k], m.c = v[k], m.b = form == MixForm::weight ? G : W;
      m.rows = orbit_rows(n, all[k].kostka);
      if (m.rows == 0) continue;
      m.a_stride = m.inner = p_.buffers[u[k]].width;
      m.c_stride = m.cols = p_.buffers[v[k]].width;
      m.b_base = matrix_at(m.b, m.inner, m.cols, m.b_stride);
      m.set = form == MixForm::weight ? random_.chance(50) : true;
      p_.instructions.push_back(m);
    }
    if (form != MixForm::weight) {
      const auto& loops = form == MixForm::forward ? back : free;
      const std::size_t out = random_.chance(50) ? Y0 : Y1;
      const Strides tensor = tensor_layout(d, n, loops);
      const Index last = form == MixForm::forward ? 1 : pieces;
      if (random_.chance(60)) section_strided(out, d, n, tensor, loops, random_.chance(50));
      for (Index piece = 0; piece < last; piece++)
        push(orbit_on(out, true, d, n, at, all, tensor, loops, rows_in(form == MixForm::forward ? v : u, loops, piece)),
             random_.chance(30));
      if (random_.chance(60)) section_strided(out, d, n, tensor, loops, false);
      if (random_.chance(40)) section_strided(out, d, n, tensor, loops, false);
    }
    p_.sections.push_back({first, p_.instructions.size() - first, n, d});
  }

  // A broadcast, diagonal or permutation into the tensor that the section writes.
  void section_strided(std::size_t out, int d, Index n, const Strides& written, const std::vector<Index>& free,
                       bool set) {
    // Sometimes indexed in a way of its own, where boxes meet: such a section must not be cut.
    const Strides tensor = random_.chance(12) ? tensor_layout(d, n, free) : written;
    Strided s{};
    s.out = out;
    s.in = random_.chance(50) ? X0 : K;
    s.scale = scale();
    s.set = set;
    s.out_base = tensor.base;
    std::vector<int> order(static_cast<std::size_t>(d));
    std::iota(order.begin(), order.end(), 0);
    if (random_.chance(50)) std::reverse(order.begin(), order.end());
    for (int p = 0; p < d; p++) {
      const auto strand = std::uint32_t(1) << order[std::size_t(p)];
      // Two strands on one loop: the diagonal.
      if (!s.loops.empty() && !set && random_.chance(25)) {
        s.loops.back().out += tensor.stride[std::size_t(p)];
        s.loops.back().strands |= strand;
      } else {
        s.loops.push_back({n, tensor.stride[std::size_t(p)], 0, random_.chance(10), strand});
      }
    }
    for (std::size_t i = 0; i < free.size(); i++)
      s.loops.push_back({free[i], tensor.stride[std::size_t(d) + i], 0, false, 0});
    if (random_.chance(30))
      s.loops.insert(s.loops.begin() + random_.below(Index(s.loops.size()) + 1), {extent(), 0, 0, false, 0});
    std::vector<Index> extents;
    for (const Loop& loop : s.loops) extents.push_back(loop.extent);
    const Strides ins = layout(extents, subset(extents.size(), 70), true);
    for (std::size_t i = 0; i < s.loops.size(); i++) s.loops[i].in = ins.stride[i];
    s.in_base = ins.base;
    need(s.in, ins.size);
    need(out, tensor.size);
    p_.instructions.push_back(s);
  }

  Program finish() {
    // What scratch holds shows in the outputs.
    for (std::size_t b : {S0, S1}) {
      need(Y0, p_.buffers[b].size);
      p_.instructions.push_back(Strided{
          Y0, b, 0, 0, b == S0 ? 1.0 : -1.0, false, {{std::max<Index>(p_.buffers[b].size, 1), 1, 1, false, 0}}});
    }
    for (Buffer& b : p_.buffers)
      if (!b.local()) b.size = std::max<Index>(b.size, 1);
    // Constants of buffer K come after the matrices.
    p_.buffers[K].offset = Index(p_.constants.size());
    for (Index i = 0; i < p_.buffers[K].size; i++) p_.constants.push_back(double(random_.between(-2, 2)));
    p_.buffers[S1].offset = p_.buffers[S0].size;
    p_.scratch_size = p_.buffers[S0].size + p_.buffers[S1].size;
    for (std::size_t i = 0; i < 4; i++) {
      auto& z = std::get<Zero>(p_.instructions[i]);
      z.count = p_.buffers[z.out].size;
    }
    return p_;
  }

  Random random_;
  bool with_shared_;
  Program p_{};
};

}  // namespace build
