#pragma once

#include "core/program.h"
#include "cpu/tile.h"

namespace brauer {

struct BlasPlan;

// Rows [first, first + count) of a mix over the items of a tile. For local operands count is the number of rows of the
// box. blas: how a library multiplies them, null for our own kernels.
template <class T>
void run_mix(const Mix& mix, const T* transposed, const BlasPlan* blas, Tile<T>& tile, Index first, Index count,
             bool shared);

// b of a mix of form input as [cols, inner], rows back to back.
template <class T>
void transpose_weights(const Mix& mix, const Kernels<T>& kernels, const T* b, T* transposed);

}  // namespace brauer
