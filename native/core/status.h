#pragma once

#include <string>
#include <utility>

namespace brauer {

// The names match `Status.code` of lib/backends/binding.d.ts, see `code_name`.
enum class Code {
  ok,
  invalid_program,
  invalid_buffer,
  invalid_argument,
  aborted,
  disposed,
  out_of_memory,
  device_lost,
  internal
};

// The core throws nothing at its callers: every failure is one of these.
struct [[nodiscard]] Status {
  Code code = Code::ok;
  std::string message;

  bool ok() const { return code == Code::ok; }
  static Status error(Code code, std::string message) { return {code, std::move(message)}; }
};

// The code as JavaScript sees it; "" for ok.
inline const char* code_name(Code code) {
  switch (code) {
    case Code::ok:
      return "";
    case Code::invalid_program:
      return "invalid-program";
    case Code::invalid_buffer:
      return "invalid-buffer";
    case Code::invalid_argument:
      return "invalid-argument";
    case Code::aborted:
      return "aborted";
    case Code::disposed:
      return "disposed";
    case Code::out_of_memory:
      return "out-of-memory";
    case Code::device_lost:
      return "device-lost";
    case Code::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace brauer
