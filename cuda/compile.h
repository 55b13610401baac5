#pragma once

#include <cstdint>
#include <vector>

#include "core/cuda.h"
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
  bool direct = false;         // an output that one instruction sets, by rows of 32 bytes or more, and none reads
};

// A section that can run box by box.
struct CompiledSection {
  std::size_t first, end;  // instructions of the device code
  std::int64_t length;     // of the blocks
  std::int64_t boxes;
  bool sums_items;
  // The largest rows of each of its local buffers in a box, and all of them together in elements.
  std::vector<std::pair<std::size_t, std::int64_t>> rows;
  std::int64_t elements;
};

struct Compiled {
  std::vector<char> code;         // the tables of code.h
  std::vector<double> constants;  // the program's, float64
  std::vector<Placed> buffers;
  std::vector<OpCode> ops;
  std::vector<std::int64_t> work;         // of each instruction: places of an item, of what sums over items of all
  std::vector<CompiledSection> sections;  // in the order of the instructions; with a limit of 0 none
  std::uint32_t box_teams = 1;            // of a block, for the boxes
  Precision precision = Precision::highest;
  std::int64_t scratch = 0, local = 0;  // elements of an item's arenas, rounded up to whole vectors
  std::int64_t widest = 1;              // most workers that one item keeps busy, over the instructions

  // Instructions from this one on, outside boxes, that one launch runs: of one kind, none waiting for another.
  std::size_t together(std::size_t op) const;
};

// Derives what kernels would otherwise derive in every tile. The program must have been verified. element_bytes: of
// the type computed in. box_elements: the most that the local buffers of a box may have. Fails with `invalid_argument`
// where an item passes 2^31 elements. Throws std::bad_alloc.
Status compile(const Program& program, int element_bytes, std::int64_t box_elements, Compiled& compiled);

}  // namespace brauer::cuda
