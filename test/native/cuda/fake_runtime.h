#pragma once

#include <string>
#include <vector>

// The CUDA runtime as cuda/device_cuda.cpp calls it, with four devices that do nothing: it notes the calls, and fails
// where it is told to.
namespace fake {

inline std::vector<std::string> calls;  // since the last `clear`
inline std::string failing;             // the name of the function that fails, "" for none
inline int error = 0;                   // and how
inline int last_error = 0;              // what cudaGetLastError would say
inline int current_device = 0;
inline bool pageable = false;  // of every pointer that is asked about

inline void clear() {
  calls.clear();
  failing.clear();
  error = 0;
  pageable = false;
}
inline void fail(const char* name, int code) {
  clear();
  failing = name;
  error = code;
}
inline int count(const std::string& name) {
  int found = 0;
  for (const std::string& call : calls) found += call == name;
  return found;
}

}  // namespace fake
