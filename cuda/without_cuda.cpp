#include "core/cuda.h"

// The whole of CUDA in a build without nvcc.
namespace brauer::cuda {

Probe probe() {
  Probe result;
  result.problem = "expected a build with CUDA, received one without";
  return result;
}

std::unique_ptr<DeviceProgram> load(const double*, std::size_t, Dtype, const LoadOptions&, Status& status) noexcept {
  status = Status::error(Code::invalid_argument, "load: " + probe().problem);
  return nullptr;
}

Status find_device(int, DeviceInfo*) { return Status::error(Code::invalid_argument, probe().problem); }
Status memory_use(int, MemoryUse&) noexcept { return find_device(0); }
void limit_memory(int, std::int64_t) {}
void keep_memory(std::int64_t) {}
void drop_memory(int) {}

DeviceArray::~DeviceArray() = default;

std::shared_ptr<const DeviceArray> make_array(int, std::int64_t, Status& status) noexcept {
  status = find_device(0);
  return nullptr;
}

std::unique_ptr<Executable> make_copier(int, int, Status& status) noexcept {
  status = find_device(0);
  return nullptr;
}

std::unique_ptr<Executable> make_mover(const Executable&, const double*, std::size_t, Status& status) noexcept {
  status = find_device(0);
  return nullptr;
}

}  // namespace brauer::cuda
