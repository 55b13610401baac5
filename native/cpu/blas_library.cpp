#include "cpu/blas.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace brauer {
namespace {

#if defined(_WIN32)

void* open_library(const char* name, std::string& problem) {
  HMODULE const handle = LoadLibraryA(name);
  if (!handle) problem = "which does not open (error " + std::to_string(GetLastError()) + ")";
  return reinterpret_cast<void*>(handle);
}

void* find_symbol(void* library, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(reinterpret_cast<HMODULE>(library), name));
}

#else

void* open_library(const char* name, std::string& problem) {
  void* const handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* const text = dlerror();
    problem = std::string("which does not open: ") + (text ? text : "no reason given");
  }
  return handle;
}

void* find_symbol(void* library, const char* name) { return dlsym(library, name); }

#endif

template <class F>
F* find(void* library, const char* name) {
  return reinterpret_cast<F*>(find_symbol(library, name));
}

// The first two words of what OpenBLAS says of itself, its name and version, and the processor it takes this one for.
std::string describe_openblas(const std::string& config, const char* core) {
  const std::size_t end = config.find(' ', config.find(' ') + 1);
  return config.substr(0, end) + (core ? std::string(", ") + core : std::string());
}

std::string describe(void* handle) {
  if (auto* config = find<const char*()>(handle, "openblas_get_config")) {
    auto* core = find<const char*()>(handle, "openblas_get_corename");
    return describe_openblas(config(), core ? core() : nullptr);
  }
  if (auto* version = find<const char*()>(handle, "bli_info_get_version_str")) return std::string("BLIS ") + version();
  if (find<void>(handle, "MKL_Set_Num_Threads_Local")) return "MKL";
  return {};
}

bool has_wide_sizes(void* handle) {
  if (auto* config = find<const char*()>(handle, "openblas_get_config"))
    return std::string(config()).find("USE64BITINT") != std::string::npos;
  if (auto* bits = find<std::int64_t()>(handle, "bli_info_get_blas_int_type_size")) return bits() != 32;
  return false;
}

}  // namespace

std::unique_ptr<const BlasLibrary> open_blas(const std::string& name, std::string& found) {
  std::string problem;
  void* const handle = open_library(name.c_str(), problem);
  const auto refuse = [&] {
    found = "'" + name + "', " + problem;
    return nullptr;
  };
  if (!handle) return refuse();
  auto library = std::make_unique<BlasLibrary>();
  library->sgemm = find<CblasGemm<float>>(handle, "cblas_sgemm");
  library->dgemm = find<CblasGemm<double>>(handle, "cblas_dgemm");
  if (!library->sgemm || !library->dgemm) {
    problem = std::string("which lacks ") + (library->sgemm ? "cblas_dgemm" : "cblas_sgemm");
    return refuse();
  }
  // MKL's own choices, made at its first call, would be a threading library that may be missing, for which it ends the
  // process, and sizes that the environment chooses.
  if (auto* set_interface = find<int(int)>(handle, "MKL_Set_Interface_Layer")) set_interface(0);  // LP64
  if (auto* set_layer = find<int(int)>(handle, "MKL_Set_Threading_Layer")) set_layer(1);          // sequential
  if (has_wide_sizes(handle)) {
    problem = "whose sizes have 64 bits";
    return refuse();
  }
  for (const char* setter : {"openblas_set_num_threads_local", "MKL_Set_Num_Threads_Local", "BLASSetThreading"})
    if (!library->set_threads) library->set_threads = find<int(int)>(handle, setter);
  library->set_blis_threads = find<void(std::int64_t)>(handle, "bli_thread_set_num_threads");
  // Older OpenBLAS has a setting for the whole process alone.
  if (!library->set_threads)
    if (auto* set_all = find<void(int)>(handle, "openblas_set_num_threads")) set_all(1);
  const std::string text = describe(handle);
  library->name = text.empty() ? name : name + " (" + text + ")";
  return library;
}

}  // namespace brauer
