#pragma once

#include "cpu/code.h"
#include "cpu/tile.h"

namespace brauer {

// Runs compiled instructions on a tile. Nothing here allocates, locks or throws; a cancelled run leaves
// `tile.poll.stopped`.
template <class T>
struct Interpreter {
  const Compiled& code;
  T* const* transposed;  // by instruction: transposed weights of a `mix` of form input

  // A stage over all items of the tile at once.
  void run_stage(const Stage& stage, Tile<T>& tile) const;
  // Box `number` of a section, for a tile of one item whose local buffers hold the rows of one box.
  void run_box(const SectionCode& section, const Blocks& blocks, Index number, Tile<T>& tile) const;
  // Part `part` of `parts` of an instruction that can be split.
  void run_part(std::size_t index, Index part, Index parts, Tile<T>& tile) const;
  void run_op(std::size_t index, Tile<T>& tile) const;

 private:
  Ahead fetch_box(const SectionCode& section, const Blocks& blocks, Index number, const Box& box, Tile<T>& tile) const;
  double box_pieces(const Mix& mix, Index rows) const {
    return mix_pieces(double(rows), mix.cols, mix.inner, code.width);
  }
  void run_loops(const Op& op, const std::vector<Loop>& loops, const Index* low, const Index* high,
                 Tile<T>& tile) const;
};

}  // namespace brauer
