#pragma once

#include <algorithm>
#include <atomic>
#include <vector>

#include "cpu/kernels.h"

namespace brauer {

template <class T>
const Kernels<T>& kernels_of(const KernelTable& table) {
  if constexpr (sizeof(T) == 8)
    return table.f64;
  else
    return table.f32;
}

// Looks at the cancel flag once per a million or so elements of work.
struct Poll {
  const std::atomic<bool>* cancel;
  double left = 0;
  bool stopped = false;

  // True when the run must stop; what was written until then is discarded.
  bool spend(double work) {
    left -= work;
    if (left < 0) {
      left = 1 << 20;
      if (cancel && cancel->load(std::memory_order_relaxed)) stopped = true;
    }
    return stopped;
  }

  Stop stop() const {
    return {[](const void* flag) {
              return flag && static_cast<const std::atomic<bool>*>(flag)->load(std::memory_order_relaxed);
            },
            cancel};
  }
};

// Pointers and steps of the rows of an orbit, with room for the largest one.
template <class T>
struct OrbitPointers {
  const T** in;
  T** out;
  Index *in1, *out1, *in2, *out2;
  const T** moving_in;
  T** moving_out;
};

class RunsCache;

// A piece of arithmetic fetches `bytes`, as far as it can hide them.
inline Ahead ahead_of(std::vector<Ahead::Span>& spans, double bytes) {
  constexpr double kMostLines = 64;
  return {spans.data(), spans.data() + spans.size(), int(std::clamp(bytes / 64 + 1, 1.0, kMostLines))};
}

// What an instruction runs on: some items of the batch, or one item, or a box of one.
template <class T>
struct Tile {
  const Kernels<T>* kernels;
  T* const* base;     // by buffer: its first element of the first item
  const Index* step;  // by buffer: elements from item to item, 0 for what is shared
  Index items;
  const T* constants;
  T* own_weights;  // room for the transpose of weights that each item has its own, or for the rows of a BLAS call
  OrbitPointers<T> pointers;
  std::vector<Index>* rows;  // room for a counter per lambda
  RunsCache* runs;
  std::vector<Ahead::Span>* spans;  // room for what a box fetches
  Ahead* ahead;                     // what to fetch meanwhile, or null
  Poll poll;
};

}  // namespace brauer
