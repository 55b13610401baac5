#include <new>

#include "cuda/model.h"

namespace brauer::cuda {

// Limits and sizes from the datasheets and the programming guide's table of compute capabilities.
std::vector<DeviceInfo> known_devices() {
  constexpr std::int64_t kGiB = std::int64_t(1) << 30, kMiB = 1 << 20, kKiB = 1 << 10;
  return {
      {"NVIDIA H200", 9, 0, 132, 141 * kGiB, 227 * kKiB, 228 * kKiB, 50 * kMiB},
      {"NVIDIA H100", 9, 0, 132, 80 * kGiB, 227 * kKiB, 228 * kKiB, 50 * kMiB},
      {"NVIDIA A100", 8, 0, 108, 80 * kGiB, 163 * kKiB, 164 * kKiB, 40 * kMiB},
      {"NVIDIA L40S", 8, 9, 142, 48 * kGiB, 99 * kKiB, 100 * kKiB, 96 * kMiB},
      {"NVIDIA L4", 8, 9, 58, 24 * kGiB, 99 * kKiB, 100 * kKiB, 48 * kMiB},
      {"NVIDIA GeForce RTX 4090", 8, 9, 128, 24 * kGiB, 99 * kKiB, 100 * kKiB, 72 * kMiB},
  };
}

Status estimate(const double* words, std::size_t count, Dtype dtype, Precision precision, const DeviceInfo& device,
                std::int64_t batch, Estimate& fused, Estimate& staged) noexcept {
  try {
    Program program;
    Status status = decode(words, count, program);
    if (status.ok()) status = verify(program);
    if (!status.ok()) return status;
    const int bytes = compute_bytes(dtype), storage = storage_bytes(dtype);
    Compiled compiled;
    status = compile_for(program, bytes, precision, device, compiled);
    if (!status.ok()) return status;
    fused = estimate_fused(program, compiled, fused_layout(program, compiled, bytes, storage, device), bytes, storage,
                           batch, device);
    staged = estimate_staged(program, compiled, bytes, storage, batch, device);
    return {};
  } catch (const std::bad_alloc&) {
    return Status::error(Code::out_of_memory, "estimate: expected memory for a program, received none");
  } catch (...) {
    return Status::error(Code::internal, "estimate: unexpected failure");
  }
}

}  // namespace brauer::cuda
