#pragma once

#include <algorithm>
#include <vector>

#include "cuda/memory.h"
#include "cuda/staging.h"

namespace brauer::cuda {

// Which operands of a run lie on the device.
class Resident {
 public:
  Resident(const bool* flags, std::size_t count) : flags_(count, false) {
    if (flags != nullptr) std::copy_n(flags, count, flags_.begin());
  }
  static Resident all(std::size_t count) {
    Resident result(nullptr, count);
    std::fill(result.flags_.begin(), result.flags_.end(), true);
    return result;
  }
  bool operator[](std::size_t operand) const { return flags_[operand]; }

 private:
  std::vector<bool> flags_;
};

// What one run needs beside its operands. The stream is kept for the next; memory is anybody's between runs.
struct Slot {
  explicit Slot(int device) : scratch(device), partials(device), views(device), host_views(device), staging(device) {}
  ~Slot() { destroy_stream(stream); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  // Once its run is done.
  void free() {
    operands.clear(), wide.clear();
    scratch.free(), partials.free(), views.free(), host_views.free();
    staging.free();
  }

  bool fused = false;  // how the run goes
  Stream* stream = nullptr;
  std::vector<DeviceMemory> operands, wide;  // by operand; wide: 16-bit ones as float32
  DeviceMemory scratch, partials, views;
  PinnedMemory host_views;  // what `views` is filled from
  Staging staging;
};

}  // namespace brauer::cuda
