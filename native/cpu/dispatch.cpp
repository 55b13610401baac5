#include "cpu/dispatch.h"

#include <cstdlib>
#include <cstring>

#include "core/blas.h"
#include "core/machine.h"
#include "core/parallel.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace brauer {

extern const KernelTable kPortable;
#if defined(__x86_64__)
extern const KernelTable kAvx2, kAvx512;
#elif defined(__aarch64__)
extern const KernelTable kNeon;
#endif

namespace {

#if defined(__x86_64__)

struct Features {
  bool avx2 = false, avx512 = false;
};

// A set counts only where the operating system saves its registers too, which XGETBV tells.
Features features() {
  Features result;
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return result;
  const unsigned wanted = bit_FMA | bit_OSXSAVE | bit_AVX | bit_F16C;
  if ((c & wanted) != wanted) return result;
  unsigned saved, high;
  asm volatile("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
  if ((saved & 0x6) != 0x6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return result;
  result.avx2 = (b & bit_AVX2) != 0;
  const unsigned wide = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;
  result.avx512 = result.avx2 && (saved & 0xe6) == 0xe6 && (b & wide) == wide;
  return result;
}

std::string processor() {
  unsigned words[12] = {};
  for (unsigned i = 0; i < 3; i++)
    if (!__get_cpuid(0x80000002 + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2], &words[4 * i + 3]))
      return "x86-64";
  char text[49] = {};
  std::memcpy(text, words, 48);
  std::string name = text;
  name.erase(0, name.find_first_not_of(' '));
  name.erase(name.find_last_not_of(' ') + 1);
  return name;
}

#else

std::string processor() {
#if defined(__aarch64__)
  return "arm64";
#else
  return "unknown";
#endif
}

#endif

CpuInfo read_cpu_info() {
  CpuInfo info;
  info.cpu = processor();
  for (const Implementation& each : implementations()) info.isas.push_back({each.table->name, each.available});
  const KernelTable* chosen = choose_implementation(info.error);
  info.isa = chosen ? chosen->name : "";
  const ThreadCount& threads = default_threads();
  info.threads = threads.threads;
  if (info.error.empty()) info.error = threads.error;
  if (info.error.empty()) info.error = blas_info().error;
  const Caches sizes = caches();
  info.l2 = sizes.l2;
  info.llc = sizes.llc;
  // Half of the cache: the other half is for operands and weights that stream by.
  info.tile_bytes = sizes.l2 / 2;
  if (const char* text = std::getenv("BRAUER_TILE_BYTES"); text && *text) {
    char* end = nullptr;
    const long long bytes = std::strtoll(text, &end, 10);
    if (*end == 0 && bytes >= 1)
      info.tile_bytes = bytes;
    else if (info.error.empty())
      info.error = "BRAUER_TILE_BYTES: expected a positive integer, received '" + std::string(text) + "'";
  }
  return info;
}

}  // namespace

const std::vector<Implementation>& implementations() {
  static const auto* list = [] {
    auto* all = new std::vector<Implementation>;
#if defined(__x86_64__)
    const Features has = features();
    all->push_back({&kAvx512, has.avx512});
    all->push_back({&kAvx2, has.avx2});
#elif defined(__aarch64__)
    all->push_back({&kNeon, true});
#endif
    all->push_back({&kPortable, true});
    return all;
  }();
  return *list;
}

const KernelTable* choose_implementation(std::string& error) {
  const char* name = std::getenv("BRAUER_CPU_ISA");
  const bool named = name && *name;
  std::string known;
  for (const Implementation& each : implementations()) {
    if (!named && each.available) return each.table;
    if (named && std::strcmp(name, each.table->name) == 0) {
      if (each.available) return each.table;
      error = "BRAUER_CPU_ISA: expected an instruction set of this machine, received '" + std::string(name) + "'";
      return nullptr;
    }
    known += (known.empty() ? "" : ", ") + std::string(each.table->name);
  }
  error = "BRAUER_CPU_ISA: expected one of " + known + ", received '" + std::string(name) + "'";
  return nullptr;
}

const CpuInfo& cpu_info() {
  static const CpuInfo* info = new CpuInfo(read_cpu_info());
  return *info;
}

}  // namespace brauer
