// Mutated programs are refused or run without any fault (to be built with AddressSanitizer and UBSan): the verifier is
// what stands between a hostile file and memory.
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>

#include "check.h"
#include "cpu/dispatch.h"
#include "cpu/executor.h"
#include "generate.h"

// A program may ask for any amount of scratch; a null pointer is the answer that the executor expects.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1:max_allocation_size_mb=4096"; }

using namespace brauer;

namespace {

constexpr Index kMostElements = 1 << 20;

// Sets the flag of a run that takes too long: verified programs may loop for ever, and must stop when told.
class Watchdog {
 public:
  Watchdog() : thread_([this] { watch(); }) {}
  ~Watchdog() {
    {
      std::lock_guard lock(mutex_);
      quit_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  std::atomic<bool> flag{false};

  void start() {
    std::lock_guard lock(mutex_);
    flag = false;
    running_ = true;
    deadline_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    wake_.notify_all();
  }
  void stop() {
    std::lock_guard lock(mutex_);
    running_ = false;
  }

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    while (!quit_) {
      if (!running_)
        wake_.wait(lock);
      else if (wake_.wait_until(lock, deadline_) == std::cv_status::timeout && running_ &&
               std::chrono::steady_clock::now() >= deadline_)
        flag = true, running_ = false;
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::chrono::steady_clock::time_point deadline_;
  bool running_ = false, quit_ = false;
  std::thread thread_;
};

double strange(build::Random& random, const std::vector<double>& words) {
  static const double specials[] = {0,
                                    1,
                                    -1,
                                    2,
                                    3,
                                    7,
                                    8,
                                    9,
                                    16,
                                    31,
                                    32,
                                    33,
                                    64,
                                    255,
                                    256,
                                    1e4,
                                    0x1p31,
                                    0x1p32,
                                    0x1p52,
                                    0x1p53,
                                    -0x1p53,
                                    0x1p63,
                                    0.5,
                                    -0.0,
                                    std::numeric_limits<double>::quiet_NaN(),
                                    std::numeric_limits<double>::infinity(),
                                    1e300,
                                    5e-324};
  switch (random.below(3)) {
    case 0:
      return specials[random.below(Index(std::size(specials)))];
    case 1:
      return words[std::size_t(random.below(Index(words.size())))];
    default:
      return double(random.between(-4, 40));
  }
}

void mutate(build::Random& random, std::vector<double>& words) {
  for (Index i = random.between(1, 3); i > 0; i--) {
    // The header is small and soon refused: mostly what comes after it.
    const auto at =
        std::size_t(random.chance(95) ? random.between(8, Index(words.size()) - 1) : random.below(Index(words.size())));
    switch (random.below(6)) {
      case 0:
      case 1:
        words[at] = strange(random, words);
        break;
      case 2:
        words[at] += random.chance(50) ? 1 : -1;
        break;
      case 3:
        words[at] *= random.chance(50) ? 2 : -1;
        break;
      case 4:
        std::swap(words[at], words[std::size_t(random.below(Index(words.size())))]);
        break;
      default:
        if (random.chance(80)) {
          words[at] = double(random.below(4));
        } else {
          words.resize(at + 1);
          if (random.chance(50) && words.size() > 2) words[2] = double(words.size());
        }
    }
    if (words.size() < 12) return;
  }
}

enum class Outcome { refused, ran, stopped, too_large, no_memory, wrong };

Outcome run(const std::vector<double>& words, build::Random& random, const KernelTable* kernels, Watchdog& watchdog) {
  // In an allocation of its exact size, like the operands.
  const auto exact = std::make_unique<double[]>(words.size());
  std::copy(words.begin(), words.end(), exact.get());
  Status status;
  const double tiles[] = {64, 4096, 1 << 20};
  const ExecutorOptions options{kernels, tiles[random.below(3)], 1, std::int64_t(1 + random.below(64)), 0};
  const auto executable = load(exact.get(), words.size(), Dtype(random.below(4)), options, status);
  if (!executable)
    return status.code == Code::invalid_program && !status.message.empty() ? Outcome::refused : Outcome::wrong;
  const Index batch = random.below(4);
  Index elements = 0;
  for (std::size_t i = 0; i < executable->operand_count(); i++)
    elements = saturating_add(elements, saturating_multiply(4, executable->operand(i).size));
  if (elements > kMostElements) return Outcome::too_large;
  std::vector<std::unique_ptr<unsigned char[]>> data;
  std::vector<void*> pointers;
  for (std::size_t i = 0; i < executable->operand_count(); i++) {
    const Operand& operand = executable->operand(i);
    const auto bytes = std::size_t((operand.shared ? 1 : batch) * operand.size * operand.element_bytes);
    data.push_back(std::make_unique<unsigned char[]>(bytes));
    std::memset(data.back().get(), 0x3c, bytes);
    pointers.push_back(data.back().get());
  }
  watchdog.start();
  const int threads = int(random.between(1, 3));
  // On a thread of its own, whose scratch is as large as this program needs and no larger.
  std::thread([&] { status = executable->run(batch, pointers.data(), threads, &watchdog.flag); }).join();
  watchdog.stop();
  if (status.ok()) return Outcome::ran;
  if (status.code == Code::aborted) return Outcome::stopped;
  return status.code == Code::out_of_memory ? Outcome::no_memory : Outcome::wrong;
}

}  // namespace

int main(int argc, char** argv) {
  const int programs = argc > 1 ? std::atoi(argv[1]) : 10000;
  std::vector<const KernelTable*> tables;
  for (const Implementation& each : implementations())
    if (each.available) tables.push_back(each.table);
  Watchdog watchdog;
  int counts[6] = {};
  for (int i = 0; i < programs; i++) {
    build::Random random(std::uint64_t(i) * 7919 + 1);
    std::vector<double> words = build::encode(build::Generator(std::uint64_t(i % 200), i % 3 == 0).make());
    mutate(random, words);
    const auto start = std::chrono::steady_clock::now();
    const Outcome outcome = run(words, random, tables[std::size_t(i) % tables.size()], watchdog);
    const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    counts[int(outcome)]++;
    CHECK_WITH(outcome != Outcome::wrong, "program " + std::to_string(i));
    CHECK_WITH(ms < 3000, "program " + std::to_string(i) + " took " + std::to_string(ms) + " ms");
  }
  std::printf(
      "%d programs: %d refused, %d ran, %d stopped by the watchdog, %d too large to run here, %d without memory\n",
      programs, counts[0], counts[1], counts[2], counts[3], counts[4]);
  CHECK(counts[int(Outcome::refused)] > programs / 4);
  CHECK(counts[int(Outcome::ran)] > programs / 10);
  return check::finish();
}
