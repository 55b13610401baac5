#include <cuda_runtime_api.h>

#include <limits>
#include <memory>
#include <new>

#include "cuda/device.h"
#include "cuda/device_state.h"

namespace brauer::cuda {

struct Stream {
  int device;
  cudaStream_t handle;
};
struct Event {
  int device;
  cudaEvent_t handle;
};

namespace {

// Runs calls to a device and makes a status of whatever happens.
template <class Calls>
Status guarded(int device, Calls&& calls) {
  try {
    const Status status = use(device);
    return status.ok() ? calls() : status;
  } catch (const std::bad_alloc&) {
    return Status::error(Code::out_of_memory, "cuda");
  } catch (...) {
    return Status::error(Code::internal, "cuda");
  }
}

// Where a failure can no longer be told: it is one of an earlier call, or of a device that is lost.
template <class Calls>
void ignoring(int device, Calls&& calls) {
  const Status status = guarded(device, [&] {
    calls();
    cudaGetLastError();
    return Status();
  });
  static_cast<void>(status);
}

bool is_pageable(const void* memory) {
  cudaPointerAttributes attributes = {};
  if (cudaPointerGetAttributes(&attributes, memory) == cudaSuccess)
    return attributes.type == cudaMemoryTypeUnregistered;
  cudaGetLastError();
  return true;
}

}  // namespace

Status allocate(int device, std::size_t bytes, void*& memory) {
  memory = nullptr;
  return guarded(device, [&] { return outcome(device, cudaMalloc(&memory, bytes), "cudaMalloc"); });
}

void release(int device, void* memory) {
  if (memory != nullptr) ignoring(device, [&] { cudaFree(memory); });
}

Status allocate_pinned(std::size_t bytes, void*& memory) {
  memory = nullptr;
  const int device = usable_device();
  return guarded(
      device, [&] { return outcome(device, cudaHostAlloc(&memory, bytes, cudaHostAllocPortable), "cudaHostAlloc"); });
}

void release_pinned(void* memory) {
  if (memory != nullptr) ignoring(usable_device(), [&] { cudaFreeHost(memory); });
}

Status free_memory(int device, std::int64_t& free, std::int64_t& total) {
  free = total = 0;
  return guarded(device, [&] {
    std::size_t free_bytes = 0, total_bytes = 0;
    const cudaError_t error = cudaMemGetInfo(&free_bytes, &total_bytes);
    free = static_cast<std::int64_t>(free_bytes);
    total = static_cast<std::int64_t>(total_bytes);
    return outcome(device, error, "cudaMemGetInfo");
  });
}

Status create_stream(int device, Stream*& stream) {
  stream = nullptr;
  return guarded(device, [&] {
    auto made = std::make_unique<Stream>(Stream{device, nullptr});
    // Non-blocking: nothing is ordered by what others of the process put on the default stream.
    const cudaError_t error = cudaStreamCreateWithFlags(&made->handle, cudaStreamNonBlocking);
    if (error == cudaSuccess) stream = made.release();
    return outcome(device, error, "cudaStreamCreateWithFlags");
  });
}

void destroy_stream(Stream* stream) {
  if (stream == nullptr) return;
  ignoring(stream->device, [&] {
    cudaStreamSynchronize(stream->handle);
    cudaStreamDestroy(stream->handle);
  });
  delete stream;
}

Status synchronise(Stream* stream) {
  const int device = stream->device;
  return guarded(device,
                 [&] { return outcome(device, cudaStreamSynchronize(stream->handle), "cudaStreamSynchronize"); });
}

Status create_event(int device, Event*& event) {
  event = nullptr;
  return guarded(device, [&] {
    auto made = std::make_unique<Event>(Event{device, nullptr});
    const cudaError_t error = cudaEventCreate(&made->handle);
    if (error == cudaSuccess) event = made.release();
    return outcome(device, error, "cudaEventCreate");
  });
}

void destroy_event(Event* event) {
  if (event == nullptr) return;
  ignoring(event->device, [&] { cudaEventDestroy(event->handle); });
  delete event;
}

Status synchronise(Event* event) {
  const int device = event->device;
  return guarded(device, [&] { return outcome(device, cudaEventSynchronize(event->handle), "cudaEventSynchronize"); });
}

Status record(Event* event, Stream* stream) {
  const int device = stream->device;
  return guarded(device,
                 [&] { return outcome(device, cudaEventRecord(event->handle, stream->handle), "cudaEventRecord"); });
}

Status wait(Stream* stream, Event* event) {
  const int device = stream->device;
  return guarded(device, [&] {
    return outcome(device, cudaStreamWaitEvent(stream->handle, event->handle, 0), "cudaStreamWaitEvent");
  });
}

Status is_done(Event* event, bool& done) {
  done = false;
  const int device = event->device;
  return guarded(device, [&] {
    const cudaError_t answer = cudaEventQuery(event->handle);
    done = answer == cudaSuccess;
    return answer == cudaErrorNotReady ? Status() : outcome(device, answer, "cudaEventQuery");
  });
}

Status elapsed(Event* start, Event* stop, double& milliseconds) {
  milliseconds = 0;
  const int device = start->device;
  return guarded(device, [&] {
    float result = 0;
    const cudaError_t error = cudaEventElapsedTime(&result, start->handle, stop->handle);
    milliseconds = result;
    return outcome(device, error, "cudaEventElapsedTime");
  });
}

Status copy(Stream* stream, void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return {};
  const int device = stream->device;
  return guarded(device, [&] {
    Status status =
        outcome(device, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream->handle), "cudaMemcpyAsync");
    // With memory that is not pinned CUDA usually has finished here, and promises nothing.
    if (status.ok() && (is_pageable(from) || is_pageable(to)))
      status = outcome(device, cudaStreamSynchronize(stream->handle), "cudaStreamSynchronize");
    return status;
  });
}

Status fill(Stream* stream, void* to, unsigned char value, std::size_t bytes) {
  if (bytes == 0) return {};
  const int device = stream->device;
  return guarded(device,
                 [&] { return outcome(device, cudaMemsetAsync(to, value, bytes, stream->handle), "cudaMemsetAsync"); });
}

Status launch(Stream* stream, const Kernel& kernel, const Grid& grid, const void* argument) {
  if (grid.blocks < 1 || grid.blocks > std::numeric_limits<std::int32_t>::max() || grid.threads < 32 ||
      grid.threads > 1024 || grid.threads % 32 != 0)
    return Status::error(Code::internal,
                         std::string(kernel.name) +
                             ": expected 1 to 2^31 - 1 blocks of whole warps of at most 1024 threads, received " +
                             std::to_string(grid.blocks) + " of " + std::to_string(grid.threads));
  const int device = stream->device;
  return guarded(device, [&] {
    bool fits = true;
    const Status status = allow_shared(device, kernel, grid.shared, fits);
    if (!status.ok()) return status;
    if (!fits)
      return Status::error(Code::internal, std::string(kernel.name) +
                                               ": expected shared memory that the device has, received " +
                                               std::to_string(grid.shared) + " bytes");
    void* arguments[] = {const_cast<void*>(argument)};
    return outcome(device,
                   cudaLaunchKernel(kernel.function, dim3(static_cast<unsigned>(grid.blocks)),
                                    dim3(static_cast<unsigned>(grid.threads)), arguments, grid.shared, stream->handle),
                   kernel.name);
  });
}

Status occupancy(int device, const Kernel& kernel, int threads, std::size_t shared, int& blocks) {
  blocks = 0;
  return guarded(device, [&] {
    bool fits = true;
    const Status status = allow_shared(device, kernel, shared, fits);
    if (!status.ok() || !fits) return status;
    return outcome(device, cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel.function, threads, shared),
                   "cudaOccupancyMaxActiveBlocksPerMultiprocessor");
  });
}

}  // namespace brauer::cuda
