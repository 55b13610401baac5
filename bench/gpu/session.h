#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cuda/device.h"
#include "gpu/report.h"

// What the parts of the runner share. A failure of the device or of the host is thrown as std::runtime_error and ends
// the run; an answer that is wrong is a row.
namespace brauer::gpu {

struct Options {
  std::string data = "data", out = "results.json", truth;  // truth: a folder for what PyTorch is checked against
  std::vector<std::string> phases, cases;                  // empty: all
  int device = 0;
  bool append = false;
  bool quick = false;                   // tiny sizes, for an emulated device
  std::int64_t most_batch = 1LL << 40;  // items of a case
  std::int64_t every = 1;               // only every so manieth vector
  double seconds = 0.4;                 // of timing, for each figure
};

struct Session {
  const Options& options;
  cuda::DeviceInfo info;
  cuda::Stream* stream;
  Report& report;
  double copy = 0, ffma = 0;  // measured, 0 where they were not
  int failed = 0;

  void fail(const std::string& of, const std::string& contender, const std::string& reason);
};

// Throws what a status says, unless it is fine.
void check(const Status& status);

bool is_chosen(const std::vector<std::string>& names, const std::string& name);

struct Executor {
  const char* name;
  cuda::Mode mode;
};
inline constexpr Executor kExecutors[] = {{"brauer fused", cuda::Mode::fused}, {"brauer staged", cuda::Mode::staged}};

// The largest ‖y − truth‖ / ‖truth‖ of an answer, truth in float64. float64 and float32 lose a few units to the order
// of their sums; 16-bit storage rounds each output once, by at most half a unit of its 11 or 8 bits.
inline double bound_of(Dtype stored) {
  switch (stored) {
    case Dtype::f64:
      return 1e-13;
    case Dtype::f32:
      return 2e-6;
    case Dtype::f16:
      return 0x1p-11 + 2e-6;
    case Dtype::bf16:
      return 0x1p-8 + 2e-6;
  }
  return 0;
}

// The phases.
void measure_rates(Session& session);
void check_vectors(Session& session);
void check_gradients(Session& session);
void measure_suite(Session& session);

}  // namespace brauer::gpu
