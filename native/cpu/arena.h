#pragma once

#include <cstddef>

namespace brauer {

// Memory that grows and is kept: one per thread and purpose, so that a second run allocates nothing. Contents are
// undefined.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { release(); }

  // At least `bytes` bytes, aligned to 64. Null where the system has no more.
  void* reserve(double bytes) noexcept;

 private:
  void release() noexcept;

  void* memory_ = nullptr;
  std::size_t size_ = 0;
  bool mapped_ = false;
};

}  // namespace brauer
