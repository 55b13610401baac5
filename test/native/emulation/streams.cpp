#include <algorithm>
#include <chrono>
#include <cstring>

#include "emulation/accesses.h"
#include "emulation/machine.h"
#include "emulation/sanitizers.h"

namespace brauer::emulation {

namespace {

double now() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

// What whoever waits for all that the stream has done knows.
std::vector<std::uint32_t> known_after(const cuda::Stream& stream) {
  auto known = stream.track->work.known;
  const auto own = std::size_t(stream.track->work.stream);
  if (known.size() <= own) known.resize(own + 1, 0);
  known[own] = stream.track->work.number;
  return known;
}

bool is_ready(const cuda::Stream& stream) {
  if (stream.queue.empty()) return false;
  const Operation& head = stream.queue.front();
  return head.kind != Operation::Kind::wait || head.mark->done;
}

Status fault(const Text& what) {
  return what.empty() ? Status{} : Status::error(Code::internal, "a stream makes " + std::string(what.view()));
}

Status perform(cuda::Stream& stream, Operation& operation) {
  Machine& m = machine();
  const auto check = [&](const void* memory, bool write) {
    return m.settings.check
               ? fault(check_stream_access(stream.track->work, stream.device, memory, operation.size, write))
               : Status{};
  };
  switch (operation.kind) {
    case Operation::Kind::launch: {
      if (Status status = begin_call(Call::execution, stream.device); !status.ok()) return status;
      LanePool& lanes = finds_races ? stream.track->lanes : m.lanes;
      Run run{operation.kernel,
              operation.grid,
              operation.bytes.get(),
              m.settings,
              m.random,
              stream.track->work,
              stream.device,
              lanes,
              {},
              {}};
      return run_grid(run);
    }
    case Operation::Kind::copy: {
      const void* from = operation.bytes ? operation.bytes.get() : operation.from;
      if (Status status = check(from, false); !status.ok()) return status;
      if (Status status = check(operation.to, true); !status.ok()) return status;
      std::memmove(operation.to, from, operation.size);
      return {};
    }
    case Operation::Kind::fill:
      if (Status status = check(operation.to, true); !status.ok()) return status;
      std::memset(operation.to, operation.value, operation.size);
      return {};
    case Operation::Kind::record: {
      Mark& mark = *operation.mark;
      mark.done = true;
      mark.milliseconds = now();
      mark.known = known_after(stream);
      return {};
    }
    case Operation::Kind::wait:
      merge(stream.track->work.known, operation.mark->known);
      return {};
  }
  return {};
}

// The work of a stream that has failed is dropped, but its events happen.
void run_head(cuda::Stream& stream) {
  Operation operation = std::move(stream.queue.front());
  stream.queue.pop_front();
  const bool is_event = operation.kind == Operation::Kind::record || operation.kind == Operation::Kind::wait;
  const bool is_dropped = !stream.failure.ok() || machine().devices[std::size_t(stream.device)].lost;
  void* caller = current_order();
  switch_order(stream.track->order);
  observe(operation.enqueued.get());
  if (operation.kind == Operation::Kind::wait) observe(operation.mark.get());
  merge(stream.track->work.known, operation.known);
  stream.track->work.number++;
  std::fill(std::begin(stream.track->work.settled), std::end(stream.track->work.settled), 0u);
  if (is_event)
    (void)perform(stream, operation);
  else if (!is_dropped)
    stream.failure = perform(stream, operation);
  if (operation.kind == Operation::Kind::record) publish(operation.mark.get());
  // In the stream's order, which has read and written them.
  operation.bytes.reset();
  operation.mark.reset();
  publish(&stream.track->order);
  switch_order(caller);
}

}  // namespace

Status enqueue(cuda::Stream& stream, Operation operation) {
  // What the caller did until now is visible to this work; what it does until the work runs is not.
  operation.known = machine().known;
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
  observe(&stream.track->order);
  know(stream);
}

void know(const cuda::Stream& stream) { merge(machine().known, known_after(stream)); }

}  // namespace brauer::emulation
