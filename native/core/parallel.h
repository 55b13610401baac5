#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "core/status.h"

namespace brauer {

// The default number of threads: BRAUER_NUM_THREADS, else the processors this process may use (affinity, and the CPU
// quota of its control group, rounded up). `error` is set when the variable is no integer from 1 to 1024.
struct ThreadCount {
  int threads;
  std::string error;
};
const ThreadCount& default_threads();

// Work over [0, count), claimed by the calling thread and by up to threads − 1 others in ranges of `grain`.
struct Work {
  const void* context;
  // Called with contiguous ranges, from several threads at once. What it throws becomes a status.
  Status (*run)(const void* context, std::int64_t begin, std::int64_t end);
};

// Returns when all of [0, count) is done, or, after the first failure, when every thread has left. Several callers at
// once share one pool of threads; the pool is made on first use and never destroyed (its threads outlive static
// destructors).
Status parallel_for(int threads, std::int64_t count, std::int64_t grain, const Work& work) noexcept;

// The same with any callable `Status(begin, end)`.
template <class F>
Status parallel_for(int threads, std::int64_t count, std::int64_t grain, const F& body) noexcept {
  return parallel_for(threads, count, grain, Work{&body, [](const void* context, std::int64_t begin, std::int64_t end) {
                                                    return (*static_cast<const F*>(context))(begin, end);
                                                  }});
}

// Hints about threads that share the processors with the workers; wrong ones cost time and nothing else.
//
// A thread that goes on with work of its own, an event loop for instance, claims its processor until it has done that:
// workers that sleep are woken for the other processors only, and for this one when it is yielded.
void claim_processor() noexcept;
void yield_processor() noexcept;
// The caller's results are complete and another thread goes on with them: no worker looks for more work on a processor
// that one of these two could have.
void make_way() noexcept;

}  // namespace brauer
