#pragma once

#include "cuda/compile.h"

// What instructions take on a device, counted from the tables that kernels read and as the kernels of cuda/kernels go
// through them.
namespace brauer::cuda {

struct Counts {
  double instructions = 0;       // of warps: lanes without work of their own wait for the others
  double multiplies = 0;         // products and sums that the result needs
  double reads = 0, writes = 0;  // bytes of items' buffers
  double weights = 0;            // bytes of what is the same for all items
};

class Counter {
 public:
  Counter(const Compiled& compiled, int element_bytes)
      : code_(reinterpret_cast<const CodeTables*>(compiled.code.data())), bytes_(element_bytes) {}

  // By one team over so many items, dealt to `groups`, see Team in kernels/step.h.
  Counts of(const OpCode& op, double items, double groups) const;
  // By teams over all boxes of a section, in one item.
  Counts in_boxes(const OpCode& op, const CompiledSection& section, std::size_t number) const;

 private:
  Counts of_zero(const ZeroCode& zero, double items, double groups) const;
  Counts of_move(const MoveCode& move, double items, double groups) const;
  Counts of_product(const ProductCode& product, double rows, double items) const;
  Counts of_weights(const WeightsCode& weights, double rows, double items, double groups) const;
  Counts of_lists(const OrbitCode& orbit, std::uint32_t first, std::uint32_t count, bool in_box, double items,
                  double groups) const;
  Counts of_orbit(const OrbitCode& orbit, double items, double groups) const;

  template <class Row>
  const Row* rows(std::uint32_t at) const {
    return table<Row>(code_, at);
  }

  const CodeTables* code_;
  double bytes_;
};

}  // namespace brauer::cuda
