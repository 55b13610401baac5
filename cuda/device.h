#pragma once

#include <cstddef>
#include <cstdint>

#include "core/cuda.h"
#include "core/status.h"

// Every call of the host to a device, with two implementations: cuda/device_cuda.cu speaks to the CUDA runtime,
// test/native/emulation to an emulated device. Nothing here throws. Functions may be called from any thread; work is
// enqueued on a stream and runs in the order of that stream. A failure of the device itself is `device_lost`, and then
// of every later call to that device; `out_of_memory` leaves it usable.
namespace brauer::cuda {

struct Stream;
struct Event;

Status allocate(int device, std::size_t bytes, void*& memory);  // aligned to 256 bytes, contents undefined
void release(int device, void* memory);                         // null is allowed; work in flight must not use it
// Memory of the host that copies reach without staging; visible to all devices.
Status allocate_pinned(std::size_t bytes, void*& memory);
void release_pinned(void* memory);
Status free_memory(int device, std::int64_t& free, std::int64_t& total);

Status create_stream(int device, Stream*& stream);
void destroy_stream(Stream* stream);  // waits for its work; null is allowed
Status synchronise(Stream* stream);   // waits for its work, and says how it went

Status create_event(int device, Event*& event);
void destroy_event(Event* event);
Status synchronise(Event* event);                                 // waits for what was recorded, and says how it went
Status record(Event* event, Stream* stream);                      // after what the stream has been given so far
Status wait(Stream* stream, Event* event);                        // what the stream is given later waits for it
Status is_done(Event* event, bool& done);                         // does not wait
Status elapsed(Event* start, Event* stop, double& milliseconds);  // both must be done

// From and to memory of the device or of the host; host memory that is not pinned has been read, or written, when the
// call returns.
Status copy(Stream* stream, void* to, const void* from, std::size_t bytes);
Status fill(Stream* stream, void* to, unsigned char value, std::size_t bytes);

// A kernel as a value: a function of one argument, a struct of at most 4 KB passed by value. See cuda/kernel.h.
struct Kernel {
  const char* name;
  const void* function;
  std::size_t argument_bytes;
  void (*call)(const void* function, const void* argument);  // on the emulated device
};

template <class Argument>
Kernel kernel_of(const char* name, void (*function)(Argument)) {
  static_assert(sizeof(Argument) <= 4096);
  return {name, reinterpret_cast<const void*>(function), sizeof(Argument), [](const void* f, const void* argument) {
            reinterpret_cast<void (*)(Argument)>(const_cast<void*>(f))(*static_cast<const Argument*>(argument));
          }};
}

struct Grid {
  std::int64_t blocks;  // at most 2^31 - 1
  int threads;          // of a block: a multiple of 32, at most 1024
  std::size_t shared;   // bytes of dynamic shared memory
};

// The argument is copied before the call returns.
Status launch(Stream* stream, const Kernel& kernel, const Grid& grid, const void* argument);
// Blocks of a kernel that run on one multiprocessor at the same time; 0 where one asks for more than a block may have.
Status occupancy(int device, const Kernel& kernel, int threads, std::size_t shared, int& blocks);

}  // namespace brauer::cuda
