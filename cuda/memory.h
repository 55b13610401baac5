#pragma once

#include <cstddef>
#include <utility>

#include "cuda/pool.h"

namespace brauer::cuda {

// A block of memory that grows: of a device, or pinned memory of the host.
template <Status (*take_block)(int, std::size_t, void*&), void (*give_block)(int, void*)>
class GrowingMemory {
 public:
  explicit GrowingMemory(int device) : device_(device) {}
  GrowingMemory(GrowingMemory&& other) noexcept
      : device_(other.device_),
        memory_(std::exchange(other.memory_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  GrowingMemory& operator=(GrowingMemory&&) = delete;
  ~GrowingMemory() { give_block(device_, memory_); }

  // At least so many bytes, contents undefined. Work in flight must not use what it had.
  Status reserve(std::size_t bytes) {
    if (bytes <= bytes_) return {};
    free();
    const Status status = take_block(device_, bytes, memory_);
    if (status.ok()) bytes_ = bytes;
    return status;
  }
  void free() {
    give_block(device_, memory_);
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

inline Status take_pinned_for(int, std::size_t bytes, void*& memory) { return take_pinned(bytes, memory); }
inline void give_pinned_of(int, void* memory) { give_pinned(memory); }

using DeviceMemory = GrowingMemory<take, give>;
using PinnedMemory = GrowingMemory<take_pinned_for, give_pinned_of>;

}  // namespace brauer::cuda
