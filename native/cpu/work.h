#pragma once

#include "core/backend.h"
#include "cpu/code.h"

namespace brauer {

// What the instructions of a compiled program do for one item (for all lanes, where items lie side by side).
WorkCounts item_work(const Compiled& code);

}  // namespace brauer
