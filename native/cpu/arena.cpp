#include "cpu/arena.h"

#include <new>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#define BRAUER_MMAP
#endif

namespace brauer {
namespace {

constexpr std::align_val_t kAlignment{64};
// Larger requests are mapped: their pages cost nothing until they are touched.
constexpr std::size_t kMapFrom = 1 << 20;
constexpr double kMost = 1ull << 47;

}  // namespace

void* Arena::reserve(double bytes) noexcept {
  if (bytes <= double(size_)) return memory_;
  if (bytes > kMost) return nullptr;
  release();
  const auto size = std::size_t(bytes);  // exact, so that AddressSanitizer sees what runs past it
#if defined(BRAUER_MMAP)
  if (size >= kMapFrom) {
    void* pages = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (pages == MAP_FAILED) return nullptr;
    memory_ = pages, size_ = size, mapped_ = true;
    return memory_;
  }
#endif
  memory_ = ::operator new(size, kAlignment, std::nothrow);
  size_ = memory_ ? size : 0;
  mapped_ = false;
  return memory_;
}

void Arena::release() noexcept {
#if defined(BRAUER_MMAP)
  if (mapped_) munmap(memory_, size_);
#endif
  if (!mapped_) ::operator delete(memory_, kAlignment);
  memory_ = nullptr, size_ = 0, mapped_ = false;
}

}  // namespace brauer
