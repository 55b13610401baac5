#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "cuda/device.h"
#include "emulation/context.h"
#include "emulation/control.h"
#include "emulation/kernel.h"
#include "emulation/random.h"
#include "emulation/shadow.h"
#include "emulation/text.h"

// How a grid runs: every CUDA thread is a fibre with a stack of its own, run by one host thread. A fibre runs until it
// waits for others; then it switches to the next one that can go on. Blocks are taken in a random order, several of
// them at the same time (a wave); nothing but what cuda/kernel.h says orders threads.
namespace brauer::emulation {

struct Block;

struct AsyncCopy {
  char* to;
  const char* from;
  int bytes;
};

// One CUDA thread.
struct Lane {
  enum class At { running, barrier, warp, end };

  Context context;
  Block* block = nullptr;
  int thread = 0;
  At at = At::running;
  int barrier = 0;        // of At::barrier
  const char* what = "";  // of At::warp: the function
  cuda::Where where;
  Access self = 0;         // its number and epoch, which grows whenever it has met others
  Clock* clock = nullptr;  // what it knows of the block's others
  // Copies on their way: those before groups[first_group] belong to the oldest open group, and so on.
  std::vector<AsyncCopy> copies;
  std::vector<std::size_t> groups;
  std::size_t first_group = 0, landed = 0;
};

struct MmaOperands {
  float* d;
  const void *a, *b;
};

struct Warp {
  int arrived = 0;
  unsigned phase = 0;  // alternates: a lane may write for the next rendezvous before all have read from this one
  const char* what = "";
  std::uint64_t values[2][32];
  std::uint32_t votes[2] = {};
  MmaOperands operands[32];
};

struct Barrier {
  int threads = 0;
  unsigned phase = 0;
  std::vector<Lane*> waiting;
};

constexpr int barrier_count = 16, warp_size = 32;

struct Block {
  std::int64_t index = 0;
  std::uint32_t number = 0;  // of all blocks of all launches
  char* shared = nullptr;
  char* pages = nullptr;  // that shared memory lies in, between two that nobody may touch
  std::size_t page_bytes = 0;
  Lane* const* lanes = nullptr;
  std::vector<Warp> warps;
  Barrier barriers[barrier_count];
  int unfinished = 0;
  std::vector<Cell> cells;   // of shared memory
  std::deque<Clock> clocks;  // where unused, to be used again
  char* sync = nullptr;  // addresses for ThreadSanitizer to publish and observe: two of each barrier, two of each warp
};

// Fibres. Where ThreadSanitizer looks, which takes what a fibre did before for ordered, every stream has its own.
// Elsewhere all streams share some: a stack takes two of the 65,000 or so mappings that a process may have.
struct LanePool {
  std::vector<std::unique_ptr<Lane>> lanes;
  std::vector<Block> blocks;
  bool grow(std::size_t block_count, std::size_t threads);
  ~LanePool();
};

// A grid that runs; one at a time. The argument is read while it does.
struct Run {
  const cuda::Kernel& kernel;
  const cuda::Grid& grid;
  const void* argument;
  const Settings& settings;
  Random& random;
  const Work& work;
  int device;
  LanePool& pool;
  std::vector<Lane*> wave;   // the lanes of the blocks that run, block after block
  std::vector<Lane*> ready;  // a stack
  int unfinished = 0;        // blocks
  char* start = nullptr;     // published before, observed by every lane
  char* finish = nullptr;    // published by every lane
  Text fault{};
  const void* fault_pc = nullptr;  // where, if an instruction is to blame
};

extern Run* running;
// The lane that this host thread runs, if it runs any: other threads' accesses meanwhile are none of a kernel's.
// Initial-exec, since every access of a kernel asks.
extern constinit thread_local Lane* current __attribute__((tls_model("initial-exec")));

// A fault ends it and is `internal`.
Status run_grid(Run& run);

// For the functions of kernel.h.
void wait_for_others();                                  // returns when somebody has made this lane ready
void make_ready(Lane* const* lanes, std::size_t count);  // in a random order, all but the current one
[[noreturn]] void fail_launch(const Text& fault);        // names kernel, block and thread of the current lane
Text describe(cuda::Where where);                        // " (file:line)"
Text describe_standstill();                              // no lane can go on: who waits for whom
void land_all_copies(Lane& lane);
// `multiply` is called once, by the last lane of the warp; it reads and writes the operands of all.
void multiply_in_warp(const char* what, cuda::Where where, MmaOperands operands, void (*multiply)(const Warp&));

}  // namespace brauer::emulation
