// cuda/device.h for the emulated devices, but for memory.
#include <algorithm>
#include <cstring>

#include "emulation/arena.h"
#include "emulation/machine.h"
#include "emulation/sanitizers.h"

namespace brauer::emulation {

Machine::Machine() : devices(make_devices({"sm_80"})) {
  read_environment(*this);
  random = {settings.seed};
}

Machine& machine() {
  static auto* const instance = new Machine;
  return *instance;
}

Status check_device(int device) {
  const auto& devices = machine().devices;
  if (device < 0 || std::size_t(device) >= devices.size())
    return Status::error(Code::invalid_argument, "there is no device " + std::to_string(device));
  if (devices[std::size_t(device)].lost)
    return Status::error(Code::device_lost, "device " + std::to_string(device) + " has failed");
  return {};
}

Status begin_call(Call call, int device) {
  Machine& m = machine();
  if (device >= 0)
    if (Status status = check_device(device); !status.ok()) return status;
  m.counts[int(call)]++;
  if (call != Call::execution) m.counts[int(Call::any)]++;
  for (PlannedFailure& failure : m.planned) {
    if (failure.call != call && (failure.call != Call::any || call == Call::execution)) continue;
    if (--failure.remaining != 0) continue;
    if (failure.code == Code::device_lost && device >= 0) m.devices[std::size_t(device)].lost = true;
    return Status::error(failure.code, "a failure that a test asked for");
  }
  return {};
}

}  // namespace brauer::emulation

namespace brauer::cuda {

using namespace emulation;

namespace {

// How the work of a stream that is idle went; said once.
Status outcome(Stream& stream) {
  if (Status status = check_device(stream.device); !status.ok()) return status;
  if (!machine().misuse.empty()) return Status::error(Code::internal, std::exchange(machine().misuse, {}));
  return std::exchange(stream.failure, {});
}

}  // namespace

Probe probe() {
  const std::lock_guard lock(machine().mutex);
  Probe result{"emulated", "emulated", {}, machine().problem};
  for (const Device& device : machine().devices) result.devices.push_back({device.info, ""});
  return result;
}

namespace {

std::unique_ptr<Track> take_track() {
  Machine& m = machine();
  if (m.free_tracks.empty()) {
    auto track = std::make_unique<Track>();
    track->work.stream = m.track_count++;
    track->order = create_order();
    return track;
  }
  auto track = std::move(m.free_tracks.back());
  m.free_tracks.pop_back();
  return track;
}

}  // namespace

Status create_stream(int device, Stream*& stream) {
  const std::lock_guard lock(machine().mutex);
  stream = nullptr;
  if (Status status = begin_call(Call::create_stream, device); !status.ok()) return status;
  stream = new Stream;
  stream->device = device;
  stream->track = take_track();
  machine().streams.push_back(stream);
  return {};
}

void destroy_stream(Stream* stream) {
  if (stream == nullptr) return;
  const std::lock_guard lock(machine().mutex);
  run_until_idle(*stream);
  if (!stream->failure.ok()) machine().misuse = "a stream was destroyed with a failure: " + stream->failure.message;
  auto& streams = machine().streams;
  streams.erase(std::find(streams.begin(), streams.end(), stream));
  machine().free_tracks.push_back(std::move(stream->track));
  delete stream;
}

Status synchronise(Stream* stream) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = begin_call(Call::synchronise, stream->device); !status.ok()) return status;
  run_until_idle(*stream);
  return outcome(*stream);
}

Status create_event(int device, Event*& event) {
  const std::lock_guard lock(machine().mutex);
  event = nullptr;
  if (Status status = begin_call(Call::create_event, device); !status.ok()) return status;
  event = new Event{device, nullptr};
  machine().events++;
  return {};
}

void destroy_event(Event* event) {
  if (event == nullptr) return;
  const std::lock_guard lock(machine().mutex);
  machine().events--;
  delete event;
}

Status synchronise(Event* event) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = begin_call(Call::synchronise, event->device); !status.ok()) return status;
  if (event->mark == nullptr) return {};
  while (!event->mark->done) run_something();
  observe(event->mark.get());
  merge(machine().known, event->mark->known);
  return {};
}

Status record(Event* event, Stream* stream) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = begin_call(Call::record, stream->device); !status.ok()) return status;
  event->mark = std::make_shared<Mark>();
  Operation operation(Operation::Kind::record);
  operation.mark = event->mark;
  return enqueue(*stream, std::move(operation));
}

Status wait(Stream* stream, Event* event) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = begin_call(Call::wait, stream->device); !status.ok()) return status;
  if (event->mark == nullptr) return {};
  Operation operation(Operation::Kind::wait);
  operation.mark = event->mark;
  return enqueue(*stream, std::move(operation));
}

Status is_done(Event* event, bool& done) {
  const std::lock_guard lock(machine().mutex);
  done = false;
  if (Status status = begin_call(Call::is_done, event->device); !status.ok()) return status;
  // Whoever asks until it is done must not ask for ever.
  if (event->mark != nullptr && !event->mark->done) run_something();
  done = event->mark == nullptr || event->mark->done;
  if (done && event->mark != nullptr) {
    observe(event->mark.get());
    merge(machine().known, event->mark->known);
  }
  return {};
}

Status elapsed(Event* start, Event* stop, double& milliseconds) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = begin_call(Call::elapsed, start->device); !status.ok()) return status;
  for (const Event* event : {start, stop})
    if (event->mark == nullptr || !event->mark->done)
      return Status::error(Code::invalid_argument, "elapsed: an event that is not done");
  milliseconds = stop->mark->milliseconds - start->mark->milliseconds;
  return {};
}

Status copy(Stream* stream, void* to, const void* from, std::size_t bytes) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = begin_call(Call::copy, stream->device); !status.ok()) return status;
  Operation operation(Operation::Kind::copy);
  operation.to = to;
  operation.from = from;
  operation.size = bytes;
  for (const void* memory : {static_cast<const void*>(to), from})
    if (is_in_arena(reinterpret_cast<std::uintptr_t>(memory)) && !is_registered(memory))
      return Status::error(Code::internal, "a copy from or to memory that has been released");
  if (!is_registered(from)) {
    operation.bytes = std::make_unique<char[]>(bytes);
    std::memcpy(operation.bytes.get(), from, bytes);
  }
  if (Status status = enqueue(*stream, std::move(operation)); !status.ok()) return status;
  if (!is_registered(to)) {
    run_until_idle(*stream);
    return outcome(*stream);
  }
  return {};
}

Status fill(Stream* stream, void* to, unsigned char value, std::size_t bytes) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = begin_call(Call::fill, stream->device); !status.ok()) return status;
  Operation operation(Operation::Kind::fill);
  operation.to = to;
  operation.value = value;
  operation.size = bytes;
  return enqueue(*stream, std::move(operation));
}

Status launch(Stream* stream, const Kernel& kernel, const Grid& grid, const void* argument) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = begin_call(Call::launch, stream->device); !status.ok()) return status;
  const auto refuse = [&](const std::string& why) {
    return Status::error(Code::internal, "kernel " + std::string(kernel.name) + ": " + why);
  };
  if (grid.blocks < 1 || grid.blocks > 0x7fffffff) return refuse(std::to_string(grid.blocks) + " blocks");
  if (grid.threads < 32 || grid.threads > 1024 || grid.threads % 32 != 0)
    return refuse(std::to_string(grid.threads) + " threads, expected a multiple of 32, at most 1024");
  const std::int64_t most = machine().devices[std::size_t(stream->device)].info.shared_per_block;
  if (std::int64_t(grid.shared) > most)
    return refuse(std::to_string(grid.shared) + " bytes of shared memory, the device has " + std::to_string(most));
  Operation operation(Operation::Kind::launch);
  operation.kernel = kernel;
  operation.grid = grid;
  operation.bytes = std::make_unique<char[]>(kernel.argument_bytes);
  std::memcpy(operation.bytes.get(), argument, kernel.argument_bytes);
  return enqueue(*stream, std::move(operation));
}

Status occupancy(int device, const Kernel&, int threads, std::size_t shared, int& blocks) {
  const std::lock_guard lock(machine().mutex);
  blocks = 0;
  if (Status status = begin_call(Call::occupancy, device); !status.ok()) return status;
  const Device& d = machine().devices[std::size_t(device)];
  if (std::int64_t(shared) > d.info.shared_per_block) return {};
  // A block takes 1 KB of shared memory for the system, from 8.0 on.
  const std::int64_t each = std::int64_t(shared) + (d.info.major >= 8 ? 1024 : 0);
  const std::int64_t by_shared = each == 0 ? d.blocks_per_multiprocessor : d.info.shared_per_multiprocessor / each;
  blocks = int(std::min(
      {std::int64_t(d.blocks_per_multiprocessor), by_shared, std::int64_t(d.threads_per_multiprocessor / threads)}));
  return {};
}

}  // namespace brauer::cuda
