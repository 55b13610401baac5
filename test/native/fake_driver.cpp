// A driver of NVIDIA that has nothing but a version and an answer to the request to start: the addon loads it where
// LD_LIBRARY_PATH has it as libcuda.so.1. FAKE_CUDA_DRIVER: the version, FAKE_CUDA_INIT: the answer.
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace {

int number(const char* name, int otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}
int unknown() { return 999; }

}  // namespace

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

FAKE_EXPORT int cuDriverGetVersion(int* version) { return *version = number("FAKE_CUDA_DRIVER", 13000), 0; }
FAKE_EXPORT int cuInit(unsigned) { return number("FAKE_CUDA_INIT", 0); }
FAKE_EXPORT int cuGetProcAddress_v2(const char* name, void** function, int, std::uint64_t, int* status) {
  *function = reinterpret_cast<void*>(unknown);
  if (std::strcmp(name, "cuDriverGetVersion") == 0) *function = reinterpret_cast<void*>(cuDriverGetVersion);
  if (std::strcmp(name, "cuInit") == 0) *function = reinterpret_cast<void*>(cuInit);
  if (std::strcmp(name, "cuGetProcAddress") == 0) *function = reinterpret_cast<void*>(cuGetProcAddress_v2);
  if (status != nullptr) *status = 0;
  return 0;
}
