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
  std::vector<std::uint32_t> known;  // work that happened before it, see shadow.h
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
  std::vector<std::uint32_t> known;  // by the host when it enqueued this
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

constexpr int call_count = int(Call::any) + 1;

struct PlannedFailure {
  Call call;
  std::int64_t remaining;  // 1: the next
  Code code;
};

// What a stream has while it lives, and another one after it, since the host has waited for all that the first one did:
// so work of both is ordered, and fibres, which take long to make for ThreadSanitizer, are made once.
struct Track {
  Work work;              // the latest that has run
  void* order = nullptr;  // the thread that ThreadSanitizer takes the stream for
  LanePool lanes;         // where streams may not share them
};

struct Machine {
  std::mutex mutex;
  Settings settings;
  Random random{1};
  std::vector<Device> devices;
  std::map<const char*, Allocation> allocations;  // by address
  std::vector<cuda::Stream*> streams;
  LanePool lanes;  // of all streams, where they may share them
  int track_count = 0;
  std::vector<std::unique_ptr<Track>> free_tracks;
  std::vector<std::uint32_t> known;  // work that the host has waited for
  std::int64_t events = 0;
  std::vector<PlannedFailure> planned;
  std::int64_t counts[call_count] = {};
  std::string misuse;   // of a call that returns nothing: the next synchronisation says it
  std::string problem;  // of the environment's settings
  Machine();
};

Machine& machine();  // never destroyed: nothing may run after main but what main started

std::vector<Device> make_devices(const std::vector<std::string>& names);  // none if a name is unknown
void read_environment(Machine& machine);

// All of these with the mutex held.
Status check_device(int device);           // is there and not lost
Status begin_call(Call call, int device);  // so, and no failure is planned; -1: the host
Status enqueue(cuda::Stream& stream, Operation operation);
void run_until_idle(cuda::Stream& stream);
void run_something();
bool is_registered(const void* memory);  // of a device, or pinned
void know(const cuda::Stream& stream);   // the host has waited for it

}  // namespace brauer::emulation

namespace brauer::cuda {

struct Stream {
  int device = 0;
  std::deque<emulation::Operation> queue;
  Status failure;  // of work that has run, until somebody synchronises
  std::unique_ptr<emulation::Track> track;
};

struct Event {
  int device = 0;
  std::shared_ptr<emulation::Mark> mark;
};

}  // namespace brauer::cuda
