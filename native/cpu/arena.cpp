#include "cpu/arena.h"

#include <cstdint>
#include <new>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#define BRAUER_MMAP
#endif

namespace brauer {
namespace {

constexpr std::align_val_t kAlignment{64};
// Larger requests are mapped: their pages cost nothing until they are touched. Huge pages where the system has them:
// what exceeds the second-level cache is mostly read across its rows.
constexpr std::size_t kMapFrom = 1 << 20, kHugePage = 2 << 20;
constexpr double kMost = 1ull << 47;

#if defined(BRAUER_MMAP)
// Room for `size` bytes, from a multiple of a huge page on; size, a multiple of it, is what it maps.
void* map_pages(std::size_t& size) {
#if defined(MADV_HUGEPAGE)
  size = (size + kHugePage - 1) / kHugePage * kHugePage;
  const std::size_t all = size + kHugePage;
#else
  const std::size_t all = size;
#endif
  void* const pages = mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
#if defined(MADV_HUGEPAGE)
  char* const start = static_cast<char*>(pages);
  const std::size_t before = (kHugePage - reinterpret_cast<std::uintptr_t>(start) % kHugePage) % kHugePage;
  if (before > 0) munmap(start, before);
  munmap(start + before + size, kHugePage - before);
  madvise(start + before, size, MADV_HUGEPAGE);  // a wish: small pages are right too
  return start + before;
#else
  return pages;
#endif
}
#endif

}  // namespace

void* Arena::reserve(double bytes) noexcept {
  if (bytes <= double(size_)) return memory_;
  if (bytes > kMost) return nullptr;
  release();
  auto size = std::size_t(bytes);  // exact, so that AddressSanitizer sees what runs past it
#if defined(BRAUER_MMAP)
  if (size >= kMapFrom) {
    memory_ = map_pages(size);
    if (memory_) size_ = size, mapped_ = true;
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
