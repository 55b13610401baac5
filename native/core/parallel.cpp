#include "core/parallel.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "core/linger.h"
#include "core/machine.h"

namespace brauer {
namespace {

constexpr int kMostThreads = 1024;

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

thread_local bool claims = false;  // the calling thread has claimed its processor

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
    others_.store(claims ? 0 : 1, std::memory_order_relaxed);
    caller_.store(current_processor(), std::memory_order_relaxed);
    const int helpers = job.wanted;  // workers count it down from the moment the job is listed
    reserve(helpers);
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back(&job);
      epoch_.fetch_add(1, std::memory_order_release);
    }
    const int claimed = claimed_.load(std::memory_order_relaxed) - (claims ? 1 : 0);
    wake(claimed > 0 ? std::min(helpers, processors_ - 1 - claimed) : helpers);
    job.claim();
    {
      std::lock_guard lock(mutex_);
      if (job.wanted > 0) jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
    }
    linger([&] { return job.active.load(std::memory_order_acquire) == 0; });
    // Also taken when `active` is already 0: the last worker still holds the mutex while it says so.
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return job.active.load(std::memory_order_relaxed) == 0; });
  }

  void claim() noexcept { claimed_.fetch_add(1, std::memory_order_relaxed); }

  void yield() noexcept {
    claimed_.fetch_sub(1, std::memory_order_relaxed);
    std::unique_lock lock(mutex_);
    const int wanted = jobs_.empty() ? 0 : jobs_.front()->wanted;
    lock.unlock();
    wake(wanted);
  }

  void make_way() noexcept { others_.store(2, std::memory_order_relaxed); }

 private:
  void wake(int workers) {
    if (workers > 1) return wake_.notify_all();
    if (workers == 1) wake_.notify_one();
  }

  // Not yet asleep, a worker begins within a microsecond.
  void look(std::unique_lock<std::mutex>& lock) {
    if (looking_.load(std::memory_order_relaxed) >= spare()) return;
    const unsigned epoch = epoch_.load(std::memory_order_relaxed);
    looking_.fetch_add(1, std::memory_order_relaxed);
    lock.unlock();
    linger([&] {
      return epoch_.load(std::memory_order_acquire) != epoch || looking_.load(std::memory_order_relaxed) > spare();
    });
    lock.lock();
    looking_.fetch_sub(1, std::memory_order_relaxed);
  }

  // A worker on the caller's processor works only while the caller does not.
  void keep_apart(std::unique_lock<std::mutex>& lock) {
    const int here = current_processor();
    if (here < 0 || here != caller_.load(std::memory_order_relaxed)) return;
    lock.unlock();
    leave_processor(here);
    lock.lock();
  }

  // Processors for workers that look: the others have something to do.
  int spare() const {
    return processors_ - others_.load(std::memory_order_relaxed) - claimed_.load(std::memory_order_relaxed);
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      while (jobs_.empty()) {
        look(lock);
        if (!jobs_.empty()) break;
        wake_.wait(lock);
        // Also one that comes too late: the next caller needs it elsewhere.
        keep_apart(lock);
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
  std::atomic<int> looking_{0};  // workers
  std::atomic<int> others_{1};   // the caller, unless it claims; after `make_way` its reader too
  std::atomic<int> claimed_{0};  // threads that claim
  std::atomic<int> caller_{-1};  // the processor on which the last caller was
  const int processors_ = usable_processors();
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

void claim_processor() noexcept {
  claims = true;
  pool().claim();
}

void yield_processor() noexcept {
  claims = false;
  pool().yield();
}

void make_way() noexcept { pool().make_way(); }

}  // namespace brauer
