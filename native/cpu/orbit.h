#pragma once

#include <vector>

#include "cpu/box.h"
#include "cpu/tile.h"

namespace brauer {

// What an orbit instruction needs beside its fields: its loops merged, the contiguous ones as a run of channels, and
// where the matrix of each composition starts.
struct OrbitPlan {
  Index channels = 1;
  std::vector<OrbitLoop> loops;
  std::vector<std::size_t> matrices;  // by code, in the constants
  Index largest = 1;                  // rows of the largest matrix
};

OrbitPlan plan_orbit(const Orbit& orbit);

// The orbit instruction over the multi-indices of a box; the rows of the box are numbered from 0.
template <class T>
void run_orbit(const Orbit& orbit, const OrbitPlan& plan, Tile<T>& tile, const Box& box);

}  // namespace brauer
