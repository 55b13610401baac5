// What the device can do at most: the yardstick of the suite.
#include <algorithm>

#include "cuda/kernels/copy.h"
#include "cuda/memory.h"
#include "gpu/kernels.h"
#include "gpu/timing.h"

namespace brauer::gpu {
namespace {

void add_rate(Session& session, const char* name, const char* unit, double work, const Times& times) {
  session.report.add({{"kind", "rate"},
                      {"name", name},
                      {"unit", unit},
                      {"value", 1e3 * work / times.median},
                      {"low", 1e3 * work / times.high},
                      {"high", 1e3 * work / times.low},
                      {"runs", times.runs}});
}

}  // namespace

void measure_rates(Session& session) {
  const Options& options = session.options;
  const cuda::DeviceInfo& info = session.info;
  cuda::Stream* const stream = session.stream;
  // Bytes read plus bytes written, far past the last cache.
  const std::int64_t bytes = options.quick ? 1 << 14 : std::clamp<std::int64_t>(20 * info.l2, 1 << 28, info.memory / 8);
  cuda::DeviceMemory from(options.device), to(options.device);
  check(from.reserve(std::size_t(bytes)));
  check(to.reserve(std::size_t(bytes)));
  check(fill_inputs(stream, from.as<float>(), 1, bytes / 4, 8 * info.multiprocessors));
  int blocks = 0;
  check(cuda::occupancy(options.device, cuda::copy_kernel_of_device(), 256, 0, blocks));
  // A whole wave of blocks, or as many blocks as there is work for: whichever is faster.
  const std::int64_t wave = std::max(blocks, 1) * info.multiprocessors, all = (bytes / 16 + 1023) / 1024;
  for (const std::int64_t grid : {wave, all}) {
    const Times times = time_on_device(session, [&](int run) {
      cuda::DeviceMemory &a = run % 2 ? to : from, &b = run % 2 ? from : to;
      return cuda::launch_copy(stream, b.get(), a.get(), std::size_t(bytes), grid);
    });
    add_rate(session, grid == wave ? "copy, one wave of blocks" : "copy, all blocks", "B/s", 2.0 * double(bytes),
             times);
    session.copy = std::max(session.copy, 2e3 * double(bytes) / times.median);
  }
  const std::int64_t peak_blocks = options.quick ? 1 : 8 * info.multiprocessors, steps = options.quick ? 4 : 1 << 15;
  check(to.reserve(std::size_t(peak_blocks * kPeakThreads) * sizeof(float)));
  struct {
    Unit unit;
    const char* name;
  } const units[] = {{Unit::ffma, "FFMA"}, {Unit::tf32, "tf32 by mma.sync"}, {Unit::bf16, "bf16 by mma.sync"}};
  for (const auto& [unit, name] : units) {
    // 7.5 has no such products, and counts on FFMA in their place.
    if (unit != Unit::ffma && info.major < 8) continue;
    const double work = peak_flops(unit, peak_blocks, steps);
    const Unit chosen = unit;
    const Times times =
        time_on_device(session, [&](int) { return launch_peak(stream, chosen, peak_blocks, steps, to.as<float>()); });
    add_rate(session, name, "flop/s", work, times);
    if (unit == Unit::ffma) session.ffma = 1e3 * work / times.median;
  }
}

}  // namespace brauer::gpu
