#pragma once

#include <vector>

#include "core/program.h"

namespace brauer {

// Ascending multi-indices i_1 <= … <= i_d with i_p in [low_p, high_p). Neighbouring ranges are equal (`same`) or
// disjoint.
struct Box {
  int d;
  Index low[kMaxStrands], high[kMaxStrands];
  bool same[kMaxStrands];  // equal to the range before
};

Box whole_box(Index n, int d);

// How n values are cut into blocks of `length` (the last one shorter). Boxes are the ascending tuples of blocks, in
// lexicographic order.
struct Blocks {
  Index n, length;
  int d;

  Index blocks() const { return (n - 1) / length + 1; }
  Index boxes() const { return choose(blocks() + d - 1, d); }
  Box box(Index number) const;
};

// Rows of a lambda in a box.
Index box_rows(const Box& box, const std::vector<Index>& kostka);

// The d strands of every rearrangement of a multi-index of one composition, lexicographic: label[k·d + s] says which of
// its distinct values (ascending) strand s has in rearrangement k.
struct Words {
  Index count;
  std::vector<std::uint8_t> label;
};
const Words& words(int d, int code);

// Calls f(code, values, run) for the multi-indices of a box in lexicographic order, `run` of them at once: they differ
// in their largest value only, which stands alone and takes `run` values from values[parts − 1] on. `values` are the
// distinct values, ascending. Stops when f returns false.
template <class F>
bool enumerate(const Box& box, const F& f) {
  struct Walk {
    const Box& box;
    const F& f;
    Index values[kMaxStrands];

    bool at(int p, int code, int count) {
      const Index least = box.same[p] ? values[count - 1] : box.low[p];
      if (p == box.d - 1) {
        Index first = least;
        if (box.same[p]) {
          if (!f(code, values, Index(1))) return false;
          first++;
        }
        if (first >= box.high[p]) return true;
        values[count] = first;
        return f(p > 0 ? code | 1 << (p - 1) : code, values, box.high[p] - first);
      }
      for (Index i = least; i < box.high[p]; i++) {
        const bool rises = count == 0 || i > values[count - 1];
        if (rises) values[count] = i;
        if (!at(p + 1, rises && p > 0 ? code | 1 << (p - 1) : code, count + rises)) return false;
        // The value at this position goes back to what the positions before it hold.
      }
      return true;
    }
  };
  Walk walk{box, f, {}};
  return walk.at(0, 0, 0);
}

// Whether running a section box by box gives the bits of running it once, and boxes may run on several threads: every
// buffer that the section writes is indexed by the strands in one way, so that no two boxes meet in an element.
bool is_boxable(const Program& program, const Section& section);

}  // namespace brauer
