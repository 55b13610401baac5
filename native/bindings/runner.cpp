#include "bindings/runner.h"

#include <algorithm>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "core/linger.h"
#include "core/machine.h"
#include "core/parallel.h"

namespace brauer::bindings {
namespace {

using Clock = std::chrono::steady_clock;
// A thread that takes longer to its job, on the very processor where it was submitted, has waited for the submitter.
constexpr std::chrono::microseconds kPrompt(15);
// Jobs that follow each other so closely are one stream. A single one is sooner done in the way than somewhere else.
constexpr std::chrono::microseconds kStream(200);

bool stands_in_the_way(const Job& job, Clock::time_point last) {
  if (job.processor != current_processor() || job.since - last > kStream) return false;
  return job.outbox->busy.load(std::memory_order_relaxed) || Clock::now() - job.since > kPrompt;
}

Status execute(const Job& job) noexcept {
  try {
    return job.resident
               ? job.executable->run_resident(job.batch, job.operands.data(), job.resident.get(), &job.cancelled)
               : job.executable->run(job.batch, job.operands.data(), job.threads, &job.cancelled);
  } catch (const std::bad_alloc&) {
    return {Code::out_of_memory, "out of memory"};  // short enough to need no memory itself
  } catch (...) {
    return {Code::internal, "internal"};
  }
}

}  // namespace

Runner& Runner::get() {
  static Runner* const runner = new Runner;
  return *runner;
}

Status Runner::submit(const std::shared_ptr<Job>& job) {
  job->processor = current_processor();
  job->since = Clock::now();
  std::unique_lock lock(mutex_);
  waiting_.push_back(job);
  submitted_.fetch_add(1, std::memory_order_release);
  // A thread that was woken and has not taken its job yet still counts as idle, and its job as waiting.
  if (static_cast<std::size_t>(idle_) < waiting_.size() && threads_ < kMostThreads) {
    try {
      std::thread([this, thread = threads_] { loop(thread); }).detach();
      ++threads_;
    } catch (const std::system_error& error) {
      if (threads_ == 0) {
        waiting_.pop_back();
        return Status::error(Code::out_of_memory,
                             std::string("run: expected a thread to run on, received: ") + error.what());
      }
    }
  }
  const bool seen = looking_ && waiting_.size() == 1;
  lock.unlock();
  if (!seen) work_.notify_one();
  return {};
}

void Runner::await_job(std::unique_lock<std::mutex>& lock, bool look) {
  ++idle_;
  if (look && waiting_.empty() && !looking_) {
    looking_ = true;
    const unsigned before = submitted_.load(std::memory_order_relaxed);
    lock.unlock();
    linger([&] { return submitted_.load(std::memory_order_acquire) != before; });
    lock.lock();
    looking_ = false;
  }
  work_.wait(lock, [this] { return !waiting_.empty(); });
  --idle_;
}

void Runner::loop(int thread) {
  const bool spare = usable_processors() > 1;  // one to look beside the event loop's
  std::unique_lock lock(mutex_);
  for (bool first = true;; first = false) {
    await_job(lock, spare && !first);
    std::shared_ptr<Job> job = std::move(waiting_.front());
    waiting_.pop_front();
    running_[thread] = job;
    const Clock::time_point last = last_;
    lock.unlock();
    if (stands_in_the_way(*job, last)) leave_processor(job->processor);
    job->status = execute(*job);
    // Whoever hears of the end may count the memory of the device, or need it.
    job->arrays.clear();
    make_way();
    lock.lock();
    const bool tell = post(job);
    lock.unlock();
    // Not under the lock, which the thread that this wakes takes at once. `close` waits for the thread of a listed job.
    if (tell) job->outbox->notify_();
    lock.lock();
    last_ = Clock::now();
    running_[thread].reset();
    left_.notify_all();
    // The last reference may free an executable: not under the lock that every environment's calls take.
    lock.unlock();
    job.reset();
    lock.lock();
  }
}

bool Runner::post(const std::shared_ptr<Job>& job) {
  Outbox& outbox = *job->outbox;
  if (outbox.closed_) return false;
  const bool empty = outbox.first_ == nullptr;
  (empty ? outbox.first_ : outbox.last_->next) = job;
  outbox.last_ = job.get();
  return empty;
}

void Runner::cancel(const std::shared_ptr<Job>& job) {
  std::unique_lock lock(mutex_);
  job->cancelled = true;
  const auto place = std::find(waiting_.begin(), waiting_.end(), job);
  if (place == waiting_.end()) return;
  waiting_.erase(place);
  job->status = Status::error(Code::aborted, "run: expected to start, received a cancellation");
  const bool tell = post(job);
  lock.unlock();
  // On the environment's own thread, which also closes the outbox.
  if (tell) job->outbox->notify_();
}

std::shared_ptr<Job> Runner::collect(Outbox& outbox) {
  const std::lock_guard lock(mutex_);
  return std::exchange(outbox.first_, nullptr);
}

void Runner::close(Outbox& outbox) {
  std::unique_lock lock(mutex_);
  outbox.closed_ = true;
  const auto ours = [&](const std::shared_ptr<Job>& job) { return job && job->outbox.get() == &outbox; };
  std::erase_if(waiting_, ours);
  for (const auto& job : running_) {
    if (ours(job)) job->cancelled = true;
  }
  left_.wait(lock, [&] { return std::none_of(running_.begin(), running_.end(), ours); });
  // Unlinked one by one: freeing a long list from its head would recurse.
  while (outbox.first_) outbox.first_ = std::exchange(outbox.first_->next, nullptr);
}

}  // namespace brauer::bindings
