#pragma once

#include <algorithm>
#include <vector>

#include "cuda/slot.h"

namespace brauer::cuda {

// Runs of a loaded program, the executor's, on operands that all lie on the device. The buffers of its slot that would
// hold operands stay empty.
template <class Program>
class BoundRun final : public DeviceRun {
 public:
  BoundRun(const Program& program, std::int64_t batch, void* const* operands, Stream* stream)
      : program_(program),
        batch_(batch),
        operands_(operands, operands + program.operands_.size()),
        slot_(program.options_.device),
        stream_(stream) {
    slot_.fused = program.loaded_.is_fused(batch);
    most_ = program.cut(slot_.fused, batch, resident()).most;
  }

  Status init() { return program_.prepare(slot_, batch_, most_, operands_.data(), resident(), stream_); }

  Status enqueue() const override {
    Status status = program_.loaded_.clear_parts(slot_, stream_, most_);
    for (std::int64_t first = 0; first < batch_ && status.ok(); first += most_) {
      const std::vector<void*> places = program_.places(slot_, operands_.data(), resident(), first);
      status = program_.loaded_.run_chunk(slot_, first / most_, places.data(), stream_, std::min(most_, batch_ - first),
                                          most_);
    }
    return status.ok() ? program_.loaded_.finish_shared(slot_, operands_.data(), stream_, most_) : status;
  }

 private:
  auto resident() const { return Resident::all(operands_.size()); }

  const Program& program_;
  std::int64_t batch_;
  std::vector<void*> operands_;
  Slot slot_;
  Stream* stream_;
  std::int64_t most_ = 1;  // items of a chunk
};

}  // namespace brauer::cuda
