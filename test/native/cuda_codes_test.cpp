// What the numbers of the CUDA runtime are taken for.
#include <string>

#include "check.h"
#include "cuda/codes.h"

using namespace brauer::cuda;

namespace {

void expect(const std::string& received, const std::string& expected) {
  CHECK_WITH(received == expected, "expected \"" + expected + "\", received \"" + received + "\"");
}

bool has(const std::string& text, const char* part) { return text.find(part) != text.npos; }

}  // namespace

int main() {
  expect(version_text(0), "");
  expect(version_text(12040), "12.4");
  expect(version_text(13000), "13.0");

  CHECK(failure_of(0) == Failure::none);
  CHECK(failure_of(2) == Failure::out_of_memory);
  for (const int sticky : {214, 700, 702, 710, 715, 716, 717, 718, 719, 999})
    CHECK(failure_of(sticky) == Failure::lost);
  // A wrong argument, no device, a launch that asks for too much, not ready, no code for the device.
  for (const int passing : {1, 100, 101, 209, 400, 600, 701}) CHECK(failure_of(passing) == Failure::other);

  expect(no_device_problem(0, "cudaSuccess", 13000, 13000), "");
  expect(no_device_problem(35, "x", 0, 13000),
         "expected an NVIDIA driver for CUDA 13.0 (release 580 or later), received none (CUDA error 35, x)");
  expect(
      no_device_problem(35, "x", 12040, 13010),
      "expected an NVIDIA driver for CUDA 13.0 (release 580 or later), received one for CUDA 12.4 (CUDA error 35, x)");
  CHECK(has(no_device_problem(35, "x", 11080, 12080), "CUDA 12.0 (release 525 or later)"));
  CHECK(has(no_device_problem(100, "x", 13000, 13000), "expected an NVIDIA device that CUDA may use, received none"));
  CHECK(has(no_device_problem(802, "x", 13000, 13000), "fabric manager"));
  CHECK(has(no_device_problem(803, "x", 13000, 13000), "of different releases"));
  CHECK(has(no_device_problem(999, "x", 13000, 13000), "received a failure (CUDA error 999, x)"));

  const char* const release = "75-real,80-real,86-real,89-real,90-real,100-real,120";
  const auto problem = [&](int major, int minor, const char* code, int driver = 13000, int runtime = 13000) {
    return device_problem(major, minor, code, driver, runtime);
  };
  for (const auto& [major, minor] :
       {std::pair{7, 5}, {8, 0}, {8, 6}, {8, 7}, {8, 9}, {9, 0}, {10, 0}, {10, 3}, {12, 0}, {12, 1}, {13, 0}})
    expect(problem(major, minor, release), "");
  expect(problem(7, 0, release), "expected compute capability 7.5 or later, received 7.0");
  // Between 10 and 12 there is machine code for neither, and PTX only for a later one.
  CHECK(
      has(problem(11, 0, release), "expected a build with code for compute capability 11.0, received one for 75-real"));
  CHECK(has(problem(8, 0, "86-real"), "8.0"));
  CHECK(has(problem(9, 0, "80-real"), "9.0"));
  CHECK(has(problem(9, 0, ""), "9.0"));
  expect(problem(9, 0, "80-virtual"), "");
  expect(problem(9, 0, "80"), "");
  // A driver does not compile the PTX of a later toolkit; its machine code it runs.
  CHECK(has(problem(9, 0, "80", 13000, 13010), "9.0"));
  expect(problem(8, 6, "80", 13000, 13010), "");
  return check::finish();
}
