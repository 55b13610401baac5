// Memory of devices: what is kept and limited, copies there and back, runs whose operands lie there, and what becomes
// of all of it when any call to the device fails.
#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>

#include "compare.h"
#include "core/cuda.h"
#include "cuda/fixture.h"
#include "cuda/pool.h"

using namespace brauer;
using namespace brauer::cuda;
using emulation::Call;

namespace {

using Array = std::shared_ptr<const DeviceArray>;

Array array_of(std::size_t bytes) {
  Status status;
  Array array = make_array(0, std::int64_t(bytes), status);
  CHECK_WITH(array != nullptr, status.message);
  return array;
}

MemoryUse use() {
  MemoryUse result;
  CHECK(memory_use(0, result).ok());
  return result;
}

void memory_is_kept_and_limited() {
  CHECK(emulation::reset());
  emulation::limit_memory(0, 10 << 20);
  keep_memory(4 << 20);
  void *a = nullptr, *b = nullptr;
  CHECK(take(0, 1000000, a).ok() && use().used >= 1000000);
  give(0, a);
  CHECK(use().used == 0 && use().kept >= 1000000 && use().peak == use().kept);
  // A little less fits the same block.
  CHECK(take(0, 990000, b).ok() && b == a && use().kept == 0);
  // Without room left, what is kept makes place; what is used does not.
  CHECK(take(0, 3 << 20, a).ok());
  give(0, a);
  void* large = nullptr;
  CHECK(take(0, 8 << 20, large).ok() && use().kept == 0);
  CHECK(take(0, 8 << 20, a).code == Code::out_of_memory && a == nullptr);
  give(0, large);
  CHECK(use().kept == 0);  // more than may be kept
  // The limit counts what is kept, which goes first.
  limit_memory(0, 5 << 20);
  CHECK(take(0, 3 << 20, a).ok());
  give(0, a);
  CHECK(take(0, (4 << 20) + 1, a).code == Code::out_of_memory && use().kept == 0);
  CHECK(available(0) == (5 << 20) - use().used && take(0, 3 << 20, a).ok());
  // A limit below what is used leaves nothing.
  limit_memory(0, 1 << 20);
  void* none = nullptr;
  const Status past = take(0, 1 << 20, none);
  CHECK_WITH(past.code == Code::out_of_memory && past.message.find("at most 0 bytes") != std::string::npos,
             past.message);
  CHECK(available(0) == 0 && none == nullptr);
  limit_memory(0, 0);
  give(0, a);
  give(0, b);
  drop_memory(0);
  CHECK((emulation::live() == emulation::Live{0, 0, 0}) && use().free == use().total);
  keep_memory(0);
}

std::vector<unsigned char> counted(std::size_t size) {
  std::vector<unsigned char> bytes(size);
  for (std::size_t i = 0; i < size; i++) bytes[i] = static_cast<unsigned char>(i * 7 + i / 251);
  return bytes;
}

// There, to another place there, and back. Lengths around those of the pinned pieces.
void copies_arrive() {
  CHECK(emulation::reset());
  Status status;
  const auto copier = make_copier(0, 2, status);
  if (!CHECK_WITH(copier != nullptr, status.message)) return;
  CHECK(copier->device() == 0 && make_copier(1, 2, status) == nullptr && status.code == Code::invalid_argument);
  // Operands of other elements would be checked as those of 2 bytes, and those of none divided by.
  for (const int bytes : {-8, 0, 1, 3, 5, 6, 7, 16}) {
    CHECK(make_copier(0, bytes, status) == nullptr && status.code == Code::invalid_argument);
    CHECK_WITH(status.message.find("expected 2, 4 or 8, received " + std::to_string(bytes)) != std::string::npos,
               status.message);
  }
  for (const std::size_t size : {0, 2, 1002, (4 << 20) - 2, (4 << 20) + 2, (13 << 20) + 6}) {
    auto host = counted(size), back = std::vector<unsigned char>(size, 1);
    const Array first = array_of(size), second = array_of(size);
    const bool there[] = {false, true}, within[] = {true, true}, here[] = {true, false};
    const auto move = [&](void* from, void* to, const bool* resident) {
      void* const operands[] = {from, to};
      CHECK(copier->run_resident(std::int64_t(size / 2), operands, resident, nullptr).ok());
    };
    move(host.data(), first->data(), there);
    std::fill(host.begin(), host.end(), 0);
    move(first->data(), second->data(), within);
    move(second->data(), back.data(), here);
    CHECK_WITH(back == counted(size), std::to_string(size) + " bytes");
  }
  const std::atomic<bool> cancelled{true};
  auto host = counted(64);
  const Array array = array_of(64);
  void* const operands[] = {host.data(), array->data()};
  const bool there[] = {false, true};
  CHECK(copier->run_resident(32, operands, there, &cancelled).code == Code::aborted);
}

// A run whose operands partly lie on the device; which, by the bits of `mask`.
struct Mixed {
  const DeviceProgram& program;
  compare::Operands host;
  std::vector<Array> arrays;
  std::vector<void*> pointers;
  std::unique_ptr<bool[]> resident;
  Index batch;

  Mixed(const DeviceProgram& p, Dtype dtype, Index items, unsigned mask, Stream* on) : program(p), batch(items) {
    host = compare::allocate(program, batch);
    compare::fill(program, dtype, host, 0, batch, true, 11);
    arrays.resize(host.bytes.size());
    pointers = host.pointers;
    resident = std::make_unique<bool[]>(host.bytes.size());
    for (std::size_t i = 0; i < arrays.size(); i++) {
      resident[i] = (mask >> i & 1) != 0;
      if (!resident[i]) continue;
      arrays[i] = array_of(host.bytes[i]);
      pointers[i] = arrays[i]->data();
      if (!program.operand(i).output && host.bytes[i] > 0)
        CHECK(copy(on, pointers[i], host.pointers[i], host.bytes[i]).ok());
    }
    CHECK(synchronise(on).ok());
  }

  Status run() const { return program.run_resident(batch, pointers.data(), resident.get(), nullptr); }

  // The bits of all outputs.
  std::vector<unsigned char> read(Stream* on) const {
    std::vector<unsigned char> bits;
    for (std::size_t i = 0; i < arrays.size(); i++) {
      if (!program.operand(i).output) continue;
      std::vector<unsigned char> bytes(host.bytes[i]);
      if (resident[i] && !bytes.empty())
        CHECK(copy(on, bytes.data(), pointers[i], bytes.size()).ok());
      else if (!bytes.empty())
        std::memcpy(bytes.data(), host.pointers[i], bytes.size());
      bits.insert(bits.end(), bytes.begin(), bytes.end());
    }
    return bits;
  }
};

std::unique_ptr<DeviceProgram> load_case(const compare::Case& test, Dtype dtype, Mode mode, std::int64_t memory) {
  Status status;
  LoadOptions options;
  options.mode = mode, options.memory = memory;
  return load(test.words.data(), test.words.size(), dtype, options, status);
}

// Operands anywhere give the bits that they give on the host, whole and cut.
void operands_lie_anywhere() {
  CHECK(emulation::reset());
  Stream* on = nullptr;
  CHECK(create_stream(0, on).ok());
  for (std::uint64_t seed = 1; seed <= 10; seed++) {
    const Dtype dtype = Dtype(seed % 4);
    const Mode mode = seed % 2 ? Mode::fused : Mode::staged;
    const compare::Case test = compare::random_case(seed, seed % 3 == 0);
    const auto program = load_case(test, dtype, mode, std::int64_t(1) << 30);
    // What sums over items does so in parts that depend on how they are cut.
    const auto cut =
        seed % 3 == 0 ? load_case(test, dtype, mode, std::int64_t(1) << 30) : load_case(test, dtype, mode, 4096);
    if (!CHECK(program != nullptr && cut != nullptr)) continue;
    const Index batch = seed % 5 == 0 ? 1 : 19;
    const Mixed host(*program, dtype, batch, 0, on);
    CHECK(host.run().ok());
    const auto expected = host.read(on);
    for (const unsigned mask : {~0u, 0x55555555u, 0xaaaaaaaau, 1u})
      for (const DeviceProgram* each : {program.get(), cut.get()}) {
        const Mixed mixed(*each, dtype, batch, mask, on);
        const Status status = mixed.run();
        CHECK_WITH(status.ok() && mixed.read(on) == expected, test.name + " " + status.message);
      }
  }
  destroy_stream(on);
  CHECK((emulation::live() == emulation::Live{0, 0, 0}));
}

// Where the limit leaves room for one item at a time a call is cut, although blocks are larger than what is asked for.
void limited_calls_are_cut() {
  CHECK(emulation::reset());
  keep_memory(1 << 30);
  Stream* on = nullptr;
  CHECK(create_stream(0, on).ok());
  for (const std::uint64_t seed : {1, 4}) {
    const compare::Case test = compare::random_case(seed, false);
    const Dtype dtype = seed % 2 ? Dtype::f32 : Dtype::bf16;
    const auto program = load_case(test, dtype, Mode::staged, std::int64_t(1) << 30);
    const auto single = load_case(test, dtype, Mode::staged, 1);
    if (!CHECK(program != nullptr && single != nullptr)) continue;
    const Mixed host(*program, dtype, 9, 0, on), one(*single, dtype, 9, 0, on);
    CHECK(host.run().ok());
    const auto expected = host.read(on);
    const std::int64_t used = use().used;
    std::int64_t need = 512;
    for (limit_memory(0, used + need); one.run().code == Code::out_of_memory && need < 1 << 20; need *= 2)
      limit_memory(0, used + 2 * need);
    CHECK(need < 1 << 20);
    for (std::int64_t limit = need; limit < 5 * need; limit += need / 2) {
      limit_memory(0, used + limit);
      const Status status = host.run();
      CHECK_WITH(status.ok() && host.read(on) == expected, test.name + " " + status.message);
    }
    limit_memory(0, 0);
  }
  destroy_stream(on);
  drop_memory(0);
  keep_memory(0);
  CHECK((emulation::live() == emulation::Live{0, 0, 0}));
}

// Chunks begin at multiples of 16 bytes of the operands on the device: a batch below such a multiple takes no more for
// it.
void small_batches_stay_small() {
  CHECK(emulation::reset());
  Stream* on = nullptr;
  const compare::Case test = compare::random_case(4, false);
  const auto whole = load_case(test, Dtype::f16, Mode::staged, std::int64_t(1) << 30);
  const auto cut = load_case(test, Dtype::f16, Mode::staged, 1);
  if (!CHECK(whole != nullptr && cut != nullptr && create_stream(0, on).ok())) return;
  {
    const Mixed mixed(*whole, Dtype::f16, 3, 1, on), small(*cut, Dtype::f16, 3, 1, on);
    const auto needs = [](const Mixed& run) {
      const std::int64_t used = use().used;
      std::int64_t need = 64;
      for (limit_memory(0, used + need); !run.run().ok() && need < 1 << 20; need += 64)
        limit_memory(0, used + need + 64);
      limit_memory(0, 0);
      return need;
    };
    std::int64_t unit = 1;
    for (std::size_t i = 0; i < mixed.arrays.size(); i++)
      if (mixed.resident[i]) unit = std::max(unit, 16 / std::gcd(std::int64_t(16), whole->operand(i).size * 2));
    CHECK_WITH(unit > 3, std::to_string(unit));
    CHECK(needs(small) <= needs(mixed));
  }
  destroy_stream(on);
}

// Items that take no memory beside their operands, which lie on the device, are not counted against what is left.
void nothing_is_cut_for_nothing() {
  std::int64_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 4; seed++) {
    CHECK(emulation::reset());
    const compare::Case test = compare::random_case(seed, false);
    const auto program = load_case(test, Dtype::f32, Mode::fused, std::int64_t(1) << 30);
    Stream* on = nullptr;
    if (!CHECK(program != nullptr && create_stream(0, on).ok())) continue;
    {
      const Mixed mixed(*program, Dtype::f32, 300, ~0u, on);
      CHECK(mixed.run().ok());
      const auto expected = mixed.read(on);
      const std::int64_t used = use().used;
      for (std::int64_t need = 8; need < 280; need += 32) {
        limit_memory(0, used + need);
        const std::int64_t before = emulation::calls(Call::launch);
        if (!mixed.run().ok()) continue;
        CHECK_WITH(emulation::calls(Call::launch) == before + 1,
                   test.name + " with " + std::to_string(need) + " bytes");
        CHECK(mixed.read(on) == expected);
        compared++;
        break;
      }
      limit_memory(0, 0);
    }
    destroy_stream(on);
  }
  CHECK(compared > 1);
}

// ThreadSanitizer takes a second for each, and errors are no matter of threads: it sees some of them.
const std::int64_t step = emulation::finder() == emulation::Finder::thread_sanitizer ? 7 : 1;

// With what is loaded and with what the operands take, everything that a call needs is asked for in vain once.
void every_call_of_a_run_fails(Code code) {
  std::int64_t tries = 0, losses = 0, cuts = 0;
  for (std::int64_t n = 1;; n += step) {
    tries++;
    CHECK(emulation::reset({"sm_80", "sm_80"}));
    const std::string label = std::string(code_name(code)) + " at call " + std::to_string(n);
    bool done = false;
    {
      const compare::Case test = compare::random_case(4, true);
      // A batch in one chunk, which may become several, and one in several.
      const bool whole = code == Code::out_of_memory;
      const auto program = load_case(test, Dtype::f16, Mode::staged, whole ? std::int64_t(1) << 30 : 2048);
      Stream* on = nullptr;
      CHECK(program != nullptr && create_stream(0, on).ok());
      {
        const Mixed mixed(*program, Dtype::f16, whole ? 20 : 6, 0xaaaaaaaau, on);
        const auto before = emulation::live();
        const std::int64_t calls = emulation::calls(Call::any);
        emulation::fail(Call::any, n, code);
        const Status status = mixed.run();
        done = emulation::calls(Call::any) - calls < n;
        // Without the memory for all of it a batch is cut.
        const bool is_cut = !done && status.ok() && code == Code::out_of_memory;
        cuts += is_cut;
        CHECK_WITH(done ? status.ok() : is_cut || status.code == code, label + ": " + status.message);
        if (!status.ok()) CHECK_WITH(emulation::live() == before, label + " leaves what it took");
        // Afterwards the device is as it was, or lost with its cause; pinned memory belongs to no device.
        if (!done) {
          std::int64_t free = 0, total = 0;
          const bool is_lost = free_memory(0, free, total).code == Code::device_lost;
          losses += is_lost;
          const Status again = mixed.run();
          CHECK_WITH(again.code == (is_lost ? Code::device_lost : Code::ok), label + ", then: " + again.message);
        }
      }
      destroy_stream(on);
    }
    CHECK_WITH((emulation::live() == emulation::Live{0, 0, 0}), label);
    if (done) {
      CHECK(n > 20);
      CHECK(code == Code::device_lost ? losses > tries / 2 && cuts == 0 : losses == 0 && (step > 1 || cuts > 2));
      return;
    }
    Status status;
    CHECK_WITH(make_array(1, 64, status) != nullptr, label + ", another device: " + status.message);
  }
}

void every_call_of_a_load_or_copy_fails(Code code) {
  bool done = false;
  for (std::int64_t n = 1; !done; n += step) {
    CHECK(emulation::reset());
    const std::string label = std::string(code_name(code)) + " at call " + std::to_string(n);
    emulation::fail(Call::any, n, code);
    const compare::Case test = compare::random_case(5, false);
    Status status;
    const auto program = load(test.words.data(), test.words.size(), Dtype::f32, LoadOptions(), status);
    CHECK_WITH(program != nullptr ? status.ok() : status.code == code, label + ": " + status.message);
    if (program == nullptr) {
      CHECK((emulation::live() == emulation::Live{0, 0, 0}));
      continue;
    }
    const auto copier = make_copier(0, 4, status);
    const Array array = make_array(0, 5 << 20, status);
    if (array == nullptr) {
      CHECK_WITH(status.code == code, label);
      continue;
    }
    auto host = counted(5 << 20);
    void *there[] = {host.data(), array->data()}, *back[] = {array->data(), host.data()};
    const bool to[] = {false, true}, from[] = {true, false};
    status = copier->run_resident(5 << 18, there, to, nullptr);
    if (status.ok()) status = copier->run_resident(5 << 18, back, from, nullptr);
    CHECK_WITH(status.ok() || status.code == code, label + ": " + status.message);
    done = status.ok();
  }
  CHECK((emulation::live() == emulation::Live{0, 0, 0}));
}

}  // namespace

int main() {
  memory_is_kept_and_limited();
  copies_arrive();
  operands_lie_anywhere();
  limited_calls_are_cut();
  small_batches_stay_small();
  nothing_is_cut_for_nothing();
  for (const Code code : {Code::out_of_memory, Code::device_lost}) {
    every_call_of_a_run_fails(code);
    every_call_of_a_load_or_copy_fails(code);
  }
  return check::finish();
}
