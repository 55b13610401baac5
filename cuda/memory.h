#pragma once

#include <cstddef>

#include "cuda/device.h"

namespace brauer::cuda {

// A block of device memory that grows and never shrinks.
class DeviceMemory {
 public:
  explicit DeviceMemory(int device) : device_(device) {}
  DeviceMemory(DeviceMemory&& other) noexcept : device_(other.device_), memory_(other.memory_), bytes_(other.bytes_) {
    other.memory_ = nullptr, other.bytes_ = 0;
  }
  DeviceMemory& operator=(DeviceMemory&&) = delete;
  ~DeviceMemory() { release(device_, memory_); }

  // At least so many bytes, contents undefined. Work in flight must not use what it had.
  Status reserve(std::size_t bytes) {
    if (bytes <= bytes_) return {};
    release(device_, memory_);
    memory_ = nullptr, bytes_ = 0;
    const Status status = allocate(device_, bytes, memory_);
    if (status.ok()) bytes_ = bytes;
    return status;
  }
  void free() {
    release(device_, memory_);
    memory_ = nullptr, bytes_ = 0;
  }

  void* get() const { return memory_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(memory_);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  int device_;
  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace brauer::cuda
