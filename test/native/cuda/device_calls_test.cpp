// What cuda/device_cuda.cpp makes of failures, over a runtime that fails on demand. Each scenario has its own device:
// what is lost stays lost.
#include <cuda_runtime_api.h>

#include <functional>

#include "../check.h"
#include "cuda/device.h"
#include "fake_runtime.h"

using namespace brauer;
using namespace brauer::cuda;

namespace {

bool has(const Status& status, const char* part) { return status.message.find(part) != std::string::npos; }

Kernel kernel(int& function) { return {"a kernel", &function, 4, nullptr}; }

void devices_and_their_problems() {
  const Probe found = probe();
  CHECK(found.problem.empty() && found.driver == "13.0" && found.runtime == "13.0" && found.devices.size() == 4);
  CHECK(found.devices[0].info.name == "Fake 0" && found.devices[0].problem.empty());
  CHECK(found.devices[0].info.shared_per_block == 227 << 10);
  CHECK(found.devices[1].problem == "expected compute capability 7.5 or later, received 7.0");
  CHECK(found.devices[2].problem.find("Prohibited") != std::string::npos);
  for (const char* const call : {"cudaSetDevice", "cudaMemGetInfo", "cudaMalloc", "cudaFree"})
    CHECK_WITH(fake::count(call) == 0, std::string("a probe makes a context by ") + call);
}

void out_of_memory_leaves_the_device_usable() {
  void* memory = nullptr;
  fake::fail("cudaMalloc", cudaErrorMemoryAllocation);
  const Status status = allocate(0, 64, memory);
  CHECK(status.code == Code::out_of_memory && has(status, "cuda:0") && has(status, "noMemory"));
  CHECK(fake::last_error == 0);
  fake::clear();
  CHECK(allocate(0, 64, memory).ok() && memory != nullptr);
  release(0, memory);
  CHECK(fake::count("cudaFree") == 1);
}

void a_wrong_argument_leaves_the_device_usable() {
  fake::clear();
  Stream* stream = nullptr;
  CHECK(create_stream(0, stream).ok());
  int function = 0;
  fake::fail("cudaLaunchKernel", cudaErrorInvalidConfiguration);
  const Status status = launch(stream, kernel(function), {1, 32, 0}, &function);
  CHECK(status.code == Code::internal && has(status, "a kernel"));
  CHECK(fake::last_error == 0);
  fake::clear();
  CHECK(launch(stream, kernel(function), {1, 32, 0}, &function).ok());
  destroy_stream(stream);
}

void a_sticky_error_loses_the_device() {
  fake::clear();
  Stream *stream = nullptr, *other = nullptr;
  Event *event = nullptr, *second = nullptr;
  CHECK(create_stream(1, stream).ok() && create_stream(0, other).ok());
  CHECK(create_event(1, event).ok() && create_event(1, second).ok());
  fake::fail("cudaStreamSynchronize", cudaErrorIllegalAddress);
  const Status first = synchronise(stream);
  CHECK(first.code == Code::device_lost && has(first, "cuda:1") && has(first, "CUDA error 700"));

  // Whatever CUDA says later, the first cause is told, and CUDA is not asked again.
  fake::fail("cudaMalloc", cudaErrorLaunchFailure);
  void* memory = nullptr;
  bool done = false;
  double time = 0;
  std::int64_t free = 0, total = 0;
  int function = 0, blocks = 0;
  const std::function<Status()> later[] = {
      [&] { return allocate(1, 64, memory); },
      [&] { return free_memory(1, free, total); },
      [&] { return synchronise(stream); },
      [&] { return synchronise(event); },
      [&] { return record(event, stream); },
      [&] { return wait(stream, event); },
      [&] { return is_done(event, done); },
      [&] { return elapsed(event, second, time); },
      [&] { return copy(stream, &free, &total, 8); },
      [&] { return fill(stream, &free, 0, 8); },
      [&] {
        return launch(stream, kernel(function), {1, 32, 0}, &function);
      },
      [&] { return occupancy(1, kernel(function), 32, 0, blocks); },
  };
  for (const auto& call : later) {
    const Status status = call();
    CHECK_WITH(status.code == Code::device_lost && has(status, "CUDA error 700"), status.message);
  }
  destroy_event(event);
  destroy_event(second);
  destroy_stream(stream);
  CHECK_WITH(fake::calls.empty(), fake::calls.empty() ? "" : fake::calls[0]);

  fake::clear();
  CHECK(synchronise(other).ok());
  destroy_stream(other);
}

// Last: it takes the device that all the others use.
void pinned_memory_belongs_to_no_device() {
  fake::fail("cudaMemGetInfo", cudaErrorECCUncorrectable);
  std::int64_t free = 0, total = 0;
  CHECK(free_memory(0, free, total).code == Code::device_lost);
  fake::clear();
  void* memory = nullptr;
  CHECK(allocate_pinned(64, memory).ok() && memory != nullptr && fake::current_device == 2);
  release_pinned(memory);
  CHECK(fake::count("cudaFreeHost") == 1);
}

void shared_memory_is_allowed_once_for_a_kernel_and_device() {
  Stream *stream = nullptr, *other = nullptr;
  CHECK(create_stream(2, stream).ok() && create_stream(3, other).ok());
  int function = 0, another = 0, blocks = 0;
  fake::clear();
  CHECK(launch(stream, kernel(function), {1, 32, 48 << 10}, &function).ok());
  CHECK(fake::count("cudaFuncSetAttribute") == 0);
  for (int i = 0; i < 3; i++)
    CHECK(launch(stream, kernel(function), {1, 32, (100 + std::size_t(i)) << 10}, &function).ok());
  CHECK(occupancy(2, kernel(function), 32, 226 << 10, blocks).ok() && blocks == 3);
  CHECK(fake::count("cudaFuncSetAttribute") == 1);
  CHECK(launch(stream, kernel(another), {1, 32, 100 << 10}, &function).ok());
  CHECK(launch(other, kernel(function), {1, 32, 100 << 10}, &function).ok());
  CHECK(fake::count("cudaFuncSetAttribute") == 3 && fake::count("cudaLaunchKernel") == 6);
  // 1 KB of the 227 is the kernel's static memory.
  const Status status = launch(stream, kernel(function), {1, 32, (226 << 10) + 1}, &function);
  CHECK(status.code == Code::internal && has(status, "received 231425 bytes"));
  CHECK(occupancy(2, kernel(function), 32, (226 << 10) + 1, blocks).ok() && blocks == 0);
  CHECK(fake::count("cudaLaunchKernel") == 6);
  destroy_stream(stream);
  destroy_stream(other);
}

void copies_of_pageable_memory_are_waited_for() {
  Stream* stream = nullptr;
  CHECK(create_stream(3, stream).ok());
  char bytes[16] = {};
  fake::clear();
  CHECK(copy(stream, bytes, bytes, 8).ok() && fake::count("cudaStreamSynchronize") == 0);
  CHECK(fake::current_device == 3);
  fake::pageable = true;
  CHECK(copy(stream, bytes, bytes, 8).ok() && fake::count("cudaStreamSynchronize") == 1);
  CHECK(copy(stream, bytes, bytes, 0).ok() && fill(stream, bytes, 0, 0).ok() && fake::count("cudaMemcpyAsync") == 2);
  destroy_stream(stream);
}

void answers_and_refusals() {
  fake::clear();
  Stream* stream = nullptr;
  Event* event = nullptr;
  bool done = true;
  int function = 0;
  void* memory = nullptr;
  CHECK(create_stream(3, stream).ok() && create_event(3, event).ok());
  fake::fail("cudaEventQuery", cudaErrorNotReady);
  CHECK(is_done(event, done).ok() && !done);
  fake::clear();
  CHECK(is_done(event, done).ok() && done);
  for (const Grid& grid : {Grid{0, 32, 0}, {std::int64_t(1) << 31, 32, 0}, {1, 0, 0}, {1, 33, 0}, {1, 1056, 0}})
    CHECK(launch(stream, kernel(function), grid, &function).code == Code::internal);
  CHECK(fake::count("cudaLaunchKernel") == 0);
  for (const int device : {-1, 4}) CHECK(allocate(device, 1, memory).code == Code::invalid_argument);
  destroy_event(event);
  destroy_stream(stream);
  destroy_event(nullptr);
  destroy_stream(nullptr);
  release(3, nullptr);
  release_pinned(nullptr);
  // A failed creation leaves nothing to destroy.
  fake::fail("cudaStreamCreateWithFlags", cudaErrorMemoryAllocation);
  CHECK(create_stream(3, stream).code == Code::out_of_memory && stream == nullptr);
  fake::fail("cudaEventCreate", cudaErrorMemoryAllocation);
  CHECK(create_event(3, event).code == Code::out_of_memory && event == nullptr);
}

}  // namespace

int main() {
  devices_and_their_problems();
  out_of_memory_leaves_the_device_usable();
  a_wrong_argument_leaves_the_device_usable();
  a_sticky_error_loses_the_device();
  shared_memory_is_allowed_once_for_a_kernel_and_device();
  copies_of_pageable_memory_are_waited_for();
  answers_and_refusals();
  pinned_memory_belongs_to_no_device();
  return check::finish();
}
