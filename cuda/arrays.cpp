#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "core/cuda.h"
#include "cuda/pool.h"
#include "cuda/staging.h"

// Memory of devices that outlives a run, and what moves elements there and back.
namespace brauer::cuda {
namespace {

// Between two looks at the flag that cancels a copy.
constexpr std::int64_t kPiece = std::int64_t(64) << 20;

// `find_device` without its cost: asking a driver for all that it knows takes up to milliseconds, and a device that
// could be used once is still there.
Status check_device(int device) {
  static std::atomic<std::uint64_t> found{0};
  const std::uint64_t bit = device >= 0 && device < 64 ? std::uint64_t(1) << device : 0;
  if ((found.load(std::memory_order_relaxed) & bit) != 0) return {};
  Status status = find_device(device);
  if (status.ok()) found.fetch_or(bit, std::memory_order_relaxed);
  return status;
}

Status no_memory() {
  return Status::error(Code::out_of_memory, "cuda: expected memory for bookkeeping, received none");
}

class Copier final : public Executable {
 public:
  Copier(int device, int element_bytes) : device_(device) {
    operands_ = {{false, false, 1, element_bytes}, {true, false, 1, element_bytes}};
  }

  int device() const override { return device_; }
  WorkCounts work(std::int64_t, int) const override { return {}; }

  Status run(std::int64_t batch, void* const* operands, int, const std::atomic<bool>* cancel) const override {
    const bool nowhere[2] = {};
    return run_resident(batch, operands, nowhere, cancel);
  }

  Status run_resident(std::int64_t batch, void* const* operands, const bool* resident,
                      const std::atomic<bool>* cancel) const override {
    try {
      std::unique_ptr<Lane> lane = take_lane();
      Status status;
      if (!lane->stream) status = create_stream(device_, lane->stream);
      const std::int64_t bytes = batch * operands_[0].element_bytes;
      for (std::int64_t at = 0; at < bytes && status.ok(); at += kPiece) {
        if (cancel && *cancel) status = Status::error(Code::aborted, "copy: expected to finish, received an abort");
        if (status.ok())
          status = move(*lane, static_cast<char*>(operands[1]) + at, static_cast<const char*>(operands[0]) + at,
                        std::size_t(std::min(kPiece, bytes - at)), resident);
      }
      Status end = lane->stream ? synchronise(lane->stream) : Status{};
      if (status.ok()) status = std::move(end);
      if (status.ok()) {
        lane->staging.free();
        give_back(std::move(lane));
      }
      return status;
    } catch (const std::bad_alloc&) {
      return no_memory();
    }
  }

 private:
  struct Lane {
    explicit Lane(int device) : staging(device) {}
    ~Lane() { destroy_stream(stream); }
    Staging staging;
    Stream* stream = nullptr;
  };

  static Status move(Lane& lane, void* to, const void* from, std::size_t bytes, const bool* resident) {
    if (resident[0] == resident[1]) return copy(lane.stream, to, from, bytes);
    return resident[1] ? lane.staging.upload(lane.stream, to, from, bytes)
                       : lane.staging.download(lane.stream, to, from, bytes);
  }

  std::unique_ptr<Lane> take_lane() const {
    const std::lock_guard lock(mutex_);
    if (lanes_.empty()) return std::make_unique<Lane>(device_);
    std::unique_ptr<Lane> lane = std::move(lanes_.back());
    lanes_.pop_back();
    return lane;
  }
  void give_back(std::unique_ptr<Lane> lane) const {
    const std::lock_guard lock(mutex_);
    lanes_.push_back(std::move(lane));
  }

  int device_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace

Status find_device(int device, DeviceInfo* info) {
  const Probe found = probe();
  if (!found.problem.empty()) return Status::error(Code::invalid_argument, found.problem);
  if (device < 0 || std::size_t(device) >= found.devices.size())
    return Status::error(Code::invalid_argument, "cuda: expected a device below " +
                                                     std::to_string(found.devices.size()) + ", received " +
                                                     std::to_string(device));
  const Probe::Found& each = found.devices[std::size_t(device)];
  if (!each.problem.empty()) return Status::error(Code::invalid_argument, each.problem);
  if (info != nullptr) *info = each.info;
  return {};
}

DeviceArray::~DeviceArray() { give(device_, data_); }

std::shared_ptr<const DeviceArray> make_array(int device, std::int64_t bytes, Status& status) noexcept {
  void* data = nullptr;
  try {
    status = check_device(device);
    if (status.ok()) status = take(device, std::size_t(bytes), data);
    if (status.ok()) return std::make_shared<const DeviceArray>(device, data, bytes);
  } catch (const std::bad_alloc&) {
    give(device, data);
    status = no_memory();
  }
  return nullptr;
}

std::unique_ptr<Executable> make_copier(int device, int element_bytes, Status& status) noexcept {
  try {
    status = element_bytes == 2 || element_bytes == 4 || element_bytes == 8
                 ? find_device(device)
                 : Status::error(Code::invalid_argument, "copier: bytes of an element: expected 2, 4 or 8, received " +
                                                             std::to_string(element_bytes));
    if (status.ok()) return std::make_unique<Copier>(device, element_bytes);
  } catch (const std::bad_alloc&) {
    status = no_memory();
  }
  return nullptr;
}

}  // namespace brauer::cuda
