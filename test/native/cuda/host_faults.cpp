// Sequences of host calls with a fault and their twins.
#include "cuda/faults.h"
#include "cuda/fixture.h"

namespace brauer::cuda {

namespace {

struct Numbers {
  float* data;
};
BRAUER_KERNEL(32, 1) void increment(Numbers p) { p.data[thread_index()] += 1; }

constexpr Grid one_warp{1, 32, 0};

Status increment_on(Stream* on, float* data) {
  const Numbers argument{data};
  return launch(on, kernel_of("increment", increment), one_warp, &argument);
}

// What a sequence creates.
struct Second {
  Stream* stream = nullptr;
  Event* event = nullptr;
  void* pinned = nullptr;

  explicit Second(int device = 0) {
    CHECK(create_stream(device, stream).ok());
    CHECK(create_event(device, event).ok());
    CHECK(allocate_pinned(128, pinned).ok());
  }
  Second(const Second&) = delete;
  ~Second() {
    destroy_stream(stream);
    destroy_event(event);
    release_pinned(pinned);
  }
};

Status first_failure(std::initializer_list<Status> statuses) {
  for (const Status& status : statuses)
    if (!status.ok()) return status;
  return {};
}

// One stream writes, another reads.
Status missing_wait(bool planted) {
  const Buffer<float> data(std::vector<float>(32, 1));
  Second second;
  return first_failure({increment_on(stream, data.data), record(second.event, stream),
                        planted ? Status{} : wait(second.stream, second.event),
                        copy(second.stream, second.pinned, data.data, 128), synchronise(second.stream),
                        synchronise(stream)});
}

// The event is recorded before the work that is to be waited for.
Status recorded_too_early(bool planted) {
  const Buffer<float> data(std::vector<float>(32, 1));
  Second second;
  const auto mark = [&](bool now) { return now ? record(second.event, stream) : Status{}; };
  return first_failure({mark(planted), increment_on(stream, data.data), mark(!planted),
                        wait(second.stream, second.event), increment_on(second.stream, data.data),
                        synchronise(second.stream), synchronise(stream)});
}

// A pinned buffer is filled anew while a copy may still read it.
Status staging_reused(bool planted) {
  const Buffer<float> a(32), b(32);
  Second second;
  auto* staging = static_cast<float*>(second.pinned);
  for (int i = 0; i < 32; i++) staging[i] = 1;
  const Status first = copy(stream, a.data, staging, 128);
  const Status waited = planted ? Status{} : synchronise(stream);
  for (int i = 0; i < 32; i++) staging[i] = 2;
  const Status done = first_failure({first, waited, copy(stream, b.data, staging, 128), synchronise(stream)});
  if (!done.ok() || a.read()[0] == 1) return done;
  return Status::error(Code::internal, "the copy brought what was written later");
}

// The host reads a result that has not come yet.
Status read_too_early(bool planted) {
  const Buffer<float> data(std::vector<float>(32, 1));
  Second second;
  auto* result = static_cast<float*>(second.pinned);
  const Status enqueued = copy(stream, result, data.data, 128);
  const Status waited = planted ? Status{} : synchronise(stream);
  const bool is_right = result[0] == 1;
  const Status done = first_failure({enqueued, waited, synchronise(stream)});
  return is_right ? done : Status::error(Code::internal, "the result has not come yet");
}

Status released_in_flight(bool planted) {
  void* memory = nullptr;
  const Status enqueued = first_failure(
      {allocate(0, 128, memory), fill(stream, memory, 0, 128), increment_on(stream, static_cast<float*>(memory))});
  const Status before = planted ? Status{} : synchronise(stream);
  release(0, memory);
  return first_failure({enqueued, before, synchronise(stream)});
}

Status copied_after_release(bool planted) {
  void* memory = nullptr;
  float host[32] = {};
  const Status allocated = first_failure({allocate(0, 128, memory), fill(stream, memory, 0, 128), synchronise(stream)});
  if (planted) release(0, memory);
  const Status copied = copy(stream, host, memory, 128);
  if (!planted) release(0, memory);
  return first_failure({allocated, copied});
}

Status released_twice(bool planted) {
  void* memory = nullptr;
  const Status allocated = allocate(0, 128, memory);
  release(0, memory);
  if (planted) release(0, memory);
  return first_failure({allocated, synchronise(stream)});
}

Status copied_past_the_end(bool planted) {
  const Buffer<float> data(std::vector<float>(32, 1));
  const std::vector<float> more(33, 1);
  return first_failure({copy(stream, data.data, more.data(), planted ? 132 : 128), synchronise(stream)});
}

Status filled_past_the_end(bool planted) {
  const Buffer<float> data(32);
  return first_failure({fill(stream, data.data, 0, planted ? 132 : 128), synchronise(stream)});
}

Status memory_of_another_device(bool planted) {
  void* memory = nullptr;
  const int owner = planted ? 1 : 0;
  const Status allocated = allocate(owner, 128, memory);
  const Status written = first_failure({fill(stream, memory, 0, 128), synchronise(stream)});
  release(owner, memory);
  return first_failure({allocated, written});
}

}  // namespace

std::vector<PlantedFault> host_faults() {
  constexpr auto thread = Sanitizer::thread, address = Sanitizer::address;
  constexpr auto accesses = Net::accesses;
  return {
      {"a missing event wait", missing_wait, "nothing orders before", accesses, thread},
      {"an event recorded too early", recorded_too_early, "nothing orders before", accesses, thread},
      {"a staging buffer filled anew too early", staging_reused, "what was written later", Net::always, thread},
      {"a result read too early", read_too_early, "has not come yet", Net::always, thread},
      {"memory released in flight", released_in_flight, "outside every allocation", accesses, address},
      {"a copy from released memory", copied_after_release, "has been released", accesses, address},
      {"memory released twice", released_twice, "was not allocated"},
      {"a copy past the end", copied_past_the_end, "across the end", accesses, address},
      {"a fill past the end", filled_past_the_end, "across the end", accesses, address},
      {"memory of another device", memory_of_another_device, "of another device", accesses},
  };
}

}  // namespace brauer::cuda
