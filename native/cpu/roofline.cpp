#include "core/roofline.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "core/backend.h"
#include "core/parallel.h"
#include "cpu/dispatch.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace brauer {
namespace {

constexpr Index kCopyChunk = 1 << 20;
constexpr double kSeconds = 0.4;
constexpr int kLeastPasses = 5;

// out and in: aligned to 16 bytes, and a multiple of 64 long. Stores go past the caches, as those of a run whose
// outputs do not fit there: a cache would read every line of `out` before writing it.
void stream(std::byte* out, const std::byte* in, Index bytes) {
#if defined(__SSE2__)
  for (Index i = 0; i < bytes; i += 64) {
    const auto* from = reinterpret_cast<const __m128i*>(in + i);
    auto* to = reinterpret_cast<__m128i*>(out + i);
    const __m128i a = _mm_load_si128(from), b = _mm_load_si128(from + 1);
    const __m128i c = _mm_load_si128(from + 2), d = _mm_load_si128(from + 3);
    _mm_stream_si128(to, a);
    _mm_stream_si128(to + 1, b);
    _mm_stream_si128(to + 2, c);
    _mm_stream_si128(to + 3, d);
  }
  _mm_sfence();
#else
  std::memcpy(out, in, std::size_t(bytes));
#endif
}

// The most `amount` in a second over passes of `pass`, which returns what it has done.
template <class F>
Status best_rate(F&& pass, double& rate) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::time_point from) {
    return std::chrono::duration<double>(Clock::now() - from).count();
  };
  const Clock::time_point start = Clock::now();
  rate = 0;
  for (int count = 0; count < kLeastPasses || seconds(start) < kSeconds; count++) {
    const Clock::time_point begin = Clock::now();
    double amount = 0;
    if (Status status = pass(amount); !status.ok()) return status;
    rate = std::max(rate, amount / seconds(begin));
  }
  return {};
}

Status measure_copy(int threads, double& rate) {
  // Far past the last cache, and past those of virtual machines that do not tell their true size.
  const Index most = Index(512) << 20, least = Index(128) << 20;
  const Index chunks = std::clamp(4 * cpu_info().llc, least, most) / kCopyChunk;
  const Index bytes = chunks * kCopyChunk;
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete[](memory, std::align_val_t(64)); }
  };
  const auto allocate = [bytes] {
    return std::unique_ptr<std::byte[], Free>(new (std::align_val_t(64), std::nothrow) std::byte[std::size_t(bytes)]);
  };
  const auto in = allocate(), out = allocate();
  if (!in || !out)
    return Status::error(Code::out_of_memory, "roofline: expected memory for two arrays of " + std::to_string(bytes) +
                                                  " bytes, received none");
  // Each page is touched by one of the threads before anything is timed.
  auto touch = [&](Index begin, Index end) -> Status {
    std::memset(in.get() + begin * kCopyChunk, 1, std::size_t((end - begin) * kCopyChunk));
    std::memset(out.get() + begin * kCopyChunk, 2, std::size_t((end - begin) * kCopyChunk));
    return {};
  };
  if (Status status = parallel_for(threads, chunks, 1, touch); !status.ok()) return status;
  return best_rate(
      [&](double& amount) {
        auto copy = [&](Index begin, Index end) -> Status {
          stream(out.get() + begin * kCopyChunk, in.get() + begin * kCopyChunk, (end - begin) * kCopyChunk);
          return {};
        };
        amount = 2.0 * double(bytes);
        return parallel_for(threads, chunks, 1, copy);
      },
      rate);
}

template <class T>
Status measure_peak(int threads, Index (*peak)(Index, T*), double& rate) {
  // Many pieces for each thread, each some 50 µs long: one that wakes late costs little.
  constexpr Index kSteps = 1 << 13, kPieces = 64;
  std::vector<Index> flops(std::size_t(threads) * kPieces);
  return best_rate(
      [&](double& amount) {
        auto body = [&](Index begin, Index end) -> Status {
          for (Index i = begin; i < end; i++) {
            T values[64] = {T(0.75), T(0.25)};  // as wide as the widest vector of any set
            flops[std::size_t(i)] = peak(kSteps, values);
            // A result that nobody looks at need not be computed.
            if (!(values[0] > 0)) return Status::error(Code::internal, "roofline: expected a positive sum");
          }
          return {};
        };
        const Status status = parallel_for(threads, Index(flops.size()), 1, body);
        for (const Index each : flops) amount += double(each);
        return status;
      },
      rate);
}

}  // namespace

Status measure_roofline(int threads, Dtype dtype, Roofline& result) noexcept {
  try {
    std::string error;
    const KernelTable* const table = choose_implementation(error);
    if (table == nullptr) return Status::error(Code::internal, error);
    if (threads == 0) threads = default_threads().threads;
    Status status = measure_copy(threads, result.copy);
    if (!status.ok()) return status;
    return dtype == Dtype::f64 ? measure_peak(threads, table->f64.peak, result.peak)
                               : measure_peak(threads, table->f32.peak, result.peak);
  } catch (const std::bad_alloc&) {
    return Status::error(Code::out_of_memory, "roofline: expected memory, received none");
  }
}

}  // namespace brauer
