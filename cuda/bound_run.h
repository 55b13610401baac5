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
        operands_(operands, operands + program.operands_.size()),
        slot_(program.options_.device),
        stream_(stream) {
    slot_.fused = program.loaded_.is_fused(batch);
    chunks_ = {batch, program.room(slot_.fused, batch, resident()).most};
  }

  Status init() { return program_.prepare(slot_, chunks_, operands_.data(), resident(), stream_); }

  Status enqueue() const override {
    Status status = program_.loaded_.clear_parts(slot_, stream_, chunks_.batch);
    for (std::int64_t first = 0; first < chunks_.batch && status.ok(); first += chunks_.most) {
      const std::vector<void*> places = program_.places(slot_, operands_.data(), resident(), first);
      status = program_.loaded_.run_chunk(slot_, first, places.data(), stream_, chunks_);
    }
    return status.ok() ? program_.loaded_.finish_shared(slot_, operands_.data(), stream_, chunks_.batch) : status;
  }

 private:
  auto resident() const { return Resident::all(operands_.size()); }

  const Program& program_;
  std::vector<void*> operands_;
  Slot slot_;
  Stream* stream_;
  typename Program::Chunks chunks_{};
};

}  // namespace brauer::cuda
