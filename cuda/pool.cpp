#include "cuda/pool.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/cuda.h"
#include "cuda/device.h"

namespace brauer::cuda {
namespace {

constexpr int kHost = -1;
constexpr std::int64_t kUnbounded = std::int64_t(1) << 62;

using Blocks = std::map<std::size_t, std::vector<void*>>;  // by size, none of them empty

// The mutex is never held over a call to the device, which may wait for all that the device does.
struct Pool {
  std::mutex mutex;
  std::unordered_map<void*, std::size_t> taken;  // with what each has, in bytes
  Blocks kept;
  std::int64_t used = 0, kept_bytes = 0, peak = 0, limit = 0;

  Blocks drop_kept() {
    kept_bytes = 0;
    return std::exchange(kept, {});
  }
};

// Never destroyed: what is given back late, by threads that outlive main, still finds them.
Pool& pool_of(int device) {
  static auto& mutex = *new std::mutex;
  static auto& pools = *new std::map<int, Pool>;
  const std::lock_guard lock(mutex);
  return pools[device];
}

std::atomic<std::int64_t>& most_kept() {
  static std::atomic<std::int64_t> most = [] {
    const char* const text = std::getenv("BRAUER_CUDA_CACHE");
    return text == nullptr || *text == '\0' ? kUnbounded : std::int64_t(std::atoll(text));
  }();
  return most;
}

// Eight sizes for each doubling, so that much of what is given back fits what is asked for. Where nothing is kept
// memory has the size that was asked for, and whoever looks for accesses past it finds them.
std::size_t rounded(std::size_t bytes) {
  if (most_kept() == 0) return bytes;
  const std::size_t step = std::max<std::size_t>(std::bit_floor(bytes) / 8, 512);
  return (bytes + step - 1) / step * step;
}

Status obtain(int device, std::size_t bytes, void*& memory) {
  return device == kHost ? allocate_pinned(bytes, memory) : allocate(device, bytes, memory);
}
void release_to(int device, void* memory) { device == kHost ? release_pinned(memory) : release(device, memory); }

// Blocks that are no longer kept: the device has them back at the end of this, which is to be without the mutex.
struct Dropped {
  explicit Dropped(int of) : device(of) {}
  Dropped(const Dropped&) = delete;
  Dropped& operator=(const Dropped&) = delete;
  ~Dropped() {
    for (const auto& [bytes, each] : blocks)
      for (void* block : each) release_to(device, block);
  }

  int device;
  Blocks blocks;
};

Status past_limit(const Pool& pool, std::size_t bytes) {
  return Status::error(Code::out_of_memory, "cuda: expected at most " +
                                                std::to_string(std::max<std::int64_t>(pool.limit - pool.used, 0)) +
                                                " bytes, what the limit of " + std::to_string(pool.limit) +
                                                " leaves, received a need of " + std::to_string(bytes));
}

Status no_bookkeeping() {
  return Status::error(Code::out_of_memory, "cuda: expected memory for bookkeeping, received none");
}

// Counts a block of this size as used, and takes it from what is kept if there is one.
Status claim(int device, Pool& pool, std::size_t size, void*& memory) {
  Dropped dropped(device);
  const auto need = std::int64_t(size);
  const std::lock_guard lock(pool.mutex);
  if (const auto place = pool.kept.find(size); place != pool.kept.end()) {
    memory = place->second.back();
    place->second.pop_back();
    if (place->second.empty()) pool.kept.erase(place);
    pool.kept_bytes -= need;
  } else if (pool.limit > 0 && pool.used + pool.kept_bytes + need > pool.limit) {
    dropped.blocks = pool.drop_kept();
    if (pool.used + need > pool.limit) return past_limit(pool, size);
  }
  pool.used += need;
  return {};
}

Status obtain_or_drop(int device, Pool& pool, std::size_t size, void*& memory) {
  const Status status = obtain(device, size, memory);
  if (status.code != Code::out_of_memory) return status;
  {
    Dropped dropped(device);
    const std::lock_guard lock(pool.mutex);
    dropped.blocks = pool.drop_kept();
    if (dropped.blocks.empty()) return status;
  }
  return obtain(device, size, memory);
}

Status take_from(int device, std::size_t bytes, void*& memory) {
  memory = nullptr;
  if (bytes == 0) return {};
  Pool& pool = pool_of(device);
  const std::size_t size = rounded(bytes);
  Status status = claim(device, pool, size, memory);
  if (!status.ok()) return status;
  if (memory == nullptr) status = obtain_or_drop(device, pool, size, memory);
  std::unique_lock lock(pool.mutex);
  try {
    if (status.ok()) pool.taken.emplace(memory, size);
  } catch (const std::bad_alloc&) {
    status = no_bookkeeping();
  }
  if (status.ok()) {
    pool.peak = std::max(pool.peak, pool.used);
    return {};
  }
  pool.used -= std::int64_t(size);
  lock.unlock();
  if (memory != nullptr) release_to(device, std::exchange(memory, nullptr));
  return status;
}

// False where there is no memory to note it.
bool keep(Pool& pool, std::size_t size, void* memory) {
  const auto place = pool.kept.find(size);
  try {
    if (place != pool.kept.end())
      place->second.push_back(memory);
    else
      pool.kept.emplace(size, std::vector<void*>{memory});
  } catch (const std::bad_alloc&) {
    return false;
  }
  pool.kept_bytes += std::int64_t(size);
  return true;
}

void give_to(int device, void* memory) {
  if (memory == nullptr) return;
  Pool& pool = pool_of(device);
  {
    const std::lock_guard lock(pool.mutex);
    const auto place = pool.taken.find(memory);
    if (place == pool.taken.end()) return;
    const std::size_t size = place->second;
    pool.taken.erase(place);
    pool.used -= std::int64_t(size);
    if (pool.kept_bytes + std::int64_t(size) <= most_kept() && keep(pool, size, memory)) return;
  }
  release_to(device, memory);
}

}  // namespace

Status take(int device, std::size_t bytes, void*& memory) { return take_from(device, bytes, memory); }
void give(int device, void* memory) { give_to(device, memory); }
Status take_pinned(std::size_t bytes, void*& memory) { return take_from(kHost, bytes, memory); }
void give_pinned(void* memory) { give_to(kHost, memory); }

std::int64_t available(int device) {
  Pool& pool = pool_of(device);
  const std::lock_guard lock(pool.mutex);
  return pool.limit == 0 ? kUnbounded : std::max<std::int64_t>(pool.limit - pool.used, 0);
}

Status memory_use(int device, MemoryUse& use) noexcept {
  try {
    use = {};
    const Status status = free_memory(device, use.free, use.total);
    if (!status.ok()) return status;
    Pool& pool = pool_of(device);
    const std::lock_guard lock(pool.mutex);
    use.used = pool.used, use.kept = pool.kept_bytes, use.peak = pool.peak, use.limit = pool.limit;
    return {};
  } catch (const std::bad_alloc&) {
    return no_bookkeeping();
  }
}

void limit_memory(int device, std::int64_t bytes) {
  Pool& pool = pool_of(device);
  Dropped dropped(device);
  const std::lock_guard lock(pool.mutex);
  pool.limit = bytes;
  if (bytes > 0 && pool.used + pool.kept_bytes > bytes) dropped.blocks = pool.drop_kept();
}

void keep_memory(std::int64_t bytes) { most_kept() = bytes; }

void drop_memory(int device) {
  for (const int each : {device, kHost}) {
    Pool& pool = pool_of(each);
    Dropped dropped(each);
    const std::lock_guard lock(pool.mutex);
    dropped.blocks = pool.drop_kept();
  }
}

}  // namespace brauer::cuda
