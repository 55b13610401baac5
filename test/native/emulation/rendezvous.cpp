// The functions of kernel.h at which threads meet.
#include <string>

#include "emulation/grid.h"
#include "emulation/sanitizers.h"

namespace brauer::emulation {

namespace {

char* barrier_sync(Block& block, int barrier, unsigned phase) { return block.sync + 8 * (2 * barrier + phase % 2); }
char* warp_sync(Block& block, int warp, unsigned phase) {
  return block.sync + 8 * (2 * barrier_count + 2 * warp + phase % 2);
}

void meet_at_barrier(int id, int threads, cuda::Where where) {
  Lane& self = *current;
  Block& block = *self.block;
  Barrier& barrier = block.barriers[id];
  self.barrier = id;
  self.where = where;
  if (barrier.waiting.empty()) barrier.threads = threads;
  if (barrier.threads != threads)
    fail_launch("a barrier of " + std::to_string(threads) + " threads" + describe(where) + " where thread " +
                std::to_string(barrier.waiting[0]->thread) + " waits for one of " + std::to_string(barrier.threads));
  char* sync = barrier_sync(block, id, barrier.phase);
  publish(sync);
  barrier.waiting.push_back(&self);
  if (int(barrier.waiting.size()) < threads) {
    self.at = Lane::At::barrier;
    wait_for_others();
  } else {
    barrier.phase++;
    make_ready(barrier.waiting.data(), barrier.waiting.size());
    barrier.waiting.clear();
  }
  observe(sync);
}

// `complete` is called by the last of the 32 before any of them goes on.
void meet_in_warp(const char* what, cuda::Where where, void (*complete)(const Warp&)) {
  Lane& self = *current;
  const int first = self.thread / warp_size * warp_size;
  Warp& warp = self.block->warps[std::size_t(self.thread / warp_size)];
  self.where = where;
  self.what = what;
  if (warp.arrived == 0) warp.what = what;
  if (warp.what != what)
    fail_launch(std::string(what) + describe(where) + " where others of the warp are at " + warp.what);
  if (++warp.arrived < warp_size) {
    self.at = Lane::At::warp;
    wait_for_others();
  } else {
    if (complete != nullptr) complete(warp);
    warp.arrived = 0;
    warp.phase++;
    make_ready(self.block->lanes + first, warp_size);
  }
}

constexpr char name_sync_warp[] = "sync_warp", name_shuffle[] = "shuffle", name_ballot[] = "ballot";

}  // namespace

std::string describe(cuda::Where where) {
  const std::string file = where.file;
  return " (" + file.substr(file.rfind('/') + 1) + ":" + std::to_string(where.line) + ")";
}

void multiply_in_warp(const char* what, cuda::Where where, MmaOperands operands, void (*multiply)(const Warp&)) {
  const Lane& self = *current;
  self.block->warps[std::size_t(self.thread / warp_size)].operands[self.thread % warp_size] = operands;
  meet_in_warp(what, where, multiply);
}

std::string describe_standstill() { return "divergent"; }

}  // namespace brauer::emulation

namespace brauer::cuda {

using namespace emulation;

int thread_index() { return current->thread; }
int thread_count() { return running->grid.threads; }
std::int64_t block_index() { return current->block->index; }
std::int64_t block_count() { return running->grid.blocks; }
char* shared_memory() { return current->block->shared; }

void sync_block(Where where) { meet_at_barrier(0, running->grid.threads, where); }

void sync_group(int barrier, int threads, Where where) {
  if (barrier < 1 || barrier >= barrier_count)
    fail_launch("barrier " + std::to_string(barrier) + describe(where) + ", expected 1 to 15");
  if (threads < warp_size || threads % warp_size != 0 || threads > running->grid.threads)
    fail_launch("a barrier of " + std::to_string(threads) + " threads" + describe(where) +
                ", expected whole warps of the block");
  meet_at_barrier(barrier, threads, where);
}

void sync_warp(Where where) {
  Block& block = *current->block;
  const int index = current->thread / warp_size;
  char* sync = warp_sync(block, index, block.warps[std::size_t(index)].phase);
  publish(sync);
  meet_in_warp(name_sync_warp, where, nullptr);
  observe(sync);
}

std::uint64_t exchange(std::uint64_t bits, int lane, Where where) {
  Warp& warp = current->block->warps[std::size_t(current->thread / warp_size)];
  std::uint64_t* values = warp.values[warp.phase % 2];
  values[current->thread % warp_size] = bits;
  meet_in_warp(name_shuffle, where, nullptr);
  return values[unsigned(lane) % warp_size];
}

std::uint32_t ballot(bool vote, Where where) {
  Warp& warp = current->block->warps[std::size_t(current->thread / warp_size)];
  std::uint32_t& votes = warp.votes[warp.phase % 2];
  const std::uint32_t bit = std::uint32_t(1) << (current->thread % warp_size);
  votes = vote ? votes | bit : votes & ~bit;
  meet_in_warp(name_ballot, where, nullptr);
  return votes;
}

}  // namespace brauer::cuda
