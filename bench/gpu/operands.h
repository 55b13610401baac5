#pragma once

#include <memory>
#include <vector>

#include "core/backend.h"
#include "cuda/memory.h"
#include "gpu/session.h"

namespace brauer::gpu {

// What an operand holds: shared ones the type computed in.
Dtype stored_type(const Operand& operand, Dtype dtype);

// Operands of one run in host memory, as a program loaded for a dtype takes them.
class HostOperands {
 public:
  // For items of a larger batch, by number. Outputs hold NaN.
  HostOperands(const Executable& executable, Dtype dtype, std::vector<std::int64_t> items);

  // Inputs of items by the generator with seeds seed, seed + 1, … by operand, and shared ones too unless there are
  // weights. What is made is rounded to `as` first: float64 arithmetic then has the inputs of another dtype.
  void fill(std::uint64_t seed, Dtype as, const std::vector<float>* weights);

  void* const* pointers() const { return pointers_.data(); }
  std::int64_t batch() const { return std::int64_t(items_.size()); }
  std::int64_t count(std::size_t operand) const;
  double value(std::size_t operand, std::int64_t at) const;

 private:
  const Executable& executable_;
  Dtype dtype_;
  std::vector<std::int64_t> items_;
  std::vector<std::unique_ptr<char[]>> memory_;
  std::vector<void*> pointers_;
};

// Sums of squares that give ‖y − truth‖ / ‖truth‖; a NaN in y stays one.
struct Distance {
  double difference = 0, norm = 0;
  void add(double y, double truth) {
    difference += (y - truth) * (y - truth);
    norm += truth * truth;
  }
  double value() const;
};

// Items 0, 1, … of a batch.
std::vector<std::int64_t> first_items(std::int64_t batch);

// Where the operands of a float32 run lie on the device.
using DeviceOperands = std::vector<void*>;

// The errors of float32 answers, by our own float64 CPU executor, on the whole batch or, where that would take more
// than 5 s, on 64 items drawn from it. The program's outputs belong to items.
struct Verdict {
  std::vector<double> errors;  // of each answer, the largest of its outputs
  std::string how;
};
Verdict compare_with_cpu(Session& session, const std::vector<double>& words, const std::vector<float>& weights,
                         std::int64_t batch, const std::vector<DeviceOperands>& answers);

// The right answers in float64 for a few items, written to a file for each output.
void write_truth(Session& session, const std::string& name, const std::vector<std::string>& outputs,
                 const std::vector<double>& words, const std::vector<float>& weights, std::int64_t batch);

// Of the first operand of a case; the next ones follow.
inline constexpr std::uint64_t kCaseSeed = 1;

}  // namespace brauer::gpu
