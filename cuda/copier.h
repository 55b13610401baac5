#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "core/cuda.h"
#include "cuda/staging.h"

// What moves elements between the host and a device, and within it.
namespace brauer::cuda {

// What one copy needs; streams are kept for the next.
struct CopyLane {
  explicit CopyLane(int device) : staging(device) {}
  ~CopyLane() { destroy_stream(stream); }
  CopyLane(const CopyLane&) = delete;
  CopyLane& operator=(const CopyLane&) = delete;

  Staging staging;
  Stream* stream = nullptr;
};

class CopyLanes {
 public:
  explicit CopyLanes(int device) : device_(device) {}
  int device() const { return device_; }

  // Runs `copies(lane)`, and waits for all that it has enqueued.
  template <class Copies>
  Status run(Copies&& copies) {
    try {
      std::unique_ptr<CopyLane> lane = take();
      Status status;
      if (!lane->stream) status = create_stream(device_, lane->stream);
      if (status.ok()) status = copies(*lane);
      Status end = lane->stream ? synchronise(lane->stream) : Status{};
      if (status.ok()) status = std::move(end);
      if (status.ok()) {
        lane->staging.free();
        const std::lock_guard lock(mutex_);
        lanes_.push_back(std::move(lane));
      }
      return status;
    } catch (const std::bad_alloc&) {
      return Status::error(Code::out_of_memory, "cuda: expected memory for bookkeeping, received none");
    }
  }

 private:
  std::unique_ptr<CopyLane> take() {
    const std::lock_guard lock(mutex_);
    if (lanes_.empty()) return std::make_unique<CopyLane>(device_);
    std::unique_ptr<CopyLane> lane = std::move(lanes_.back());
    lanes_.pop_back();
    return lane;
  }

  int device_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<CopyLane>> lanes_;
};

class Copier final : public Executable {
 public:
  Copier(int device, int element_bytes) : lanes_(std::make_shared<CopyLanes>(device)) {
    operands_ = {{false, false, 1, element_bytes}, {true, false, 1, element_bytes}};
  }

  int device() const override { return lanes_->device(); }
  WorkCounts work(std::int64_t, int) const override { return {}; }
  const std::shared_ptr<CopyLanes>& lanes() const { return lanes_; }

  Status run(std::int64_t batch, void* const* operands, int, const std::atomic<bool>* cancel) const override {
    const bool nowhere[2] = {};
    return run_resident(batch, operands, nowhere, cancel);
  }

  Status run_resident(std::int64_t batch, void* const* operands, const bool* resident,
                      const std::atomic<bool>* cancel) const override {
    return lanes_->run([&](CopyLane& lane) {
      Status status;
      const std::int64_t bytes = batch * operands_[0].element_bytes;
      for (std::int64_t at = 0; at < bytes && status.ok(); at += kPiece) {
        if (cancel && *cancel) return Status::error(Code::aborted, "copy: expected to finish, received an abort");
        status = move(lane, static_cast<char*>(operands[1]) + at, static_cast<const char*>(operands[0]) + at,
                      std::size_t(std::min(kPiece, bytes - at)), resident);
      }
      return status;
    });
  }

 private:
  // Between two looks at the flag that cancels a copy.
  static constexpr std::int64_t kPiece = std::int64_t(64) << 20;

  static Status move(CopyLane& lane, void* to, const void* from, std::size_t bytes, const bool* resident) {
    if (resident[0] == resident[1]) return copy(lane.stream, to, from, bytes);
    return resident[1] ? lane.staging.upload(lane.stream, to, from, bytes)
                       : lane.staging.download(lane.stream, to, from, bytes);
  }

  std::shared_ptr<CopyLanes> lanes_;
};

}  // namespace brauer::cuda
