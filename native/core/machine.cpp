#include "core/machine.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#include <unistd.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace brauer {
namespace {

#if defined(__linux__)

// "1024K", "32M" or a plain number; 0 where the file is missing.
std::int64_t read_size(const std::string& path) {
  std::ifstream file(path);
  double value = 0;
  char unit = 0;
  if (!(file >> value)) return 0;
  file >> unit;
  return std::int64_t(value * (unit == 'K' ? 1024 : unit == 'M' ? 1024 * 1024 : 1));
}

// Quota over period; infinity where there is none. v2 keeps both in one file ("max 100000"), v1 in two (-1: none).
double quota_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return HUGE_VAL;
  return std::atof(quota.c_str()) / period;
}

double quota_v1(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us"), period_file(folder + "/cpu.cfs_period_us");
  double quota = 0, period = 0;
  if (!(quota_file >> quota) || !(period_file >> period) || quota <= 0 || period <= 0) return HUGE_VAL;
  return quota / period;
}

// The least quota of a group and its ancestors. In a container the path may lie outside what is mounted: the root is
// tried too.
template <class Quota>
double least_quota(const std::string& root, std::string path, Quota quota) {
  double least = quota(root);
  while (!path.empty() && path != "/") {
    least = std::min(least, quota(root + path));
    path.resize(path.find_last_of('/'));
  }
  return least;
}

double cgroup_quota() {
  std::ifstream groups("/proc/self/cgroup");
  double least = HUGE_VAL;
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string path = line.substr(second + 1), controllers = line.substr(first, second - first + 1);
    if (path.empty() || path[0] != '/') continue;
    if (controllers == "::") least = std::min(least, least_quota("/sys/fs/cgroup", path, quota_v2));
    const bool v1 = controllers == ":cpu:" || controllers.find(":cpu,") != controllers.npos ||
                    controllers.find(",cpu") != controllers.npos;
    if (!v1) continue;
    for (const char* root : {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"})
      least = std::min(least, least_quota(root, path, quota_v1));
  }
  return least;
}

#endif

}  // namespace

Caches caches() {
  std::int64_t l2 = 0, llc = 0;
#if defined(__linux__)
  l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
  llc = sysconf(_SC_LEVEL3_CACHE_SIZE);
  for (int index = 0; index < 8; index++) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index);
    const std::int64_t level = read_size(folder + "/level"), size = read_size(folder + "/size");
    if (level == 2 && l2 <= 0) l2 = size;
    if (level >= 3 && llc <= 0) llc = size;
  }
#elif defined(__APPLE__)
  std::size_t bytes = sizeof l2;
  sysctlbyname("hw.l2cachesize", &l2, &bytes, nullptr, 0);
#endif
  if (l2 <= 0) l2 = 256 << 10;
  if (llc <= 0) llc = std::max<std::int64_t>(l2, 4 << 20);
  return {l2, llc};
}

int usable_processors() {
  int count = int(std::thread::hardware_concurrency());
#if defined(__linux__)
  // A fixed-size set fails (EINVAL) on machines with more processors than it has bits; the count above stands then.
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
  const double quota = cgroup_quota();
  if (quota < count) count = int(std::ceil(quota));
#endif
  return std::max(1, count);
}

int current_processor() noexcept {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

void leave_processor([[maybe_unused]] int processor) noexcept {
#if defined(__linux__)
  cpu_set_t allowed;
  if (processor < 0 || sched_getaffinity(0, sizeof allowed, &allowed) != 0 || processor >= CPU_SETSIZE) return;
  cpu_set_t others = allowed;
  CPU_CLR(static_cast<std::size_t>(processor), &others);
  if (CPU_COUNT(&others) == 0) return;
  if (sched_setaffinity(0, sizeof others, &others) == 0) sched_setaffinity(0, sizeof allowed, &allowed);
#endif
}

}  // namespace brauer
