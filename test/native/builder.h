#pragma once

#include <cstdint>
#include <vector>

#include "core/program.h"

// Writes programs in the words of FORMAT.md, from the same structs that the decoder fills.
namespace build {

using namespace brauer;

// A small deterministic generator (splitmix64): the same programs on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  Index below(Index n) { return Index(next() % std::uint64_t(n)); }
  Index between(Index low, Index high) { return low + below(high - low + 1); }
  bool chance(int percent) { return below(100) < percent; }
  double real() { return double(next() >> 11) * 0x1p-52 - 1; }  // in [−1, 1)

 private:
  std::uint64_t state_;
};

inline void put(std::vector<double>& words, std::initializer_list<double> values) { words.insert(words.end(), values); }

inline void put_loops(std::vector<double>& words, const std::vector<Loop>& loops) {
  words.push_back(double(loops.size()));
  for (const Loop& loop : loops)
    put(words, {double(loop.extent), double(loop.out), double(loop.in), double(loop.alternate), double(loop.strands)});
}

struct Encoder {
  std::vector<double>& words;

  void operator()(const Zero& z) {
    put(words, {0, double(z.out), double(z.base), double(z.rows), double(z.stride), double(z.count)});
  }
  void operator()(const Strided& s) {
    put(words, {1, double(s.out), double(s.in), double(s.out_base), double(s.in_base), s.scale, double(s.set)});
    put_loops(words, s.loops);
  }
  void operator()(const Gather& g) {
    put(words, {2, double(g.out), double(g.in), double(g.out_base), double(g.in_base), g.scale, double(g.first),
                double(g.count)});
    put_loops(words, g.loops);
  }
  void operator()(const Mix& m) {
    put(words, {3, double(int(m.form)), double(m.a), double(m.b), double(m.c), double(m.a_base), double(m.b_base),
                double(m.c_base), double(m.a_stride), double(m.b_stride), double(m.c_stride), double(m.rows),
                double(m.inner), double(m.cols), double(m.set)});
  }
  void operator()(const Orbit& o) {
    put(words, {4, double(o.inverse), double(o.strands), double(o.base), double(o.n), double(o.set), double(o.matrices),
                double(o.d), double(o.lambdas.size()), double(o.loops.size())});
    for (int s = 0; s < o.d; s++) words.push_back(double(o.strides[std::size_t(s)]));
    for (const OrbitRows& rows : o.lambdas) {
      put(words, {double(rows.buffer), double(rows.base), double(rows.row_stride), double(rows.unit_stride),
                  double(rows.dimension)});
      for (Index k : rows.kostka) words.push_back(double(k));
    }
    for (const OrbitLoop& loop : o.loops) {
      put(words, {double(loop.extent), double(loop.strands)});
      for (Index stride : loop.rows) words.push_back(double(stride));
    }
  }
};

inline std::vector<double> encode(const Program& p) {
  std::vector<double> words{1112686933,
                            1,
                            0,
                            double(p.buffers.size()),
                            double(p.constants.size()),
                            double(p.table.size()),
                            double(p.sections.size()),
                            double(p.instructions.size()),
                            double(p.scratch_size),
                            double(p.local_size)};
  for (const Buffer& b : p.buffers)
    put(words, {double(int(b.role)), double(b.shared), double(b.size), double(b.offset), double(b.section),
                double(b.lambda), double(b.width)});
  for (const Section& s : p.sections) put(words, {double(s.first), double(s.count), double(s.n), double(s.d)});
  words.insert(words.end(), p.constants.begin(), p.constants.end());
  for (const Entry& e : p.table) put(words, {double(e.out), double(e.in), double(e.sign)});
  for (const Instruction& instruction : p.instructions) {
    const std::size_t start = words.size();
    words.push_back(0);
    std::visit(Encoder{words}, instruction);
    words[start] = double(words.size() - start);
  }
  words[2] = double(words.size());
  return words;
}

inline Buffer buffer(Role role, bool shared, Index size, Index offset = 0) {
  return {role, shared, size, offset, -1, 0, 0};
}

}  // namespace build
