#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/status.h"

// What tests ask of the emulated devices. A process that cannot call this says it in the environment, where every key
// may be left out:
//   BRAUER_EMULATION="devices=sm_80,sm_90 memory=67108864 seed=3 poison=59 landing=earliest check=0 unwritten=reject
//   fail=launch:2:device-lost"
namespace brauer::emulation {

// When an asynchronous copy lands: any moment between being issued and being awaited is legal.
enum class Landing { earliest, latest };

struct Settings {
  std::uint64_t seed = 1;       // orders of blocks, threads and streams
  unsigned char poison = 0xff;  // memory that nobody wrote is full of it; 0xff makes NaN, 0x3b small numbers
  Landing landing = Landing::latest;
  bool check = true;              // look at every access of kernels, where the build can
  bool reject_unwritten = false;  // a read of memory that nobody wrote is a fault, also of a value that is then dropped
};

Settings settings();
void configure(const Settings& settings);

// Devices anew: "sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120", at most seven. None has failed, no
// failure is planned, the settings are the default. False, and nothing happens, while there are streams, events or
// memory, or for an unknown name.
bool reset(const std::vector<std::string>& devices = {"sm_80"});
void limit_memory(int device, std::int64_t bytes);

// The calls of cuda/device.h that may fail; `execution` is a kernel that fails while it runs.
enum class Call {
  allocate,
  allocate_pinned,
  free_memory,
  create_stream,
  create_event,
  record,
  wait,
  is_done,
  elapsed,
  copy,
  fill,
  launch,
  occupancy,
  synchronise,
  execution,
  any
};

// The n-th of these calls from now on (1 is the next) fails, once. `device_lost` stays.
void fail(Call call, std::int64_t nth, Code code);
std::int64_t calls(Call call);  // since `reset`

struct Live {
  std::int64_t allocations, streams, events;
  bool operator==(const Live&) const = default;
};
Live live();

// Whether the result is the same with two poisons. If it is not, somewhere memory was read that nobody wrote.
bool is_same_with_both_poisons(const std::function<std::vector<unsigned char>()>& result);

// Calls `body` with every way for copies to land and every poison, with `seeds` seeds each; then the settings are as
// before.
void with_all_settings(int seeds, const std::function<void(const Settings&)>& body);

// Who finds races and misplaced or misaligned accesses: the emulated device itself, which names them, or a sanitizer,
// which ends the process.
enum class Finder { device, address_sanitizer, thread_sanitizer };
Finder finder();

}  // namespace brauer::emulation
