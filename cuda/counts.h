#pragma once

#include <vector>

#include "cuda/compile.h"
#include "cuda/kernels/product_shape.h"
#include "native/core/cuda.h"

// What instructions take on a device, counted from the tables that kernels read and as the kernels of cuda/kernels go
// through them.
namespace brauer::cuda {

struct Counts {
  double warps = 0;              // that have work, one after the other
  double instructions = 0;       // of warps: lanes without work of their own wait for the others
  double multiplies = 0;         // products and sums that the result needs
  double tensor = 0;             // instructions of tensor cores among those, of kTensorFlops each
  double reads = 0, writes = 0;  // bytes of items' buffers
  double lost = 0;               // bytes that shared memory could give, and does not, while it reads those
  double weights = 0;            // bytes of what is the same for all items
};

// Cycles of a multiprocessor's team: at a barrier, to begin an instruction, to wait for a tile that did not arrive
// meanwhile; that a job waits for what it reads, one load after the other.
inline constexpr double kBarrierCycles = 40, kOpCycles = 150, kTileCycles = 1500, kJobCycles = 100;
inline constexpr double kTensorFlops = 2 * 16 * 8 * 8;
inline constexpr double kIssue = 4;  // instructions that a multiprocessor starts in a cycle
// Part of the least time that overlapping work reaches, where enough warps are there.
inline constexpr double kOverlap = 0.8;

// Cycles of a team that is alone on a multiprocessor: each of its warps starts at most one instruction a cycle, and
// instructions that do not wait for each other share the warps as Turns (kernels/run.h) deals them.
class TeamTime {
 public:
  explicit TeamTime(double threads) : loads_(std::size_t(threads / 32)) {}
  void add(const Counts& counts, const OpCode& op);
  double cycles() const;

 private:
  std::vector<double> loads_;  // cycles of each warp since the last barrier
  std::size_t next_ = 0;
  double instructions_ = 0, cycles_ = 0;
};

class Counter {
 public:
  // in_shared, resident: whether items, and what is the same for all, lie in shared memory outside boxes.
  Counter(const Compiled& compiled, const DeviceInfo& device, int element_bytes, bool in_shared, bool resident)
      : code_(reinterpret_cast<const CodeTables*>(compiled.code.data())),
        pair_rows_(pair_rows(10 * device.major + device.minor)),
        bytes_(element_bytes),
        precision_(element_bytes == 4 ? compiled.precision : Precision::highest),
        in_shared_(in_shared),
        resident_(resident) {}

  // By one team over so many items, dealt to `groups`, see Team in kernels/step.h.
  Counts of(const OpCode& op, double items, double groups) const;
  // By one team in a box of a section.
  Counts in_box(const OpCode& op, std::size_t section, std::int64_t box) const;

 private:
  Counts of_zero(const ZeroCode& zero, double items, double groups) const;
  Counts of_move(const MoveCode& move, double items, double groups) const;
  Counts of_product(const ProductCode& product, double rows, double items, bool in_shared, bool right_in_shared) const;
  Counts of_tensor_product(const ProductCode& product, double rows, double items, bool in_shared) const;
  Counts of_weights(const WeightsCode& weights, double rows, double items, double groups) const;
  Counts of_lists(const OrbitCode& orbit, std::uint32_t first, std::uint32_t count, bool corners, double items,
                  double groups) const;
  Counts of_orbit(const OrbitCode& orbit, double items, double groups) const;

  template <class Row>
  const Row* rows(std::uint32_t at) const {
    return table<Row>(code_, at);
  }

  const CodeTables* code_;
  double pair_rows_, bytes_;
  Precision precision_;
  bool in_shared_, resident_;
};

}  // namespace brauer::cuda
