#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "check.h"
#include "core/cuda.h"
#include "cuda/device.h"
#include "cuda/kernel.h"
#include "emulation/control.h"

// What the tests of the emulated device share: a stream, memory that frees itself, a launch with its outcome.
namespace brauer::cuda {

inline Stream* stream = nullptr;
// Memory that is given back goes, and what is taken has the size that was asked for.
inline const bool keeps_nothing = (keep_memory(0), true);

template <class T>
struct Buffer {
  T* data = nullptr;
  std::size_t count;

  explicit Buffer(std::size_t n) : count(n) {
    void* memory = nullptr;
    CHECK(allocate(0, n * sizeof(T), memory).ok());
    data = static_cast<T*>(memory);
  }
  explicit Buffer(const std::vector<T>& values) : Buffer(values.size()) {
    CHECK(copy(stream, data, values.data(), count * sizeof(T)).ok());
  }
  Buffer(const Buffer&) = delete;
  ~Buffer() { release(0, data); }

  std::vector<T> read() const {
    std::vector<T> values(count);
    CHECK(copy(stream, values.data(), data, count * sizeof(T)).ok());
    return values;
  }
};

// The first failure of launching and of waiting.
template <class Argument>
Status run(const char* name, void (*function)(Argument), Grid grid, const Argument& argument) {
  const Status launched = launch(stream, kernel_of(name, function), grid, &argument);
  const Status done = synchronise(stream);
  return launched.ok() ? done : launched;
}

template <class Argument>
bool runs(const char* name, void (*function)(Argument), Grid grid, const Argument& argument) {
  const Status status = run(name, function, grid, argument);
  return CHECK_WITH(status.ok(), status.message);
}

}  // namespace brauer::cuda
