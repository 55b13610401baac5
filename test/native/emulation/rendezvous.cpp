// The functions of kernel.h at which threads meet.
#include <cstring>

#include "emulation/accesses.h"
#include "emulation/grid.h"
#include "emulation/sanitizers.h"

namespace brauer::emulation {

namespace {

char* barrier_sync(Block& block, int barrier, unsigned phase) { return block.sync + 8 * (2 * barrier + phase % 2); }
char* warp_sync(Block& block, int warp, unsigned phase) {
  return block.sync + 8 * (2 * barrier_count + 2 * warp + phase % 2);
}

Lane* const* first_of_warp() { return current->block->lanes + current->thread / warp_size * warp_size; }

bool is_same(cuda::Where a, cuda::Where b) { return a.line == b.line && std::strcmp(a.file, b.file) == 0; }

Text name_of(int barrier) {
  return barrier == 0 ? Text() << "the barrier of the block" : Text() << "barrier " << barrier;
}

// Where a barrier is complete: whole warps, each at one place; the barrier of the block is one place for all.
void check_barrier(int id, const Barrier& barrier) {
  int lanes[32] = {};
  const Lane* first[32] = {};
  for (const Lane* lane : barrier.waiting) {
    const int warp = id == 0 ? 0 : lane->thread / warp_size;
    lanes[warp]++;
    if (first[warp] == nullptr) first[warp] = lane;
    if (is_same(first[warp]->where, lane->where)) continue;
    fail_launch(Text() << "divergent: thread " << lane->thread << " is at " << name_of(id) << describe(lane->where)
                       << " and thread " << first[warp]->thread << " at another place" << describe(first[warp]->where));
  }
  for (int warp = 0; warp < 32 && id != 0; warp++)
    if (lanes[warp] != 0 && lanes[warp] != warp_size)
      fail_launch(Text() << "divergent: " << lanes[warp] << " threads of warp " << warp << " are at " << name_of(id)
                         << describe(first[warp]->where) << ", expected whole warps");
}

void meet_at_barrier(int id, int threads, cuda::Where where) {
  Lane& self = *current;
  Block& block = *self.block;
  Barrier& barrier = block.barriers[id];
  self.barrier = id;
  self.where = where;
  if (barrier.waiting.empty()) barrier.threads = threads;
  if (barrier.threads != threads)
    fail_launch(Text() << "a barrier of " << threads << " threads" << describe(where) << " where thread "
                       << barrier.waiting[0]->thread << " waits for one of " << barrier.threads);
  char* sync = barrier_sync(block, id, barrier.phase);
  publish(sync);
  barrier.waiting.push_back(&self);
  if (int(barrier.waiting.size()) < threads) {
    self.at = Lane::At::barrier;
    wait_for_others();
  } else {
    check_barrier(id, barrier);
    barrier.phase++;
    order_lanes(barrier.waiting.data(), barrier.waiting.size());
    make_ready(barrier.waiting.data(), barrier.waiting.size());
    barrier.waiting.clear();
  }
  observe(sync);
}

// `complete` is called by the last of the 32 before any of them goes on.
void meet_in_warp(const char* what, cuda::Where where, void (*complete)(const Warp&)) {
  Lane& self = *current;
  Warp& warp = self.block->warps[std::size_t(self.thread / warp_size)];
  self.where = where;
  self.what = what;
  if (warp.arrived == 0) warp.what = what;
  if (warp.what != what)
    fail_launch(Text() << what << describe(where) << " where others of the warp are at " << warp.what);
  if (++warp.arrived < warp_size) {
    self.at = Lane::At::warp;
    wait_for_others();
  } else {
    if (complete != nullptr) complete(warp);
    warp.arrived = 0;
    warp.phase++;
    make_ready(first_of_warp(), warp_size);
  }
}

constexpr char name_sync_warp[] = "sync_warp", name_shuffle[] = "shuffle", name_ballot[] = "ballot";

}  // namespace

Text describe(cuda::Where where) {
  const std::string_view file = where.file;
  return Text() << " (" << file.substr(file.rfind('/') + 1) << ":" << where.line << ")";
}

void multiply_in_warp(const char* what, cuda::Where where, MmaOperands operands, void (*multiply)(const Warp&)) {
  const Lane& self = *current;
  self.block->warps[std::size_t(self.thread / warp_size)].operands[self.thread % warp_size] = operands;
  meet_in_warp(what, where, multiply);
}

Text describe_standstill() {
  for (const Lane* lane : running->wave) {
    if (lane->at != Lane::At::barrier && lane->at != Lane::At::warp) continue;
    const Block& block = *lane->block;
    const bool in_warp = lane->at == Lane::At::warp;
    const int warp = lane->thread / warp_size;
    const int begin = in_warp ? warp * warp_size : 0, end = in_warp ? begin + warp_size : running->grid.threads;
    // Of a named barrier nobody knows who should come: best one of the same warp.
    const Lane* missing = nullptr;
    for (int t = begin; t < end; t++) {
      const Lane& other = *block.lanes[t];
      const bool is_there = other.at == lane->at && (in_warp || other.barrier == lane->barrier);
      if (!is_there && (missing == nullptr || t / warp_size == warp)) missing = &other;
    }
    if (missing == nullptr) continue;
    const auto place = [](const Lane& l) {
      if (l.at == Lane::At::end) return Text() << "has ended";
      return Text() << "waits at " << (l.at == Lane::At::warp ? Text() << l.what : name_of(l.barrier))
                    << describe(l.where);
    };
    return Text() << "block " << block.index << ", thread " << lane->thread << ": divergent: it " << place(*lane)
                  << " while thread " << missing->thread << " " << place(*missing);
  }
  return Text() << "nothing can go on";
}

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
    fail_launch(Text() << "barrier " << barrier << describe(where) << ", expected 1 to 15");
  if (threads < warp_size || threads % warp_size != 0 || threads > running->grid.threads)
    fail_launch(Text() << "a barrier of " << threads << " threads" << describe(where)
                       << ", expected whole warps of the block");
  meet_at_barrier(barrier, threads, where);
}

void sync_warp(Where where) {
  Block& block = *current->block;
  const int index = current->thread / warp_size;
  char* sync = warp_sync(block, index, block.warps[std::size_t(index)].phase);
  publish(sync);
  meet_in_warp(name_sync_warp, where, [](const Warp&) { order_lanes(first_of_warp(), warp_size); });
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
