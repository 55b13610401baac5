#pragma once

#include <cstdint>

#include "core/cuda.h"

namespace brauer::cuda {

// Where a buffer lies: element 0 of item 0, elements from item to item (0: one for all), and from part to part of what
// sums over the items.
template <class T>
struct View {
  T* base;
  std::int64_t step, part;
};

}  // namespace brauer::cuda
