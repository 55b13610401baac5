// cuda/device.h for the emulated devices, but for memory.
#include <algorithm>
#include <cstring>

#include "emulation/machine.h"
#include "emulation/sanitizers.h"

namespace brauer::emulation {

Machine::Machine() : random{settings.seed}, devices(make_devices()) {}

Machine& machine() {
  static auto* const instance = new Machine;
  return *instance;
}

Settings settings() {
  const std::lock_guard lock(machine().mutex);
  return machine().settings;
}

void configure(const Settings& settings) {
  const std::lock_guard lock(machine().mutex);
  machine().settings = settings;
  machine().random = {settings.seed};
}

Status check_device(int device) {
  const auto& devices = machine().devices;
  if (device < 0 || std::size_t(device) >= devices.size())
    return Status::error(Code::invalid_argument, "there is no device " + std::to_string(device));
  if (devices[std::size_t(device)].lost)
    return Status::error(Code::device_lost, "device " + std::to_string(device) + " has failed");
  return {};
}

}  // namespace brauer::emulation

namespace brauer::cuda {

using namespace emulation;

Probe probe() {
  const std::lock_guard lock(machine().mutex);
  Probe result{"emulated", "emulated", {}, ""};
  for (const Device& device : machine().devices) result.devices.push_back({device.info, ""});
  if (result.devices.empty()) result.problem = "no emulated device";
  return result;
}

Status create_stream(int device, Stream*& stream) {
  const std::lock_guard lock(machine().mutex);
  stream = nullptr;
  if (Status status = check_device(device); !status.ok()) return status;
  stream = new Stream;
  stream->device = device;
  stream->order = create_order();
  machine().streams.push_back(stream);
  return {};
}

void destroy_stream(Stream* stream) {
  if (stream == nullptr) return;
  const std::lock_guard lock(machine().mutex);
  run_until_idle(*stream);
  auto& streams = machine().streams;
  streams.erase(std::find(streams.begin(), streams.end(), stream));
  destroy_order(stream->order);
  delete stream;
}

Status synchronise(Stream* stream) {
  const std::lock_guard lock(machine().mutex);
  run_until_idle(*stream);
  if (Status status = check_device(stream->device); !status.ok()) return status;
  return std::exchange(stream->failure, {});
}

Status create_event(int device, Event*& event) {
  const std::lock_guard lock(machine().mutex);
  event = nullptr;
  if (Status status = check_device(device); !status.ok()) return status;
  event = new Event{device, nullptr};
  return {};
}

void destroy_event(Event* event) { delete event; }

Status record(Event* event, Stream* stream) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = check_device(stream->device); !status.ok()) return status;
  event->mark = std::make_shared<Mark>();
  Operation operation(Operation::Kind::record);
  operation.mark = event->mark;
  return enqueue(*stream, std::move(operation));
}

Status wait(Stream* stream, Event* event) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = check_device(stream->device); !status.ok()) return status;
  if (event->mark == nullptr) return {};
  Operation operation(Operation::Kind::wait);
  operation.mark = event->mark;
  return enqueue(*stream, std::move(operation));
}

Status is_done(Event* event, bool& done) {
  const std::lock_guard lock(machine().mutex);
  done = false;
  if (Status status = check_device(event->device); !status.ok()) return status;
  // Whoever asks until it is done must not ask for ever.
  if (event->mark != nullptr && !event->mark->done) run_something();
  done = event->mark == nullptr || event->mark->done;
  if (done && event->mark != nullptr) observe(event->mark.get());
  return {};
}

Status elapsed(Event* start, Event* stop, double& milliseconds) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = check_device(start->device); !status.ok()) return status;
  for (const Event* event : {start, stop})
    if (event->mark == nullptr || !event->mark->done)
      return Status::error(Code::invalid_argument, "elapsed: an event that is not done");
  milliseconds = stop->mark->milliseconds - start->mark->milliseconds;
  return {};
}

Status copy(Stream* stream, void* to, const void* from, std::size_t bytes) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = check_device(stream->device); !status.ok()) return status;
  Operation operation(Operation::Kind::copy);
  operation.to = to;
  operation.from = from;
  operation.size = bytes;
  if (!is_device_memory(from) && !is_pinned(from, bytes)) {
    operation.bytes = std::make_unique<char[]>(bytes);
    std::memcpy(operation.bytes.get(), from, bytes);
  }
  if (Status status = enqueue(*stream, std::move(operation)); !status.ok()) return status;
  if (!is_device_memory(to) && !is_pinned(to, bytes)) {
    run_until_idle(*stream);
    return std::exchange(stream->failure, {});
  }
  return {};
}

Status fill(Stream* stream, void* to, unsigned char value, std::size_t bytes) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = check_device(stream->device); !status.ok()) return status;
  Operation operation(Operation::Kind::fill);
  operation.to = to;
  operation.value = value;
  operation.size = bytes;
  return enqueue(*stream, std::move(operation));
}

Status launch(Stream* stream, const Kernel& kernel, const Grid& grid, const void* argument) {
  const std::lock_guard lock(machine().mutex);
  if (Status status = check_device(stream->device); !status.ok()) return status;
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
  if (Status status = check_device(device); !status.ok()) return status;
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
