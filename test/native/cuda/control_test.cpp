// What tests ask of the emulated device: failures on demand, limits of a named device, orders and moments that vary.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <set>
#include <thread>

#include "cuda/fixture.h"

using namespace brauer;
using namespace brauer::cuda;
using emulation::Call;

namespace {

struct Numbers {
  float* data = nullptr;
};
BRAUER_KERNEL(32, 1) void increment(Numbers p) { p.data[block_index() * 32 + thread_index()] += 1; }

const Numbers nothing;
constexpr Grid one_warp{1, 32, 128};

bool says(const Status& status, Code code, const std::string& what) {
  return CHECK_WITH(status.code == code, what + ": " + code_name(status.code) + " " + status.message);
}

// Everything that may fail, once.
struct Calls {
  void *memory = nullptr, *pinned = nullptr;
  Stream* on = nullptr;
  Event* event = nullptr;
  std::vector<std::pair<Call, std::function<Status()>>> all;

  Calls() {
    all = {{Call::allocate, [&] { return allocate(0, 128, memory); }},
           {Call::allocate_pinned, [&] { return allocate_pinned(128, pinned); }},
           {Call::free_memory, [&] { return free_memory(0, free, total); }},
           {Call::create_stream, [&] { return create_stream(0, on); }},
           {Call::create_event, [&] { return create_event(0, event); }},
           {Call::fill, [&] { return fill(on, memory, 0, 128); }},
           {Call::copy, [&] { return copy(on, pinned, memory, 128); }},
           {Call::record, [&] { return record(event, on); }},
           {Call::wait, [&] { return wait(on, event); }},
           {Call::occupancy, [&] { return occupancy(0, kernel(), 32, 0, blocks); }},
           {Call::launch,
            [&] {
              const Numbers argument{static_cast<float*>(memory)};
              return launch(on, kernel(), {1, 32, 0}, &argument);
            }},
           {Call::synchronise, [&] { return synchronise(on); }},
           {Call::synchronise, [&] { return synchronise(event); }},
           {Call::is_done, [&] { return is_done(event, done); }},
           {Call::elapsed, [&] { return elapsed(event, event, milliseconds); }}};
  }
  ~Calls() {
    destroy_event(event);
    destroy_stream(on);
    release(0, memory);
    release_pinned(pinned);
  }

  // The first failure; what comes after it is not called.
  Status run() {
    for (const auto& [call, function] : all)
      if (Status status = function(); !status.ok()) return status;
    return {};
  }

 private:
  static Kernel kernel() { return kernel_of("increment", increment); }
  std::int64_t free = 0, total = 0;
  int blocks = 0;
  bool done = false;
  double milliseconds = 0;
};

void every_call_fails_on_demand() {
  const auto count = Calls().all.size();
  for (std::size_t i = 0; i < count; i++)
    for (const Code code : {Code::out_of_memory, Code::device_lost}) {
      CHECK(emulation::reset());
      {
        Calls calls;
        const auto [call, function] = calls.all[i];
        emulation::fail(call, 1, code);
        const std::string name = "call " + std::to_string(i);
        says(calls.run(), code, name);
        // Afterwards the device is as before, or it is lost for good.
        void* memory = nullptr;
        const bool is_lost = code == Code::device_lost && call != Call::allocate_pinned;
        says(allocate(0, 128, memory), is_lost ? Code::device_lost : Code::ok, name + ", then");
        release(0, memory);
      }
      CHECK((emulation::live() == emulation::Live{0, 0, 0}));
    }
}

void the_nth_call_fails() {
  // Any call, the first to the last: n counts them all.
  std::int64_t n = 1;
  for (;; n++) {
    CHECK(emulation::reset());
    emulation::fail(Call::any, n, Code::out_of_memory);
    Calls calls;
    if (calls.run().ok()) break;
    CHECK(emulation::calls(Call::any) == n);
  }
  CHECK(n == std::int64_t(Calls().all.size()) + 1);

  CHECK(emulation::reset());
  emulation::fail(Call::allocate, 3, Code::out_of_memory);
  void* memory[4] = {};
  for (int i = 0; i < 4; i++) CHECK(allocate(0, 64, memory[i]).ok() == (i != 2));
  CHECK(memory[2] == nullptr && emulation::calls(Call::allocate) == 4);
  for (void* piece : memory) release(0, piece);
}

void a_kernel_fails_while_it_runs() {
  CHECK(emulation::reset({"sm_80", "sm_80"}));
  Stream* other = nullptr;
  CHECK(create_stream(0, stream).ok() && create_stream(1, other).ok());
  {
    const Buffer<float> data(std::vector<float>(32, 0));
    emulation::fail(Call::execution, 2, Code::device_lost);
    const Numbers argument{data.data};
    for (int i = 0; i < 3; i++) CHECK(launch(stream, kernel_of("increment", increment), one_warp, &argument).ok());
    says(synchronise(stream), Code::device_lost, "the launch that failed");
    says(synchronise(stream), Code::device_lost, "after it");
    says(launch(stream, kernel_of("increment", increment), one_warp, &argument), Code::device_lost, "a new one");
    says(synchronise(other), Code::ok, "another device");
  }
  destroy_stream(stream);
  destroy_stream(other);
  CHECK(emulation::reset());
}

void devices_have_their_limits() {
  const struct {
    const char* name;
    int major, minor;
    std::int64_t shared;
    int blocks;  // of 256 threads and 20 KB on a multiprocessor
  } wanted[] = {{"sm_75", 7, 5, 64, 3},  {"sm_80", 8, 0, 163, 7},   {"sm_86", 8, 6, 99, 4},  {"sm_89", 8, 9, 99, 4},
                {"sm_90", 9, 0, 227, 8}, {"sm_100", 10, 0, 227, 8}, {"sm_120", 12, 0, 99, 4}};
  for (const auto& w : wanted) {
    CHECK(emulation::reset({w.name}));
    const DeviceInfo info = probe().devices.at(0).info;
    CHECK_WITH(info.major == w.major && info.minor == w.minor && info.shared_per_block == w.shared << 10, w.name);
    int blocks = -1;
    CHECK(occupancy(0, kernel_of("increment", increment), 256, 20 << 10, blocks).ok());
    CHECK_WITH(blocks == w.blocks, w.name + std::string(": ") + std::to_string(blocks));
    CHECK(occupancy(0, kernel_of("increment", increment), 256, std::size_t(w.shared << 10) + 1, blocks).ok());
    CHECK_WITH(blocks == 0, w.name);
    CHECK(create_stream(0, stream).ok());
    CHECK(launch(stream, kernel_of("increment", increment), {1, 32, std::size_t(w.shared << 10) + 1}, &nothing).code ==
          Code::internal);
    destroy_stream(stream);
  }
  CHECK(!emulation::reset({"sm_80", "sm_42"}));

  CHECK(emulation::reset());
  emulation::limit_memory(0, 1000);
  void *memory = nullptr, *more = nullptr;
  CHECK(allocate(0, 600, memory).ok());
  CHECK(allocate(0, 600, more).code == Code::out_of_memory && more == nullptr);
  std::int64_t free = 0, total = 0;
  CHECK(free_memory(0, free, total).ok() && free == 400 && total == 1000);
  release(0, memory);
  CHECK(allocate(0, 600, more).ok());
  CHECK(!emulation::reset());
  release(0, more);
  CHECK(allocate(1, 1, memory).code == Code::invalid_argument);
}

BRAUER_KERNEL(32, 1) void read_unwritten(Numbers p) {
  p.data[thread_index()] = reinterpret_cast<float*>(shared_memory())[thread_index()];
}
BRAUER_KERNEL(32, 1) void read_written(Numbers p) {
  float* own = reinterpret_cast<float*>(shared_memory()) + thread_index();
  *own = 1;
  p.data[thread_index()] = *own;
}

void poisons_show_what_nobody_wrote() {
  const auto result_of = [](void (*kernel)(Numbers)) {
    return [kernel] {
      const Buffer<float> data(32);
      runs("a test of poisons", kernel, one_warp, Numbers{data.data});
      const auto floats = data.read();
      const auto* bytes = reinterpret_cast<const unsigned char*>(floats.data());
      return std::vector<unsigned char>(bytes, bytes + 128);
    };
  };
  CHECK(!emulation::is_same_with_both_poisons(result_of(read_unwritten)));
  CHECK(emulation::is_same_with_both_poisons(result_of(read_written)));
}

// What happens to faults where nobody looks at accesses.

BRAUER_KERNEL(32, 1) void read_before_it_lands(Numbers p) {
  float* own = reinterpret_cast<float*>(shared_memory()) + thread_index();
  copy_async<4>(own, p.data + thread_index());
  copy_async_commit();
  p.data[32 + thread_index()] = *own;
}

BRAUER_KERNEL(64, 1) void write_in_turn(Numbers p) {
  if (thread_index() == 0) p.data[0] = float(block_index());
}

BRAUER_KERNEL(64, 1) void write_past_shared(Numbers p) {
  reinterpret_cast<volatile char*>(shared_memory())[128 + thread_index()] = 1;
  p.data[thread_index()] = 0;
}

void the_second_net() {
  emulation::Settings unchecked;
  unchecked.check = false;
  std::set<float> landed, last, seen;
  Stream* other = nullptr;
  CHECK(create_stream(0, other).ok());
  emulation::configure(unchecked);
  emulation::with_all_settings(20, [&](const emulation::Settings&) {
    const Buffer<float> data(std::vector<float>(64, 1));
    if (runs("read_before_it_lands", read_before_it_lands, one_warp, Numbers{data.data}))
      landed.insert(data.read()[40] == 1 ? 1.0f : 0.0f);
    if (emulation::finder() == emulation::Finder::thread_sanitizer) return;  // it ends the process, as it should
    if (runs("write_in_turn", write_in_turn, {8, 32, 0}, Numbers{data.data})) last.insert(data.read()[0]);

    // No event orders the other stream's copy behind the fill.
    void* pinned = nullptr;
    CHECK(allocate_pinned(4, pinned).ok());
    CHECK(fill(stream, data.data, 0, 256).ok());
    CHECK(copy(other, pinned, data.data, 4).ok() && synchronise(other).ok());
    seen.insert(*static_cast<float*>(pinned));
    CHECK(synchronise(stream).ok());
    release_pinned(pinned);
  });
  CHECK(landed.size() == 2);
  if (emulation::finder() == emulation::Finder::thread_sanitizer) return destroy_stream(other);
  CHECK_WITH(last.size() == 8, std::to_string(last.size()));
  CHECK(seen.size() > 1);
  if (emulation::finder() == emulation::Finder::device) {
    emulation::configure(unchecked);
    const Buffer<float> data(64);
    const Status status = run("write_past_shared", write_past_shared, {1, 64, 128}, Numbers{data.data});
    CHECK_WITH(status.message.find("a write outside its 128 bytes") != std::string::npos, status.message);
  }
  destroy_stream(other);
  emulation::configure({});
}

void events() {
  Event *never = nullptr, *first = nullptr, *second = nullptr;
  CHECK(create_event(0, never).ok() && create_event(0, first).ok() && create_event(0, second).ok());
  bool done = false;
  double milliseconds = -1;
  CHECK(is_done(never, done).ok() && done);
  CHECK(wait(stream, never).ok());
  CHECK(record(first, stream).ok());
  CHECK(elapsed(first, never, milliseconds).code == Code::invalid_argument);
  {
    const Buffer<float> data(std::vector<float>(32, 0));
    CHECK(fill(stream, data.data, 0, 128).ok() && record(second, stream).ok());
    // Whoever asks often enough gets there without waiting.
    int asked = 0;
    for (done = false; !done && asked < 1000; asked++) CHECK(is_done(second, done).ok());
    CHECK(done);
    CHECK(elapsed(first, second, milliseconds).ok() && milliseconds >= 0);
    // Recorded anew, it is not done.
    CHECK(fill(stream, data.data, 0, 128).ok() && record(second, stream).ok());
    CHECK(elapsed(first, second, milliseconds).code == Code::invalid_argument);
    CHECK(synchronise(stream).ok());
  }
  for (Event* event : {never, first, second}) destroy_event(event);
}

void many_host_threads() {
  std::vector<std::thread> threads;
  std::vector<int> right(4, 0);
  for (int t = 0; t < 4; t++)
    threads.emplace_back([t, &right] {
      Stream* own = nullptr;
      void *memory = nullptr, *pinned = nullptr;
      bool ok = create_stream(0, own).ok() && allocate(0, 512, memory).ok() && allocate_pinned(512, pinned).ok();
      const Numbers argument{static_cast<float*>(memory)};
      for (int round = 0; round < 50 && ok; round++) {
        ok = fill(own, memory, 0, 512).ok();
        for (int i = 0; i <= t && ok; i++)
          ok = launch(own, kernel_of("increment", increment), {4, 32, 0}, &argument).ok();
        ok = ok && copy(own, pinned, memory, 512).ok() && synchronise(own).ok();
        const auto* result = static_cast<const float*>(pinned);
        ok = ok && std::all_of(result, result + 128, [&](float x) { return x == float(t + 1); });
      }
      destroy_stream(own);
      release(0, memory);
      release_pinned(pinned);
      right[std::size_t(t)] = ok;
    });
  // Accesses of this thread are no kernel's, whoever runs one meanwhile.
  std::vector<int> own(64, 0);
  for (int round = 0; round < 100'000; round++)
    for (volatile int& value : own) value = value + 1;
  for (std::thread& thread : threads) thread.join();
  CHECK(std::count(right.begin(), right.end(), 1) == 4);
}

// Run in a process of its own: prints what the environment made of the devices.
int print_environment() {
  const Probe found = probe();
  const emulation::Settings s = emulation::settings();
  for (const auto& device : found.devices)
    std::printf("%s %lld ", device.info.name.c_str(), static_cast<long long>(device.info.memory));
  std::printf("%llu %d %d %d %d %s", static_cast<unsigned long long>(s.seed), s.poison, int(s.landing), s.check,
              s.reject_unwritten, found.problem.c_str());
  void* memory = nullptr;
  if (!found.devices.empty()) std::printf(" %s", code_name(allocate(0, 1, memory).code));
  release(0, memory);
  return 0;
}

std::string environment(const std::string& program, const std::string& value) {
  const std::string command = "BRAUER_EMULATION='" + value + "' '" + program + "' environment";
  FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  char line[512];
  while (pipe != nullptr && std::fgets(line, sizeof line, pipe) != nullptr) output += line;
  return pipe != nullptr && pclose(pipe) == 0 ? output : "failed";
}

void environments(const std::string& program) {
  const std::string all = environment(program,
                                      "devices=sm_75,sm_90 memory=4096 seed=7 poison=59 landing=earliest check=0 "
                                      "unwritten=reject fail=allocate:1:out-of-memory");
  CHECK_WITH(all == "emulated sm_75 4096 emulated sm_90 4096 7 59 0 0 1  out-of-memory", all);
  for (const char* wrong : {"colour=red", "devices=sm_1", "landing=never", "fail=launch:1", "seed"})
    CHECK_WITH(environment(program, wrong).find("BRAUER_EMULATION: expected key=value") != std::string::npos, wrong);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2) return print_environment();
  every_call_fails_on_demand();
  the_nth_call_fails();
  a_kernel_fails_while_it_runs();
  devices_have_their_limits();
  CHECK(emulation::reset());
  CHECK(create_stream(0, stream).ok());
  poisons_show_what_nobody_wrote();
  the_second_net();
  events();
  many_host_threads();
  destroy_stream(stream);
  CHECK((emulation::live() == emulation::Live{0, 0, 0}));
  environments(argv[0]);
  return check::finish();
}
