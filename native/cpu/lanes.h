#pragma once

#include "core/program.h"
#include "cpu/kernels.h"

namespace brauer {

// Where rows are shorter than a vector, the items of a batch can be the innermost index: every element becomes a row of
// `lanes` elements, one for each item, and all kernels run on full vectors. The program for that is the same program
// with longer strides and one more loop; a run of it is one run for `lanes` items.

// The lanes that pay for a program at batches of about `expected` items, or 1. Whether they do depends on the program,
// the machine and `expected` alone, so that the bits of an item do not depend on the batch around it or on the threads.
Index choose_lanes(const Program& program, Index width, std::int64_t expected, int threads, double most_elements);

// The program with items innermost. Loops must be fewer than kMaxLoops (`choose_lanes` looks).
Program with_lanes(Program program, Index lanes);

}  // namespace brauer
