#pragma once

#include <memory>
#include <vector>

#include "core/program.h"
#include "cpu/nest.h"
#include "cpu/orbit.h"

namespace brauer {

struct BlasPlan;

// One instruction, compiled: what the interpreter would otherwise derive in every tile.
struct Op {
  const Instruction* source;
  std::unique_ptr<Nest> nest;        // strided, gather
  std::unique_ptr<OrbitPlan> orbit;  // orbit
  bool shared = false;               // writes a shared output
  bool fused = false;                // done by an orbit before it
  int split = -1;                    // the loop whose parts may run on different threads, none: -1
  double work = 0;                   // elements visited per item, products counted in sixteenths
  const BlasPlan* blas = nullptr;    // of a mix whose rows an installed library multiplies
};

struct LocalBuffer {
  std::size_t buffer;
  Index width;
  const std::vector<Index>* kostka;
};

struct SectionCode {
  Section section;
  bool boxable = false;
  std::vector<LocalBuffer> locals;
  std::vector<Index> touched;  // elements of one multi-index's strands, for each orbit

  // The local buffer of that number, which must be one.
  const LocalBuffer& local(std::size_t buffer) const;
  // Rows of a local buffer in the largest box with blocks of `length`; elements of all local buffers then, and those
  // with the operands' parts of a box.
  Index local_rows(const LocalBuffer& local, Index length) const;
  double local_elements(Index length) const;
  double box_elements(Index length) const;
  // The longest blocks whose boxes have at most `elements`; at least 1.
  Index block_length(double elements) const;
};

// Tiles of registers in a product, between which memory may be fetched.
double mix_pieces(double rows, Index cols, Index inner, Index width);

// A run of instructions: a section, or all that lie between two sections (`section` −1).
struct Stage {
  std::size_t first, count;
  int section;
};

struct Compiled {
  Program program;
  Index width = 1;  // elements of the kernels' vectors
  Index lanes = 1;  // items side by side, see cpu/lanes.h; a run of the program is one of so many items
  std::vector<Op> ops;
  std::vector<SectionCode> sections;
  std::vector<Stage> stages;
  std::size_t largest_orbit = 1;
  std::size_t transposed = 0;  // elements of all transposed weights
  std::size_t own_weights = 0;
  double work = 0;
  double pieces = 0;  // of arithmetic per item between which memory may be fetched: about one per tile of a product
  double operand_size = 0;  // elements of all item operands of one item
  bool has_shared_output = false;
};

// The program must have been verified. width: of the kernels' vectors; lanes: of a program made by `with_lanes`.
Compiled compile(Program program, Index width, Index lanes);

}  // namespace brauer
