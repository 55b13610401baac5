#pragma once

#include <algorithm>
#include <vector>

#include "cuda/kernels/view.h"
#include "cuda/slot.h"

namespace brauer::cuda {

// Runs of a loaded program, the executor's, on operands that lie on the device. Its chunks differ in their views alone,
// which lie on the device one table after the other. The buffers of a slot that would hold operands stay empty.
template <class Program>
class BoundRun final : public DeviceRun {
  using T = typename Program::Element;

 public:
  BoundRun(const Program& program, std::int64_t batch, void* const* operands, Stream* stream)
      : program_(program),
        batch_(batch),
        operands_(operands, operands + program.operands_.size()),
        slot_(program.options_.device),
        stream_(stream) {
    slot_.fused = program.is_fused(batch);
    most_ = program.chunk(slot_.fused, batch);
    // A chunk has to begin at a multiple of 16 bytes, which 16 items always do.
    const bool aligned = std::all_of(program.operands_.begin(), program.operands_.end(), [](const Operand& operand) {
      return operand.shared || operand.size * operand.element_bytes % 16 == 0;
    });
    if (most_ < batch && !aligned) most_ = std::max<std::int64_t>(most_ / 16 * 16, 16);
  }

  Status init() {
    Status status = program_.reserve(slot_, most_, false);
    std::vector<View<T>> views;
    for (std::int64_t first = 0; first < batch_; first += most_) {
      const std::vector<View<T>> own = program_.make_views(slot_, at(first).data(), most_);
      views.insert(views.end(), own.begin(), own.end());
    }
    if (status.ok()) status = slot_.views.reserve(views.size() * sizeof(View<T>) + 1);
    if (status.ok()) status = copy(stream_, slot_.views.get(), views.data(), views.size() * sizeof(View<T>));
    return status;
  }

  Status enqueue() const override {
    const std::int64_t part_count = program_.parts(slot_.fused, most_);
    Status status = program_.clear_parts(slot_, stream_, part_count);
    const auto* views = slot_.views.template as<View<T>>();
    for (std::int64_t first = 0; first < batch_ && status.ok(); first += most_) {
      const std::int64_t items = std::min(most_, batch_ - first);
      const std::vector<void*> operands = at(first);
      status = program_.widen(slot_, operands.data(), stream_, items);
      if (status.ok()) status = program_.run_kernels(slot_, views, stream_, items, part_count);
      if (status.ok()) status = program_.narrow(slot_, operands.data(), stream_, items);
      views += program_.compiled_.buffers.size();
    }
    return status.ok() ? program_.finish_shared(slot_, operands_.data(), stream_, part_count) : status;
  }

 private:
  // The operands from an item on.
  std::vector<void*> at(std::int64_t first) const {
    std::vector<void*> result = operands_;
    for (std::size_t i = 0; i < result.size(); i++) {
      const Operand& operand = program_.operands_[i];
      if (!operand.shared) result[i] = static_cast<char*>(result[i]) + first * operand.size * operand.element_bytes;
    }
    return result;
  }

  const Program& program_;
  std::int64_t batch_;
  std::vector<void*> operands_;
  Slot slot_;
  Stream* stream_;
  std::int64_t most_ = 1;  // items of a chunk
};

}  // namespace brauer::cuda
