#pragma once

#include <cstdint>
#include <vector>

#include "core/program.h"
#include "core/status.h"
#include "cuda/code.h"

namespace brauer::cuda {

// Where a buffer of a program lies while it runs.
struct Placed {
  enum class In { operand, constants, scratch, local } in;
  std::size_t operand = 0;     // of the run, inputs before outputs
  std::int64_t offset = 0;     // in its arena, in elements
  std::int64_t step = 0;       // from item to item; 0: one for all items
  bool shared_output = false;  // sums over the items of a call
};

struct Compiled {
  std::vector<char> code;         // the tables of code.h
  std::vector<double> constants;  // the program's, float64
  std::vector<Placed> buffers;
  std::vector<OpCode> ops;
  std::vector<std::int64_t> work;       // of each instruction: places of an item, of what sums over items of all
  std::int64_t scratch = 0, local = 0;  // elements of an item's arenas, rounded up to whole vectors
  std::int64_t widest = 1;              // most workers that one item keeps busy, over the instructions
};

// Derives what kernels would otherwise derive in every tile. The program must have been verified. element_bytes: of
// the type computed in. Fails with `invalid_argument` where an item passes 2^31 elements. Throws std::bad_alloc.
Status compile(const Program& program, int element_bytes, Compiled& compiled);

}  // namespace brauer::cuda
