#include <algorithm>
#include <chrono>
#include <cstring>

#include "emulation/machine.h"
#include "emulation/sanitizers.h"

namespace brauer::emulation {

namespace {

double now() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

bool is_ready(const cuda::Stream& stream) {
  if (stream.queue.empty()) return false;
  const Operation& head = stream.queue.front();
  return head.kind != Operation::Kind::wait || head.mark->done;
}

void perform(cuda::Stream& stream, Operation& operation) {
  Machine& m = machine();
  switch (operation.kind) {
    case Operation::Kind::launch:
      stream.failure =
          run_grid(operation.kernel, operation.grid, operation.bytes.get(), m.settings, m.random, stream.lanes);
      return;
    case Operation::Kind::copy:
      std::memmove(operation.to, operation.bytes ? operation.bytes.get() : operation.from, operation.size);
      return;
    case Operation::Kind::fill:
      std::memset(operation.to, operation.value, operation.size);
      return;
    case Operation::Kind::record:
      operation.mark->done = true;
      operation.mark->milliseconds = now();
      return;
    case Operation::Kind::wait:
      return;
  }
}

// The work of a stream that has failed is dropped, but its events happen.
void run_head(cuda::Stream& stream) {
  Operation operation = std::move(stream.queue.front());
  stream.queue.pop_front();
  const bool is_event = operation.kind == Operation::Kind::record || operation.kind == Operation::Kind::wait;
  const bool is_dropped = !stream.failure.ok() || machine().devices[std::size_t(stream.device)].lost;
  void* caller = current_order();
  switch_order(stream.order);
  observe(operation.enqueued.get());
  if (operation.kind == Operation::Kind::wait) observe(operation.mark.get());
  if (is_event || !is_dropped) perform(stream, operation);
  if (operation.kind == Operation::Kind::record) publish(operation.mark.get());
  operation.bytes.reset();  // in the stream's order, which has read it
  publish(&stream.order);
  switch_order(caller);
}

}  // namespace

Status enqueue(cuda::Stream& stream, Operation operation) {
  // What the caller did until now is visible to this work; what it does until the work runs is not.
  operation.enqueued = std::make_unique<char[]>(8);
  publish(operation.enqueued.get());
  stream.queue.push_back(std::move(operation));
  return {};
}

void run_something() {
  Machine& m = machine();
  std::vector<cuda::Stream*> ready;
  std::copy_if(m.streams.begin(), m.streams.end(), std::back_inserter(ready), [](auto* s) { return is_ready(*s); });
  if (!ready.empty()) run_head(*ready[std::size_t(m.random.below(std::int64_t(ready.size())))]);
}

void run_until_idle(cuda::Stream& stream) {
  // One time in two the others get nothing but what this stream waits for.
  const bool is_alone = machine().random.below(2) == 0;
  while (!stream.queue.empty()) {
    if (is_alone && is_ready(stream))
      run_head(stream);
    else
      run_something();
  }
  observe(&stream.order);
}

}  // namespace brauer::emulation
