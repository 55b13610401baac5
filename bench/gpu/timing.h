#pragma once

#include <functional>

#include "gpu/session.h"

namespace brauer::gpu {

// Milliseconds: the median and the quartiles of `runs` runs.
struct Times {
  double median, low, high;
  int runs;
};
Times times_of(std::vector<double> milliseconds);

// Enqueues something on the session's stream; `run` counts the calls, to rotate among buffers. Timed by events between
// the runs, after some to warm up: all are enqueued before the first is waited for.
Times time_on_device(const Session& session, const std::function<Status(int run)>& enqueue);

// Enqueueing and waiting, by the host's clock.
Times time_latency(const Session& session, const std::function<Status(int run)>& enqueue);

}  // namespace brauer::gpu
