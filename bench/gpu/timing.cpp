#include "gpu/timing.h"

#include <algorithm>
#include <chrono>
#include <memory>

namespace brauer::gpu {
namespace {

constexpr int kWarmUps = 5, kLeastRuns = 7, kMostRuns = 400;

struct EventOf {
  explicit EventOf(int device) { check(cuda::create_event(device, event)); }
  ~EventOf() { cuda::destroy_event(event); }
  EventOf(const EventOf&) = delete;
  EventOf& operator=(const EventOf&) = delete;
  cuda::Event* event = nullptr;
};

double now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int runs_in(const Session& session, double milliseconds) {
  if (session.options.quick) return 2;
  return int(
      std::clamp(1e3 * session.options.seconds / std::max(milliseconds, 1e-3), double(kLeastRuns), double(kMostRuns)));
}

std::vector<double> between_events(const Session& session, int runs, const std::function<Status(int)>& enqueue) {
  std::vector<std::unique_ptr<EventOf>> events;
  for (int i = 0; i <= runs; i++) events.push_back(std::make_unique<EventOf>(session.options.device));
  check(cuda::record(events[0]->event, session.stream));
  for (int i = 0; i < runs; i++) {
    check(enqueue(i));
    check(cuda::record(events[std::size_t(i) + 1]->event, session.stream));
  }
  check(cuda::synchronise(session.stream));
  std::vector<double> result(static_cast<std::size_t>(runs));
  for (std::size_t i = 0; i < result.size(); i++)
    check(cuda::elapsed(events[i]->event, events[i + 1]->event, result[i]));
  return result;
}

}  // namespace

Times times_of(std::vector<double> milliseconds) {
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto at = [&](double share) {
    return milliseconds[std::size_t(share * double(milliseconds.size() - 1) + 0.5)];
  };
  return {at(0.5), at(0.25), at(0.75), int(milliseconds.size())};
}

Times time_on_device(const Session& session, const std::function<Status(int)>& enqueue) {
  const Times warm = times_of(between_events(session, session.options.quick ? 1 : kWarmUps, enqueue));
  return times_of(between_events(session, runs_in(session, warm.median), enqueue));
}

Times time_latency(const Session& session, const std::function<Status(int)>& enqueue) {
  std::vector<double> result;
  double first = 0;
  for (int run = 0, most = kWarmUps; run < most; run++) {
    const double start = now();
    check(enqueue(run));
    check(cuda::synchronise(session.stream));
    const double taken = now() - start;
    if (run == kWarmUps - 1) first = taken, most += runs_in(session, first);
    if (run >= kWarmUps) result.push_back(taken);
  }
  return times_of(result);
}

}  // namespace brauer::gpu
