#pragma once

#include <cstdio>
#include <string>

// The whole test framework: CHECK counts, `finish` prints the closing line and gives the exit status.
namespace check {

inline int passed = 0, failed = 0;

inline bool report(bool ok, const char* file, int line, const char* what, const std::string& detail) {
  ok ? passed++ : failed++;
  if (!ok && failed <= 20)
    std::printf("%s:%d: failed: %s%s%s\n", file, line, what, detail.empty() ? "" : ": ", detail.c_str());
  return ok;
}

inline int finish() {
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace check

#define CHECK(condition) check::report(bool(condition), __FILE__, __LINE__, #condition, {})
#define CHECK_WITH(condition, detail) check::report(bool(condition), __FILE__, __LINE__, #condition, detail)
