#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <string>

#include "core/cuda.h"
#include "cuda/copier.h"
#include "cuda/pool.h"

// Memory of devices that outlives a run.
namespace brauer::cuda {
namespace {

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
