#pragma once

#include "core/program.h"
#include "cpu/tile.h"

namespace brauer {

struct Step {
  Index extent, out, in;
  bool alternate;
};

// A loop nest sorted for the kernels: `outer` loops (outermost first; those with out = 0 alternate in sign and are
// reduced), sums (outermost first), and the innermost run.
struct Nest {
  Step outer[kMaxLoops + 1];
  int outer_count = 0;
  Sum sums[kMaxLoops + 1];
  int sum_count = 0;
  Step run{1, 1, 1, false};
  double scale = 1;
  bool across = false;
};

// Sorts and merges loops. `width` is the vector width of the kernels. How a sum is computed depends on the free loops
// alone (strands = 0), so that a nest limited to a box adds in the same order as the whole one.
Nest make_nest(const Loop* loops, std::size_t count, Index width);

// Elements that a nest visits.
double volume(const Nest& nest);

// One `strided` or `gather` over a tile. `nest` holds its loops, all of them or limited to a box or a part; then the
// shifts move the bases to its first step, and `negative` is the sign there. `shared`: the output is shared by the
// items.
template <class T>
void run_strided(const Strided& strided, const Nest& nest, Tile<T>& tile, Index out_shift, Index in_shift,
                 bool negative, bool shared);
template <class T>
void run_gather(const Gather& gather, const Entry* table, const Nest& nest, Tile<T>& tile, Index out_shift,
                Index in_shift, bool negative, bool shared);

}  // namespace brauer
