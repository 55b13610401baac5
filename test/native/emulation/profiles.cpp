#include <algorithm>

#include "emulation/arena.h"
#include "emulation/machine.h"

namespace brauer::emulation {

namespace {

// Few multiprocessors, so that a grid of as many blocks as fit has few blocks.
constexpr int multiprocessors = 4;
constexpr std::int64_t memory = std::int64_t(1) << 30;

struct Profile {
  int major, minor;
  int shared_kilobytes;  // of a multiprocessor; from 8.0 on a block may have all but one
  int threads, blocks;   // of a multiprocessor
  int l2_megabytes;
};

constexpr Profile profiles[] = {
    {7, 5, 64, 1024, 16, 4},   {8, 0, 164, 2048, 32, 40},   {8, 6, 100, 1536, 16, 6},   {8, 9, 100, 1536, 24, 72},
    {9, 0, 228, 2048, 32, 50}, {10, 0, 228, 2048, 32, 126}, {12, 0, 100, 1536, 24, 96},
};

Device make_device(const Profile& p) {
  Device device;
  device.info = {"emulated sm_" + std::to_string(p.major * 10 + p.minor),
                 p.major,
                 p.minor,
                 multiprocessors,
                 memory,
                 std::int64_t(p.shared_kilobytes - (p.major >= 8 ? 1 : 0)) << 10,
                 std::int64_t(p.shared_kilobytes) << 10,
                 std::int64_t(p.l2_megabytes) << 20};
  device.threads_per_multiprocessor = p.threads;
  device.blocks_per_multiprocessor = p.blocks;
  return device;
}

}  // namespace

std::vector<Device> make_devices(const std::vector<std::string>& names) {
  std::vector<Device> devices;
  if (names.size() >= std::size_t(region_count)) return {};
  for (const std::string& name : names) {
    const auto found = std::find_if(std::begin(profiles), std::end(profiles), [&](const Profile& p) {
      return name == "sm_" + std::to_string(p.major * 10 + p.minor);
    });
    if (found == std::end(profiles)) return {};
    devices.push_back(make_device(*found));
  }
  return devices;
}

}  // namespace brauer::emulation
