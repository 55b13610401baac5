#pragma once

#include <string>
#include <string_view>

// What the numbers of the CUDA runtime mean. No CUDA header is needed here, so that all of it is tested everywhere.
namespace brauer::cuda {

enum class Failure { none, out_of_memory, lost, other };

// error: a cudaError_t. `lost` are the errors after which every later call to the device fails.
Failure failure_of(int error);

// 13010 -> "13.1"; "" for 0, which is what the runtime says where there is none.
std::string version_text(int version);

// Why the devices could not be counted, by the error of cudaGetDeviceCount and the versions of the driver (0: none) and
// of the runtime; "" where they could.
std::string no_device_problem(int error, const std::string& error_name, int driver, int runtime);

// Why a device of this compute capability cannot run the kernels of this build; "" where it can. architectures: as in
// CMAKE_CUDA_ARCHITECTURES, separated by commas: "90-real" is machine code, "90-virtual" PTX, "90" both.
std::string device_problem(int major, int minor, std::string_view architectures, int driver, int runtime);

}  // namespace brauer::cuda
