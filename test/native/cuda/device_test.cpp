// The functions of cuda/device.h and cuda/kernel.h on the first device, also on an emulated one: what they promise,
// against plain C++. Without a device it is skipped, with BRAUER_REQUIRE_GPU=1 it fails. A device that a fault loses is
// for the last test.
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "../check.h"
#include "core/dtype.h"
#include "cuda/device.h"
#include "cuda/kernels/copy.h"
#include "primitives.h"

using namespace brauer;
using namespace brauer::cuda;

namespace {

constexpr int kDevice = 0;

bool ok(const Status& status, int line) {
  return check::report(status.ok(), __FILE__, line, "the call succeeds", status.message);
}
#define OK(call) ok(call, __LINE__)

struct Closer {
  void operator()(Stream* stream) const { destroy_stream(stream); }
  void operator()(Event* event) const { destroy_event(event); }
  void operator()(void* memory) const { release(kDevice, memory); }
};
using Streams = std::unique_ptr<Stream, Closer>;
using Events = std::unique_ptr<Event, Closer>;

Streams stream_of_device() {
  Stream* stream = nullptr;
  OK(create_stream(kDevice, stream));
  return Streams(stream);
}
Events event_of_device() {
  Event* event = nullptr;
  OK(create_event(kDevice, event));
  return Events(event);
}

// An array of the device, all of whose bytes are 0xa5 at first or what the host has.
template <class T>
class Array {
 public:
  Array(Stream* stream, std::size_t count) : stream_(stream), count_(count) {
    void* memory = nullptr;
    OK(allocate(kDevice, count * sizeof(T), memory));
    memory_.reset(memory);
    CHECK(reinterpret_cast<std::uintptr_t>(memory) % 256 == 0);
    OK(fill(stream, memory, 0xa5, count * sizeof(T)));
  }
  Array(Stream* stream, const std::vector<T>& values) : Array(stream, values.size()) {
    OK(copy(stream, get(), values.data(), count_ * sizeof(T)));
  }
  T* get() const { return static_cast<T*>(memory_.get()); }
  std::vector<T> read() const {
    std::vector<T> values(count_);
    OK(copy(stream_, values.data(), get(), count_ * sizeof(T)));
    OK(synchronise(stream_));
    return values;
  }

 private:
  Stream* stream_;
  std::size_t count_;
  std::unique_ptr<void, Closer> memory_;
};

void warps() {
  const Streams stream = stream_of_device();
  Array<std::uint32_t> shuffled(stream.get(), 64), votes(stream.get(), 64), through(stream.get(), 64),
      through_warp(stream.get(), 64);
  Array<double> swapped(stream.get(), 64);
  const primitives::Warps argument = {shuffled.get(), swapped.get(), votes.get(), through.get(), through_warp.get()};
  OK(launch(stream.get(), primitives::warps(), {1, 64, 256}, &argument));
  const auto a = shuffled.read(), c = votes.read(), d = through.read(), e = through_warp.read();
  const auto b = swapped.read();
  for (std::uint32_t i = 0; i < 64; i++) {
    const std::uint32_t lane = i % 32, warp = i - lane;
    std::uint32_t votes_of_warp = 0;
    for (std::uint32_t j = 0; j < 32; j++) votes_of_warp |= std::uint32_t((warp + j) % 3 == 0) << j;
    CHECK(a[i] == 7 * (warp + (lane * 5 + 1) % 32));
    CHECK(b[i] == warp + (lane ^ 9u) + 0.5);
    CHECK(c[i] == votes_of_warp);
    CHECK(d[i] == 63 - i + 100);
    CHECK(e[i] == 3 * (warp + (lane + 1) % 32));
  }
}

void groups() {
  constexpr std::uint32_t kBlocks = 300;
  const Streams stream = stream_of_device();
  Array<std::uint32_t> sums(stream.get(), kBlocks * 128);
  const primitives::Groups argument = {sums.get()};
  OK(launch(stream.get(), primitives::groups(), {kBlocks, 128, 512}, &argument));
  const auto result = sums.read();
  for (std::uint32_t i = 0; i < kBlocks * 128; i++) {
    const std::uint32_t first = i % 128 / 64 * 64, threads = 64 * first + 63 * 32;
    CHECK(result[i] == 28 * threads);
  }
}

void copies() {
  std::vector<char> from(32 * 28);
  for (std::size_t i = 0; i < from.size(); i++) from[i] = static_cast<char>(i * 37 + i / 256);
  const Streams stream = stream_of_device();
  Array<char> source(stream.get(), from), target(stream.get(), from.size());
  const primitives::Copies argument = {source.get(), target.get()};
  OK(launch(stream.get(), primitives::copies(), {1, 32, from.size()}, &argument));
  CHECK(target.read() == from);
}

bool same(float a, float b) { return std::isnan(a) ? std::isnan(b) : std::memcmp(&a, &b, sizeof a) == 0; }

float tf32_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (!std::isfinite(value)) return value;
  bits = (bits + 0x1000u) & 0xffffe000u;
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

void conversions() {
  using Limits = std::numeric_limits<float>;
  std::vector<float> floats = {0.0f,
                               -0.0f,
                               1.0f,
                               65504.0f,
                               65519.9f,
                               65520.0f,
                               -65520.0f,
                               0x1p-24f,
                               0x1p-25f,
                               0x1.8p-25f,
                               Limits::infinity(),
                               -Limits::infinity(),
                               Limits::quiet_NaN(),
                               Limits::max(),
                               Limits::denorm_min()};
  std::mt19937 random(1);
  while (floats.size() < 100'000) {
    const std::uint32_t bits = static_cast<std::uint32_t>(random());
    float value;
    std::memcpy(&value, &bits, sizeof value);
    floats.push_back(value);
    floats.push_back(std::ldexp(static_cast<float>(random() % 4096) + 0.5f, static_cast<int>(random() % 40) - 30));
  }
  const Streams stream = stream_of_device();
  Array<float> source(stream.get(), floats), tf32(stream.get(), floats.size()), from_half(stream.get(), 65536),
      from_bfloat16(stream.get(), 65536);
  Array<std::uint16_t> half(stream.get(), floats.size()), bfloat16(stream.get(), floats.size());
  const primitives::Conversions argument = {static_cast<std::int64_t>(floats.size()),
                                            source.get(),
                                            tf32.get(),
                                            half.get(),
                                            bfloat16.get(),
                                            from_half.get(),
                                            from_bfloat16.get()};
  OK(launch(stream.get(), primitives::conversions(), {16, 256, 0}, &argument));
  const auto as_tf32 = tf32.read(), wide = from_half.read(), wide_bfloat16 = from_bfloat16.read();
  const auto as_half = half.read(), as_bfloat16 = bfloat16.read();
  for (std::size_t i = 0; i < floats.size(); i++) {
    CHECK_WITH(same(as_tf32[i], tf32_of(floats[i])), std::to_string(floats[i]));
    CHECK_WITH(same(f16_to_float(as_half[i]), f16_to_float(float_to_f16(floats[i]))), std::to_string(floats[i]));
    CHECK_WITH(same(bf16_to_float(as_bfloat16[i]), bf16_to_float(float_to_bf16(floats[i]))), std::to_string(floats[i]));
  }
  for (std::uint32_t i = 0; i < 65536; i++) {
    CHECK(same(wide[i], f16_to_float(static_cast<std::uint16_t>(i))));
    CHECK(same(wide_bfloat16[i], bf16_to_float(static_cast<std::uint16_t>(i))));
  }
}

// Small whole numbers: every type holds them and their sums.
std::vector<float> whole_numbers(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(static_cast<int>(random() % 17) - 8);
  return values;
}

std::vector<float> product(const std::vector<float>& a, const std::vector<float>& b, std::vector<float> d) {
  const std::size_t inner = a.size() / 16;
  for (std::size_t i = 0; i < 16; i++)
    for (std::size_t j = 0; j < 8; j++)
      for (std::size_t k = 0; k < inner; k++) d[i * 8 + j] += a[i * inner + k] * b[k * 8 + j];
  return d;
}

void products() {
  const auto a8 = whole_numbers(128, 1), b8 = whole_numbers(64, 2), a16 = whole_numbers(256, 3),
             b16 = whole_numbers(128, 4), d = whole_numbers(128, 5);
  const Streams stream = stream_of_device();
  Array<float> a(stream.get(), a8), b(stream.get(), b8), c(stream.get(), a16), e(stream.get(), b16),
      tf32(stream.get(), d), f16(stream.get(), d), bf16(stream.get(), d);
  const primitives::Products argument = {a.get(), b.get(), c.get(), e.get(), tf32.get(), f16.get(), bf16.get()};
  OK(launch(stream.get(), primitives::products(), {1, 32, 0}, &argument));
  CHECK(tf32.read() == product(a8, b8, d));
  CHECK(f16.read() == product(a16, b16, d));
  CHECK(bf16.read() == product(a16, b16, d));
}

void shared_memory_to_the_limit(const DeviceInfo& info) {
  const Streams stream = stream_of_device();
  Array<std::uint64_t> sum(stream.get(), 1);
  const auto most = static_cast<std::size_t>(info.shared_per_block);
  for (const std::size_t bytes : {std::size_t(48) << 10, most}) {
    const primitives::Shared argument = {static_cast<std::int64_t>(bytes / 4), sum.get()};
    OK(launch(stream.get(), primitives::shared(), {1, 256, bytes}, &argument));
    std::uint64_t expected = 0;
    for (std::uint32_t i = 0; i < bytes / 4; i++) expected += i * 2654435761u;
    CHECK(sum.read()[0] == expected);
    int blocks = 0;
    OK(occupancy(kDevice, primitives::shared(), 256, bytes, blocks));
    CHECK(blocks >= 1 && (bytes < most || blocks == 1));
  }
  const primitives::Shared argument = {1, sum.get()};
  int blocks = 1;
  OK(occupancy(kDevice, primitives::shared(), 256, most + 1, blocks));
  CHECK(blocks == 0);
  CHECK(launch(stream.get(), primitives::shared(), {1, 256, most + 1}, &argument).code == Code::internal);
  OK(launch(stream.get(), primitives::shared(), {1, 256, 1024}, &argument));
  OK(synchronise(stream.get()));  // the array goes before the stream does
}

void copies_and_events() {
  const Streams first = stream_of_device(), second = stream_of_device();
  for (const std::size_t words : {1u, 1023u, 1024u, 1025u, 300'001u}) {
    std::vector<std::uint32_t> values(4 * words + 4);
    for (std::size_t i = 0; i < values.size(); i++) values[i] = static_cast<std::uint32_t>(i * 2654435761u);
    Array<std::uint32_t> source(first.get(), values), target(second.get(), values.size());
    const Events filled = event_of_device(), done = event_of_device();
    OK(record(filled.get(), second.get()));
    OK(wait(first.get(), filled.get()));
    OK(launch_copy(first.get(), target.get(), source.get(), 16 * words, 7));
    OK(record(done.get(), first.get()));
    OK(wait(second.get(), done.get()));
    auto result = target.read();
    bool is_done = false;
    OK(cuda::is_done(done.get(), is_done));
    double milliseconds = -1;
    OK(elapsed(filled.get(), done.get(), milliseconds));
    CHECK(is_done && milliseconds >= 0);
    for (std::size_t i = 4 * words; i < values.size(); i++) CHECK(std::exchange(result[i], values[i]) == 0xa5a5a5a5u);
    CHECK(result == values);
  }
}

void more_memory_than_there_is() {
  std::int64_t free = 0, total = 0;
  OK(free_memory(kDevice, free, total));
  CHECK(free > 0 && total >= free);
  void* memory = nullptr;
  CHECK(allocate(kDevice, static_cast<std::size_t>(total) * 2, memory).code == Code::out_of_memory &&
        memory == nullptr);
  void* pinned = nullptr;
  OK(allocate_pinned(1 << 16, pinned));
  const Streams stream = stream_of_device();
  Array<char> array(stream.get(), 1 << 16);
  OK(copy(stream.get(), pinned, array.get(), 1 << 16));
  OK(synchronise(stream.get()));
  CHECK(static_cast<unsigned char*>(pinned)[65535] == 0xa5);
  release_pinned(pinned);
}

void a_fault_loses_the_device() {
  const Streams stream = stream_of_device();
  const primitives::Fault argument = {reinterpret_cast<int*>(std::uintptr_t(64))};
  OK(launch(stream.get(), primitives::fault(), {1, 32, 0}, &argument));
  const Status status = synchronise(stream.get());
  CHECK_WITH(status.code == Code::device_lost, status.message);
  void* memory = nullptr;
  const Status later = allocate(kDevice, 256, memory);
  CHECK_WITH(later.code == Code::device_lost && later.message == status.message, later.message);
}

}  // namespace

int main() {
  const Probe found = probe();
  const std::string problem = found.problem.empty() ? found.devices[0].problem : found.problem;
  if (!problem.empty()) {
    std::printf("%s\n", problem.c_str());
    const char* const required = std::getenv("BRAUER_REQUIRE_GPU");
    return required != nullptr && std::strcmp(required, "1") == 0 ? 1 : 77;
  }
  warps();
  groups();
  copies();
  conversions();
  products();
  shared_memory_to_the_limit(found.devices[0].info);
  copies_and_events();
  more_memory_than_there_is();
  // The emulated device names a fault and goes on: faults_test.cpp.
  if (found.driver != "emulated") a_fault_loses_the_device();
  return check::finish();
}
