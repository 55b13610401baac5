#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/backend.h"
#include "core/cuda.h"

// Runs programs off the event loop, on threads of our own: libuv's four are shared with files and DNS. No Node-API
// here.
namespace brauer::bindings {

class Outbox;

// One asynchronous run. `status` is written by the thread that runs it and read once the job is taken from its outbox.
struct Job {
  std::uint64_t id = 0;
  std::shared_ptr<const Executable> executable;  // kept although its handle may be disposed of meanwhile
  std::int64_t batch = 0;
  std::vector<void*> operands;
  std::vector<std::shared_ptr<const cuda::DeviceArray>> arrays;  // of the operands, kept although disposed of meanwhile
  std::unique_ptr<bool[]> resident;                              // by operand; null where none lies on a device
  int threads = 0;
  int processor = -1;  // where it was submitted, and when
  std::chrono::steady_clock::time_point since;
  std::shared_ptr<Outbox> outbox;
  std::atomic<bool> cancelled{false};
  Status status;
  std::shared_ptr<Job> next;  // in an outbox: a list through the jobs, so that finishing one needs no memory
};

// Where the finished jobs of one environment wait for its event loop. Guarded by the runner's mutex.
class Outbox {
 public:
  explicit Outbox(std::function<void()> notify) : notify_(std::move(notify)) {}

  std::atomic<bool> busy{false};  // the environment's thread goes on with something else

 private:
  friend class Runner;
  std::function<void()> notify_;  // not once `close` is done: what it notifies may be gone then
  std::shared_ptr<Job> first_;
  Job* last_ = nullptr;
  bool closed_ = false;
};

class Runner {
 public:
  // One per process and never destroyed: its threads outlive every environment, and they still run during exit().
  static Runner& get();

  // The job reaches its outbox exactly once, unless the outbox is closed before.
  Status submit(const std::shared_ptr<Job>& job);
  // A job that waits finishes at once, one that runs at its executor's next look at the flag.
  void cancel(const std::shared_ptr<Job>& job);
  // The finished jobs, oldest first, linked by `next`.
  std::shared_ptr<Job> collect(Outbox& outbox);
  // Drops the jobs that wait, cancels those that run, and returns when none of them touches its operands any more.
  void close(Outbox& outbox);

 private:
  // Each thread hands its run to the core's pool and takes part in it. Several, so that one long run does not hold up
  // another environment's short one; few, because together they compete for the same cores.
  static constexpr int kMostThreads = 4;

  void loop(int thread);
  void await_job(std::unique_lock<std::mutex>& lock, bool look);
  // Whether the outbox's owner has to be told.
  static bool post(const std::shared_ptr<Job>& job);

  std::mutex mutex_;
  std::condition_variable work_, left_;
  std::deque<std::shared_ptr<Job>> waiting_;
  std::atomic<unsigned> submitted_{0};
  std::array<std::shared_ptr<Job>, kMostThreads> running_;
  int threads_ = 0, idle_ = 0;
  std::chrono::steady_clock::time_point last_;  // when a job ended
  bool looking_ = false;                        // one of the idle threads has not gone to sleep yet
};

}  // namespace brauer::bindings
