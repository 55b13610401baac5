#include "cuda/codes.h"

#include <cstdlib>

namespace brauer::cuda {
namespace {

constexpr int kInsufficientDriver = 35, kNoDevice = 100, kSystemNotReady = 802, kDriverMismatch = 803;
// What our kernels need: cuda/kernel_cuda.h has no code for anything older.
constexpr int kOldest = 75;

// "CUDA 13.0 (release 580 or later)": the first Linux release of the driver for that generation. Within one, every
// driver runs every runtime.
std::string driver_for(int runtime) {
  const int generation = runtime / 1000;
  const char* release = generation == 13   ? " (release 580 or later)"
                        : generation == 12 ? " (release 525 or later)"
                                           : "";
  return "an NVIDIA driver for CUDA " + version_text(runtime / 1000 * 1000) + release;
}

}  // namespace

Failure failure_of(int error) {
  switch (error) {
    case 0:
      return Failure::none;
    case 2:  // cudaErrorMemoryAllocation
      return Failure::out_of_memory;
    case 214:  // ECC error
    case 220:  // NVLink error
    case 221:  // JIT-compiled code went wrong on the device
    case 700:  // illegal address
    case 702:  // launch timeout
    case 709:  // the context was destroyed
    case 710:  // assert
    case 714:  // hardware stack error
    case 715:  // illegal instruction
    case 716:  // misaligned address
    case 717:  // invalid address space
    case 718:  // invalid program counter
    case 719:  // launch failure
    case 720:  // tensor memory leak
    case 721:  // a contained error
    case 805:  // MPS: connection lost
    case 806:  // MPS: remote procedure call failed
    case 807:  // MPS: server not ready
    case 809:  // MPS: client terminated
    case 911:  // an error of another device
    case 999:  // unknown
      return Failure::lost;
    default:
      return Failure::other;
  }
}

std::string version_text(int version) {
  return version == 0 ? "" : std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string no_device_problem(int error, const std::string& error_name, int driver, int runtime) {
  const std::string code = " (CUDA error " + std::to_string(error) + ", " + error_name + ")";
  if (error == 0) return "";
  if (driver == 0) return "expected " + driver_for(runtime) + ", received none" + code;
  if (error == kInsufficientDriver || error == kDriverMismatch)
    return "expected " + driver_for(runtime) + ", received " +
           (error == kDriverMismatch ? "one whose parts are of different releases"
                                     : "one for CUDA " + version_text(driver)) +
           code;
  if (error == kNoDevice) {
    const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
    return std::string("expected an NVIDIA device that CUDA may use, received none") +
           (visible == nullptr ? "" : std::string(" under CUDA_VISIBLE_DEVICES=") + visible) + code;
  }
  if (error == kSystemNotReady)
    return "expected NVIDIA devices that are ready, received a system that still starts them (is the fabric manager "
           "running?)" +
           code;
  return "expected a list of NVIDIA devices, received a failure" + code;
}

std::string device_problem(int major, int minor, std::string_view architectures, int driver, int runtime) {
  const int capability = major * 10 + minor;
  const std::string received = std::to_string(major) + "." + std::to_string(minor);
  if (capability < kOldest) return "expected compute capability 7.5 or later, received " + received;
  for (std::string_view rest = architectures; !rest.empty();) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(item.size() + (item.size() < rest.size()));
    const int built = std::atoi(std::string(item).c_str());
    const bool is_real = item.find("-virtual") == item.npos, is_virtual = item.find("-real") == item.npos;
    if (is_real && built / 10 == major && built % 10 <= minor) return "";
    // A driver compiles the PTX of its own and of older toolkits.
    if (is_virtual && built <= capability && driver >= runtime) return "";
  }
  return "expected a build with code for compute capability " + received + ", received one for " +
         std::string(architectures);
}

}  // namespace brauer::cuda
