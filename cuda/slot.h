#pragma once

#include <vector>

#include "cuda/memory.h"

namespace brauer::cuda {

// What one run needs beside its operands; kept for the next.
struct Slot {
  explicit Slot(int device) : scratch(device), partials(device), views(device) {}
  ~Slot() { destroy_stream(stream); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  bool fused = false;  // how the run goes
  Stream* stream = nullptr;
  std::vector<DeviceMemory> operands, wide;  // by operand; wide: 16-bit ones as float32
  DeviceMemory scratch, partials, views;
};

}  // namespace brauer::cuda
