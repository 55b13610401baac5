#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/status.h"
#include "cuda/device.h"
#include "emulation/control.h"
#include "emulation/grid.h"

// The emulated devices behind cuda/device.h. Work is enqueued and runs only when somebody waits for it, on the thread
// that waits, the streams interleaved at random as far as their order and events allow.
namespace brauer::emulation {

// What an event stands for since it was last recorded. Its address is what ThreadSanitizer orders by.
struct Mark {
  bool done = false;
  double milliseconds = 0;
};

struct Operation {
  enum class Kind { launch, copy, fill, record, wait };

  explicit Operation(Kind k) : kind(k) {}

  Kind kind;
  cuda::Kernel kernel{};
  cuda::Grid grid{};
  std::unique_ptr<char[]> bytes;  // a launch's argument; what a copy read from host memory that is not pinned
  void* to = nullptr;
  const void* from = nullptr;
  std::size_t size = 0;
  unsigned char value = 0;
  std::shared_ptr<Mark> mark;
  std::unique_ptr<char[]> enqueued;  // an address for ThreadSanitizer
};

struct Allocation {
  std::size_t bytes;
  int device;  // -1: pinned memory of the host
};

struct Device {
  cuda::DeviceInfo info;
  int threads_per_multiprocessor = 0, blocks_per_multiprocessor = 0;
  std::int64_t used = 0;
  bool lost = false;
};

struct Machine {
  std::mutex mutex;
  Settings settings;
  Random random{1};
  std::vector<Device> devices;
  std::map<const char*, Allocation> allocations;  // by address
  std::vector<cuda::Stream*> streams;
  Machine();
};

Machine& machine();  // never destroyed: nothing may run after main but what main started

std::vector<Device> make_devices();

// All of these with the mutex held.
Status check_device(int device);  // is there and not lost
Status enqueue(cuda::Stream& stream, Operation operation);
void run_until_idle(cuda::Stream& stream);
void run_something();
bool is_pinned(const void* memory, std::size_t bytes);
bool is_device_memory(const void* memory);

}  // namespace brauer::emulation

namespace brauer::cuda {

struct Stream {
  int device = 0;
  std::deque<emulation::Operation> queue;
  Status failure;  // of work that has run, until somebody synchronises
  emulation::LanePool lanes;
  void* order = nullptr;  // the thread that ThreadSanitizer takes the stream for
};

struct Event {
  int device = 0;
  std::shared_ptr<emulation::Mark> mark;
};

}  // namespace brauer::cuda
