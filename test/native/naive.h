#pragma once

#include <algorithm>
#include <vector>

#include "core/program.h"

// lib/program/program.ts word for word, in float64 and without any cleverness: what the executor is compared with.
namespace naive {

using namespace brauer;

// One array per buffer, of all items for item buffers.
struct Memory {
  std::vector<std::vector<double>> buffers;
};

class Interpreter {
 public:
  Interpreter(const Program& program, Index batch, Memory& memory) : program_(program), batch_(batch), memory_(memory) {
    memory_.buffers.resize(program.buffers.size());
    for (std::size_t i = 0; i < program.buffers.size(); i++) {
      const Buffer& buffer = program.buffers[i];
      auto& values = memory_.buffers[i];
      if (buffer.role == Role::constant)
        values.assign(program.constants.begin() + buffer.offset,
                      program.constants.begin() + buffer.offset + buffer.size);
      else if (buffer.role != Role::input)
        values.assign(std::size_t(buffer.shared ? buffer.size : batch * buffer.size), 0.0);
    }
  }

  void run() {
    for (const Instruction& instruction : program_.instructions) {
      // `set` on a shared output: the sum over the items of this call.
      for (item_ = 0; item_ < batch_; item_++) std::visit([&](const auto& each) { step(each); }, instruction);
    }
  }

 private:
  double& at(std::size_t buffer, Index offset) {
    const Buffer& b = program_.buffers[buffer];
    const Index start = b.shared || b.role == Role::constant ? 0 : item_ * b.size;
    return memory_.buffers[buffer][std::size_t(start + offset)];
  }
  bool shared_output(std::size_t buffer) const { return program_.buffers[buffer].shared_output(); }

  void step(const Zero& z) {
    if (shared_output(z.out)) return;
    for (Index r = 0; r < z.rows; r++)
      for (Index c = 0; c < z.count; c++) at(z.out, z.base + r * z.stride + c) = 0;
  }

  // Calls f(out offset, in offset, sign) for every setting of the loops.
  template <class F>
  void nest(const std::vector<Loop>& loops, std::size_t level, Index out, Index in, double sign, const F& f) {
    if (level == loops.size()) return f(out, in, sign);
    const Loop& loop = loops[level];
    for (Index t = 0; t < loop.extent; t++)
      nest(loops, level + 1, out + t * loop.out, in + t * loop.in, loop.alternate && t % 2 == 1 ? -sign : sign, f);
  }

  void step(const Strided& s) {
    if (s.set && !shared_output(s.out))
      nest(s.loops, 0, s.out_base, 0, 1, [&](Index out, Index, double) { at(s.out, out) = 0; });
    nest(s.loops, 0, s.out_base, s.in_base, s.scale,
         [&](Index out, Index in, double sign) { at(s.out, out) += sign * at(s.in, in); });
  }

  void step(const Gather& g) {
    for (std::size_t i = g.first; i < g.first + g.count; i++) {
      const Entry& e = program_.table[i];
      nest(g.loops, 0, g.out_base + e.out, g.in_base + e.in, g.scale * double(e.sign),
           [&](Index out, Index in, double sign) { at(g.out, out) += sign * at(g.in, in); });
    }
  }

  void step(const Mix& m) {
    const auto a = [&](Index r, Index k) -> double& { return at(m.a, m.a_base + r * m.a_stride + k); };
    const auto b = [&](Index k, Index j) -> double& { return at(m.b, m.b_base + k * m.b_stride + j); };
    const auto c = [&](Index r, Index j) -> double& { return at(m.c, m.c_base + r * m.c_stride + j); };
    if (m.form == MixForm::forward) {
      if (m.set) each(m.rows, m.cols, [&](Index r, Index j) { c(r, j) = 0; });
      each(m.rows, m.cols, [&](Index r, Index j) {
        for (Index k = 0; k < m.inner; k++) c(r, j) += a(r, k) * b(k, j);
      });
    } else if (m.form == MixForm::input) {
      if (m.set) each(m.rows, m.inner, [&](Index r, Index k) { a(r, k) = 0; });
      each(m.rows, m.inner, [&](Index r, Index k) {
        for (Index j = 0; j < m.cols; j++) a(r, k) += c(r, j) * b(k, j);
      });
    } else {
      if (m.set && !shared_output(m.b)) each(m.inner, m.cols, [&](Index k, Index j) { b(k, j) = 0; });
      each(m.inner, m.cols, [&](Index k, Index j) {
        for (Index r = 0; r < m.rows; r++) b(k, j) += a(r, k) * c(r, j);
      });
    }
  }

  template <class F>
  static void each(Index rows, Index cols, const F& f) {
    for (Index r = 0; r < rows; r++)
      for (Index c = 0; c < cols; c++) f(r, c);
  }

  void step(const Orbit& o) {
    std::vector<Index> index(std::size_t(o.d), 0), rows(o.lambdas.size(), 0);
    for (;;) {
      orbit_of(o, index, rows);
      // The next ascending multi-index in lexicographic order.
      int p = o.d - 1;
      while (p >= 0 && index[std::size_t(p)] == o.n - 1) p--;
      if (p < 0) return;
      const Index value = index[std::size_t(p)] + 1;
      for (; p < o.d; p++) index[std::size_t(p)] = value;
    }
  }

  void orbit_of(const Orbit& o, const std::vector<Index>& index, std::vector<Index>& rows) {
    int code = 0;
    for (int p = 0; p + 1 < o.d; p++) code |= int(index[std::size_t(p) + 1] > index[std::size_t(p)]) << p;
    std::vector<Index> words;
    Index m = 0;
    for (auto word = index;; m++) {
      Index offset = o.base;
      for (int s = 0; s < o.d; s++) offset += o.strides[std::size_t(s)] * word[std::size_t(s)];
      words.push_back(offset);
      if (!std::next_permutation(word.begin(), word.end())) break;
    }
    m++;
    std::size_t matrix = o.matrices;
    for (int before = 0; before < code; before++)
      matrix += std::size_t(rearrangements(before, o.d) * rearrangements(before, o.d));
    Index settings = 1;
    for (const OrbitLoop& loop : o.loops) settings *= loop.extent;
    for (Index setting = 0; setting < settings; setting++) {
      Index rest = setting, strand_shift = 0;
      std::vector<Index> shift(o.lambdas.size(), 0);
      for (const OrbitLoop& loop : o.loops) {
        const Index t = rest % loop.extent;
        rest /= loop.extent;
        strand_shift += t * loop.strands;
        for (std::size_t k = 0; k < shift.size(); k++) shift[k] += t * loop.rows[k];
      }
      if (o.inverse && o.set)
        for (Index w : words) at(o.strands, w + strand_shift) = 0;
      Index row = 0;
      for (std::size_t k = 0; k < o.lambdas.size(); k++) {
        const OrbitRows& lambda = o.lambdas[k];
        for (Index copy = 0; copy < lambda.kostka[std::size_t(code)]; copy++)
          for (Index unit = 0; unit < lambda.dimension; unit++, row++) {
            double& value = at(lambda.buffer, lambda.base + (rows[k] + copy) * lambda.row_stride +
                                                  unit * lambda.unit_stride + shift[k]);
            if (!o.inverse && o.set) value = 0;
            for (Index w = 0; w < m; w++) {
              const double q = program_.constants[matrix + std::size_t(row * m + w)];
              if (o.inverse)
                at(o.strands, words[std::size_t(w)] + strand_shift) += q * value;
              else
                value += q * at(o.strands, words[std::size_t(w)] + strand_shift);
            }
          }
      }
    }
    for (std::size_t k = 0; k < rows.size(); k++) rows[k] += o.lambdas[k].kostka[std::size_t(code)];
  }

  const Program& program_;
  Index batch_, item_ = 0;
  Memory& memory_;
};

}  // namespace naive
