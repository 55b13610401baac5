#include "core/parallel.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "core/machine.h"

namespace brauer {
namespace {

constexpr int kMostThreads = 1024;
// How long an idle worker and a waiting caller look before they sleep: long enough for the next step of one run, far
// below the time that a sleeping thread needs to wake.
constexpr int kSpins = 4000;

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
  asm volatile("yield");
#endif
}

Status guarded(const Work& work, std::int64_t begin, std::int64_t end) noexcept {
  try {
    return work.run(work.context, begin, end);
  } catch (const std::bad_alloc&) {
    return {Code::out_of_memory, {}};
  } catch (...) {
    return {Code::internal, {}};
  }
}

// Lives on the caller's stack. `wanted` and `active` are guarded by the pool's mutex, except that the caller polls
// `active`.
struct Job {
  const Work& work;
  std::int64_t count, grain;
  int wanted;
  std::atomic<int> active{0};
  std::atomic<std::int64_t> next{0};
  std::atomic<bool> failed{false};
  Status status;

  void claim() {
    for (;;) {
      const std::int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= count) return;
      Status result = guarded(work, begin, std::min(count - begin, grain) + begin);
      if (result.ok()) continue;
      next.store(count, std::memory_order_relaxed);
      if (!failed.exchange(true)) status = std::move(result);
    }
  }
};

class Pool {
 public:
  // Starts threads up to `threads` in all; fewer are a slower run and no failure.
  void reserve(int threads) noexcept {
    if (started_.load(std::memory_order_relaxed) >= threads) return;
    std::lock_guard lock(mutex_);
    while (started_.load(std::memory_order_relaxed) < threads) {
      try {
        std::thread([this] { serve(); }).detach();
      } catch (...) {
        return;
      }
      started_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  void run(Job& job) {
    const int helpers = job.wanted;  // workers count it down from the moment the job is listed
    reserve(helpers);
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back(&job);
      epoch_.fetch_add(1, std::memory_order_release);
    }
    if (helpers > 1)
      wake_.notify_all();
    else
      wake_.notify_one();
    job.claim();
    {
      std::lock_guard lock(mutex_);
      if (job.wanted > 0) jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
    }
    for (int i = 0; i < kSpins && job.active.load(std::memory_order_acquire) > 0; i++) pause();
    // Also taken when `active` is already 0: the last worker still holds the mutex while it says so.
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return job.active.load(std::memory_order_relaxed) == 0; });
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      while (jobs_.empty()) {
        const unsigned epoch = epoch_.load(std::memory_order_relaxed);
        lock.unlock();
        bool found = false;
        for (int i = 0; i < kSpins && !found; i++) {
          pause();
          found = epoch_.load(std::memory_order_acquire) != epoch;
        }
        lock.lock();
        if (!found) wake_.wait(lock, [&] { return !jobs_.empty(); });
      }
      Job& job = *jobs_.front();
      if (--job.wanted == 0) jobs_.erase(jobs_.begin());
      job.active.fetch_add(1, std::memory_order_relaxed);
      lock.unlock();
      job.claim();
      lock.lock();
      if (job.active.fetch_sub(1, std::memory_order_release) == 1) done_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<Job*> jobs_;  // those that want more workers
  std::atomic<unsigned> epoch_{0};
  std::atomic<int> started_{0};
};

Pool& pool() {
  static Pool* instance = new Pool;  // leaked: worker threads use it until the process ends
  return *instance;
}

}  // namespace

const ThreadCount& default_threads() {
  static const ThreadCount count = [] {
    const char* text = std::getenv("BRAUER_NUM_THREADS");
    if (!text || !*text) return ThreadCount{usable_processors(), {}};
    char* end = nullptr;
    const long value = std::strtol(text, &end, 10);
    if (*end == 0 && value >= 1 && value <= kMostThreads) return ThreadCount{int(value), {}};
    return ThreadCount{1,
                       "BRAUER_NUM_THREADS: expected an integer from 1 to 1024, received '" + std::string(text) + "'"};
  }();
  return count;
}

Status parallel_for(int threads, std::int64_t count, std::int64_t grain, const Work& work) noexcept {
  if (count <= 0) return {};
  const std::int64_t ranges = (count - 1) / grain + 1;
  const int helpers = int(std::min<std::int64_t>(std::min(threads, kMostThreads), ranges)) - 1;
  Job job{.work = work, .count = count, .grain = grain, .wanted = helpers, .status = {}};
  if (helpers <= 0) {
    job.claim();
    return std::move(job.status);
  }
  try {
    pool().run(job);
  } catch (...) {
    return {Code::out_of_memory, {}};
  }
  return std::move(job.status);
}

}  // namespace brauer
