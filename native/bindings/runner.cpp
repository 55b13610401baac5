#include "bindings/runner.h"

#include <algorithm>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace brauer::bindings {
namespace {

Status execute(const Job& job) noexcept {
  try {
    return job.executable->run(job.batch, job.operands.data(), job.threads, &job.cancelled);
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
  const std::lock_guard lock(mutex_);
  waiting_.push_back(job);
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
  work_.notify_one();
  return {};
}

void Runner::loop(int thread) {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    work_.wait(lock, [this] { return !waiting_.empty(); });
    --idle_;
    std::shared_ptr<Job> job = std::move(waiting_.front());
    waiting_.pop_front();
    running_[thread] = job;
    lock.unlock();
    job->status = execute(*job);
    lock.lock();
    running_[thread].reset();
    finish(job);
    // The last reference may free an executable: not under the lock that every environment's calls take.
    lock.unlock();
    job.reset();
    lock.lock();
  }
}

void Runner::finish(const std::shared_ptr<Job>& job) {
  left_.notify_all();
  Outbox& outbox = *job->outbox;
  if (outbox.closed_) return;
  (outbox.first_ ? outbox.last_->next : outbox.first_) = job;
  outbox.last_ = job.get();
  outbox.notify_();
}

void Runner::cancel(const std::shared_ptr<Job>& job) {
  const std::lock_guard lock(mutex_);
  job->cancelled = true;
  const auto place = std::find(waiting_.begin(), waiting_.end(), job);
  if (place == waiting_.end()) return;
  waiting_.erase(place);
  job->status = Status::error(Code::aborted, "run: expected to start, received a cancellation");
  finish(job);
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
