#include "core/parallel.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

#include "check.h"
#include "core/linger.h"
#include "core/machine.h"

using namespace brauer;

namespace {

// Every index exactly once, in ranges of the grain.
void covers(int threads, std::int64_t count, std::int64_t grain) {
  std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
  std::atomic<bool> ranges{true};
  const auto body = [&](std::int64_t begin, std::int64_t end) -> Status {
    if (begin % grain != 0 || (end - begin != grain && end != count) || begin >= end) ranges = false;
    for (std::int64_t i = begin; i < end; i++) seen[std::size_t(i)]++;
    return {};
  };
  CHECK(parallel_for(threads, count, grain, body).ok());
  CHECK(ranges);
  CHECK(std::all_of(seen.begin(), seen.end(), [](const auto& n) { return n == 1; }));
}

// Plain writes by other threads are visible to the caller when it returns.
void results_are_visible() {
  for (int round = 0; round < 200; round++) {
    std::vector<int> values(64, 0);
    const auto body = [&](std::int64_t begin, std::int64_t end) -> Status {
      for (std::int64_t i = begin; i < end; i++) values[std::size_t(i)] = int(i) + round;
      return {};
    };
    if (!parallel_for(4, 64, 1, body).ok()) return void(CHECK(false));
    if (std::accumulate(values.begin(), values.end(), 0) != 64 * round + 64 * 63 / 2) return void(CHECK(false));
  }
  CHECK(true);
}

void first_failure_wins() {
  std::atomic<int> calls{0};
  const auto body = [&](std::int64_t begin, std::int64_t) -> Status {
    calls++;
    return begin >= 10 ? Status::error(Code::aborted, "stop") : Status{};
  };
  const Status status = parallel_for(3, 1000000, 1, body);
  CHECK(status.code == Code::aborted);
  CHECK(status.message == "stop");
  CHECK(calls < 1000);
}

void exceptions_become_statuses() {
  const auto no_memory = [](std::int64_t begin, std::int64_t) -> Status {
    if (begin == 7) throw std::bad_alloc();
    return {};
  };
  CHECK(parallel_for(2, 20, 1, no_memory).code == Code::out_of_memory);
  const auto other = [](std::int64_t begin, std::int64_t) -> Status {
    if (begin == 3) throw std::runtime_error("x");
    return {};
  };
  CHECK(parallel_for(1, 20, 1, other).code == Code::internal);
}

// Callers from several threads share the pool; each gets all of its own work and none of another's.
void several_callers() {
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; c++) {
    callers.emplace_back([&, c] {
      for (int round = 0; round < 100; round++) {
        std::atomic<std::int64_t> sum{0};
        const auto body = [&](std::int64_t begin, std::int64_t end) -> Status {
          for (std::int64_t i = begin; i < end; i++) sum += i * (c + 1);
          return {};
        };
        if (!parallel_for(3, 50, 3, body).ok() || sum != (c + 1) * 50 * 49 / 2) wrong++;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

// Two threads at least take part when there is work for both.
bool helpers_take_part() {
  std::atomic<int> inside{0};
  std::atomic<bool> met{false};
  const auto body = [&](std::int64_t, std::int64_t) -> Status {
    inside++;
    for (int i = 0; i < 2000 && !met; i++) {
      if (inside >= 2) met = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    inside--;
    return {};
  };
  return parallel_for(2, 2, 1, body).ok() && met;
}

void fall_asleep() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

// A claim costs no helper for good: one that was not woken because of it is when it ends, and nobody holds up himself.
void claims_end() {
  fall_asleep();
  std::atomic<bool> claimed{false};
  std::thread other([&] {
    claim_processor();
    claimed = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    yield_processor();
  });
  while (!claimed) std::this_thread::yield();
  CHECK(helpers_take_part());
  other.join();
  fall_asleep();
  claim_processor();
  CHECK(helpers_take_part());
  yield_processor();
  make_way();
  CHECK(helpers_take_part());
  fall_asleep();
  CHECK(helpers_take_part());
}

void lingering_ends() {
  const auto start = std::chrono::steady_clock::now();
  int looks = 0;
  CHECK(linger([&] { return ++looks == 3; }));
  CHECK(looks == 3);
  CHECK(!linger([] { return false; }));
  CHECK(std::chrono::steady_clock::now() - start >= kLinger);
}

// The thread is somewhere else at first, and free to come back.
void processors_are_left() {
#if defined(__linux__)
  if (usable_processors() < 2) return;
  cpu_set_t before, after;
  CHECK(sched_getaffinity(0, sizeof before, &before) == 0);
  int left = 0;
  for (int i = 0; i < 20; i++) {
    const int processor = current_processor();
    leave_processor(processor);
    left += current_processor() != processor;
  }
  CHECK(left >= 10);  // the system may move it at any time
  leave_processor(-1);
  leave_processor(1 << 20);
  CHECK(sched_getaffinity(0, sizeof after, &after) == 0);
  CHECK(CPU_EQUAL(&before, &after));
  // The only one that it may use.
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(current_processor()), &one);
  CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
  leave_processor(current_processor());
  CHECK(sched_getaffinity(0, sizeof after, &after) == 0 && CPU_EQUAL(&one, &after));
  CHECK(sched_setaffinity(0, sizeof before, &before) == 0);
#endif
}

}  // namespace

int main() {
  for (int threads : {1, 2, 3, 8})
    for (std::int64_t count : {0, 1, 2, 5, 64, 1000})
      for (std::int64_t grain : {1, 3, 64}) covers(threads, count, grain);
  results_are_visible();
  first_failure_wins();
  exceptions_become_statuses();
  several_callers();
  CHECK(helpers_take_part());
  claims_end();
  lingering_ends();
  processors_are_left();
  CHECK(default_threads().threads >= 1);
  return check::finish();
}
