#pragma once

#include "core/backend.h"
#include "cpu/code.h"

namespace brauer {

// What the instructions of a compiled program do for one item (for all lanes, where items lie side by side).
WorkCounts item_work(const Compiled& code);

// Elements of one item that instructions read or write in buffers of more than `near` elements, which come from memory
// each time.
double far_elements(const Compiled& code, double near);

}  // namespace brauer
