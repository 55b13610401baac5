// Kernels with a fault and their twins. Where it can be, the faulty one computes the right thing on the emulated
// device, so that nothing but the rule that it breaks can betray it.
#include "cuda/faults.h"
#include "cuda/fixture.h"

namespace brauer::cuda {

namespace {

struct Argument {
  float* data = nullptr;
  bool planted = false;
  int lane = -1;  // a fault of one thread alone
};

using Body = void (*)(Argument);

// The memory ends within a page.
Status run_with(Body body, Argument argument, Grid grid) {
  const Buffer<float> data(std::vector<float>(1000, 1));
  argument.data = data.data;
  return run("planted", body, grid, argument);
}

float* shared_floats() { return reinterpret_cast<float*>(shared_memory()); }

// A vote lets the warp meet, and orders no memory.
BRAUER_KERNEL(32, 1) void exchange_by_vote(Argument p) {
  const int t = thread_index();
  shared_floats()[t] = float(t);
  if (p.planted)
    ballot(true);
  else
    sync_warp();
  p.data[t] = shared_floats()[t ^ 1];
}

// All write the same value.
BRAUER_KERNEL(64, 1) void write_one_flag(Argument p) {
  if (p.planted || thread_index() == 0) shared_floats()[0] = 1;
  sync_block();
  p.data[thread_index()] = shared_floats()[0];
}

// The buffer of a round is written again while slower warps still read it.
BRAUER_KERNEL(64, 1) void reuse_too_early(Argument p) {
  const int t = thread_index();
  float sum = 0;
  for (int round = 0; round < 3; round++) {
    shared_floats()[t] = float(round);
    sync_block();
    sum += shared_floats()[63 - t];
    if (!p.planted) sync_block();
  }
  p.data[t] = sum;
}

// Groups of a warp each meet on their own, and one reads what the other wrote.
BRAUER_KERNEL(64, 1) void read_other_group(Argument p) {
  const int t = thread_index();
  shared_floats()[t] = 1;
  sync_group(1 + t / 32, 32);
  if (!p.planted) sync_block();
  p.data[t] = shared_floats()[63 - t];
}

// The halves of a word are two threads' own; its whole is not.
BRAUER_KERNEL(32, 1) void write_halves(Argument p) {
  const int t = thread_index();
  auto* halves = reinterpret_cast<std::uint16_t*>(shared_memory());
  halves[t] = 0;
  if (p.planted && t == 3) *reinterpret_cast<std::uint32_t*>(halves + 4) = 0;
  sync_warp();
  p.data[t] = halves[t ^ 1];
}

// out[0] is every block's, with the same value.
BRAUER_KERNEL(32, 1) void write_from_all_blocks(Argument p) {
  if (thread_index() == 0) p.data[p.planted ? 0 : block_index()] = 1;
}

// A block reads what its neighbour writes.
BRAUER_KERNEL(32, 1) void read_other_block(Argument p) {
  float* own = p.data + block_index() * 32;
  own[thread_index()] = 1;
  if (p.planted && block_index() == 1) own[thread_index()] += p.data[thread_index()];
}

BRAUER_KERNEL(64, 1) void skip_barrier(Argument p) {
  if (!p.planted || thread_index() != p.lane) sync_block();
}

BRAUER_KERNEL(64, 1) void barrier_in_two_places(Argument p) {
  if (p.planted && thread_index() >= 32)
    sync_block();
  else if (p.planted)
    sync_block();
  else
    sync_block();
}

BRAUER_KERNEL(64, 1) void wait_at_different_barriers(Argument p) {
  const int id = p.planted && thread_index() >= 32 ? 2 : 1;
  sync_group(id, 64);
}

BRAUER_KERNEL(96, 1) void wait_for_different_counts(Argument p) {
  sync_group(1, p.planted && thread_index() >= 64 ? 64 : 96);
}

// 32 threads, but the halves of two warps.
BRAUER_KERNEL(64, 1) void wait_as_half_warps(Argument p) {
  if (!p.planted)
    sync_group(1, 64);
  else if (thread_index() % 32 < 16)
    sync_group(1, 32);
  else
    sync_group(2, 32);
}

BRAUER_KERNEL(64, 1) void barrier_of_half_a_warp(Argument p) { sync_group(1, p.planted ? 48 : 64); }
BRAUER_KERNEL(64, 1) void barrier_that_is_not(Argument p) { sync_group(p.planted ? 16 : 15, 64); }

BRAUER_KERNEL(32, 1) void vote_without_one(Argument p) {
  if (!p.planted || thread_index() != 7) ballot(true);
}

BRAUER_KERNEL(32, 1) void vote_and_shuffle(Argument p) {
  if (p.planted && thread_index() < 16)
    ballot(true);
  else
    p.data[thread_index()] = shuffle(1.0f, 0);
  if (p.planted && thread_index() >= 16) ballot(true);
}

BRAUER_KERNEL(64, 1) void write_past_shared(Argument p) { shared_floats()[thread_index() + (p.planted ? 1 : 0)] = 1; }

BRAUER_KERNEL(64, 1) void read_before_shared(Argument p) {
  shared_floats()[thread_index()] = 1;
  if (thread_index() == 0) p.data[0] = shared_floats()[p.planted ? -1 : 0];
}

BRAUER_KERNEL(32, 1) void write_past_allocation(Argument p) {
  p.data[1000 - 32 + thread_index() + (p.planted ? 1 : 0)] = 1;
}

BRAUER_KERNEL(32, 1) void read_far_outside(Argument p) {
  p.data[thread_index()] = p.data[thread_index() + (p.planted ? 1 << 20 : 32)];
}

BRAUER_KERNEL(32, 1) void sum_of_nothing(Argument p) {
  const int t = thread_index();
  if (!p.planted || t != 5) shared_floats()[t] = 1;
  sync_warp();
  p.data[t] = shared_floats()[t ^ 4];
}

using Four = Vector<float, 4>;

BRAUER_KERNEL(32, 1) void load_vectors(Argument p) {
  const float* from = p.data + 4 * thread_index() + (p.planted ? 1 : 0);
  const Four four = *reinterpret_cast<const Four*>(from);
  p.data[512 + thread_index()] = four.values[0] + four.values[3];
}

BRAUER_KERNEL(32, 1) void load_misaligned_float(Argument p) {
  const char* from = reinterpret_cast<const char*>(p.data) + 4 * thread_index() + (p.planted ? 2 : 0);
  p.data[512 + thread_index()] = *reinterpret_cast<const float*>(from);
}

BRAUER_KERNEL(32, 1) void store_vectors(Argument p) {
  Four four = {{1, 2, 3, 4}};
  four.values[thread_index() % 4] = 0;
  *reinterpret_cast<Four*>(p.data + 4 * thread_index() + (p.planted ? 2 : 0)) = four;
}

BRAUER_KERNEL(32, 1) void copy_misaligned(Argument p) {
  copy_async<16>(shared_memory() + 16 * thread_index() + (p.planted ? 8 : 0), p.data + 4 * thread_index());
  copy_async_commit();
  copy_async_wait<0>();
}

BRAUER_KERNEL(32, 1) void copy_outside_shared(Argument p) {
  copy_async<16>(shared_memory() + 16 * thread_index() + (p.planted ? 16 : 0), p.data + 4 * thread_index());
  copy_async_commit();
  copy_async_wait<0>();
}

BRAUER_KERNEL(32, 1) void await_too_late(Argument p) {
  const int t = thread_index();
  copy_async<4>(shared_floats() + t, p.data + t);
  copy_async_commit();
  if (!p.planted) copy_async_wait<0>();
  p.data[512 + t] = shared_floats()[t];
  copy_async_wait<0>();
}

// Two copies are on their way and one is awaited.
BRAUER_KERNEL(32, 1) void await_too_few(Argument p) {
  const int t = thread_index();
  for (int stage = 0; stage < 2; stage++) {
    copy_async<4>(shared_floats() + 32 * stage + t, p.data + 32 * stage + t);
    copy_async_commit();
  }
  if (p.planted)
    copy_async_wait<1>();
  else
    copy_async_wait<0>();
  p.data[512 + t] = shared_floats()[32 + t];
}

// Awaited, but by each for itself: the others' copies need a barrier.
BRAUER_KERNEL(32, 1) void await_without_barrier(Argument p) {
  const int t = thread_index();
  copy_async<4>(shared_floats() + t, p.data + t);
  copy_async_commit();
  copy_async_wait<0>();
  if (p.planted)
    ballot(true);
  else
    sync_warp();
  p.data[512 + t] = shared_floats()[t ^ 1];
}

// The source is overwritten while the copy is under way.
BRAUER_KERNEL(32, 1) void overwrite_source(Argument p) {
  const int t = thread_index();
  copy_async<4>(shared_floats() + t, p.data + t);
  copy_async_commit();
  if (!p.planted) {
    copy_async_wait<0>();
    sync_warp();
  }
  p.data[t ^ 1] = 2;
  copy_async_wait<0>();
}

BRAUER_KERNEL(32, 1) void read_local_of_other(Argument p) {
  volatile float local = 1;
  auto** addresses = reinterpret_cast<volatile float**>(shared_memory());
  addresses[thread_index()] = &local;
  sync_warp();
  p.data[thread_index()] = *addresses[thread_index() ^ (p.planted ? 1 : 0)];
  sync_warp();
}

BRAUER_KERNEL(32, 1) void do_nothing(Argument) {}

// With the twin's grid nothing is wrong.
template <Body body, std::int64_t blocks, int threads, std::size_t shared>
Status in_grid(bool planted) {
  return run_with(body, {nullptr, planted, 7}, {blocks, threads, shared});
}

std::int64_t most_shared() { return probe().devices.at(0).info.shared_per_block; }

Status too_much_shared(bool planted) {
  return run_with(do_nothing, {}, {1, 32, std::size_t(most_shared()) + (planted ? 1 : 0)});
}
Status too_many_threads(bool planted) { return run_with(do_nothing, {}, {1, planted ? 1056 : 1024, 0}); }
Status no_whole_warps(bool planted) { return run_with(do_nothing, {}, {1, planted ? 48 : 64, 0}); }
Status no_blocks(bool planted) { return run_with(do_nothing, {}, {planted ? 0 : 1, 32, 0}); }

BRAUER_KERNEL(32, 1) void read_one_each(Argument p) { shared_floats()[thread_index()] = p.data[thread_index()]; }

// Where nobody looks, the race of equal writes goes well and its output is right.
Status race_with_right_output(bool planted) {
  const Buffer<float> data(std::vector<float>(64, 0));
  const Status status = run("planted", write_one_flag, {1, 64, 4}, Argument{data.data, planted});
  if (!status.ok() || data.read() == std::vector<float>(64, 1)) return status;
  return Status::error(Code::internal, "the output is wrong");
}

Status memory_of_host(bool planted) {
  const Buffer<float> device(std::vector<float>(32, 1));
  std::vector<float> host(32, 1);
  return run("planted", read_one_each, {1, 32, 128}, Argument{planted ? host.data() : device.data});
}

Status unwritten_shared(bool planted) {
  emulation::Settings settings = emulation::settings();
  settings.reject_unwritten = true;
  emulation::configure(settings);
  return in_grid<sum_of_nothing, 1, 32, 128>(planted);
}

}  // namespace

std::vector<PlantedFault> kernel_faults() {
  constexpr auto thread = Sanitizer::thread, address = Sanitizer::address, undefined = Sanitizer::undefined;
  constexpr auto accesses = Net::accesses;
  return {
      {"a race in shared memory whose output is right", race_with_right_output,
       "a race: a write to byte 0 of shared memory", accesses, thread},
      {"a race between blocks", in_grid<write_from_all_blocks, 40, 32, 0>,
       "a race: a write to byte 0 of an allocation of 4000, unordered with a write by thread 0 of another block",
       accesses, thread},
      {"a divergent barrier", in_grid<skip_barrier, 2, 64, 0>,
       "divergent: it waits at the barrier of the block (kernel_faults.cpp:"},
      {"an access outside shared memory", in_grid<write_past_shared, 1, 64, 256>,
       "outside the 256 bytes of shared memory, at byte 256", accesses, address},
      {"a read of memory nobody wrote", unwritten_shared, "which nobody wrote", accesses},
      {"a misaligned vector access", in_grid<load_vectors, 1, 32, 0>,
       "misaligned for 16 bytes (kernel_faults.cpp:", accesses, undefined},
      {"a copy awaited too late", in_grid<await_too_late, 1, 32, 128>,
       "before the asynchronous copy to it has been awaited", accesses},
      {"too much shared memory", too_much_shared, "bytes of shared memory, the device has"},

      {"a race in a warp", in_grid<exchange_by_vote, 1, 32, 128>, "a race: ", accesses, thread},
      {"a buffer written again too early", in_grid<reuse_too_early, 1, 64, 256>, "a race: ", accesses, thread},
      {"a race between groups", in_grid<read_other_group, 1, 64, 256>, "a race: ", accesses, thread},
      {"a race between halves of a word", in_grid<write_halves, 1, 32, 64>, "a race: ", accesses, thread},
      {"a race between a block that reads and one that writes", in_grid<read_other_block, 2, 32, 0>, "of another block",
       accesses, thread},
      {"a barrier in two places", in_grid<barrier_in_two_places, 1, 64, 0>, "at another place"},
      {"different barriers", in_grid<wait_at_different_barriers, 1, 64, 0>, "waits at barrier"},
      {"a barrier of different counts", in_grid<wait_for_different_counts, 1, 96, 0>, "where thread"},
      {"a barrier of halves of warps", in_grid<wait_as_half_warps, 1, 64, 0>, "expected whole warps"},
      {"a barrier of a warp and a half", in_grid<barrier_of_half_a_warp, 1, 64, 0>, "a barrier of 48 threads"},
      {"a barrier past the last", in_grid<barrier_that_is_not, 1, 64, 0>, "expected 1 to 15"},
      {"a vote without one of the warp", in_grid<vote_without_one, 1, 32, 0>, "while thread 7 has ended"},
      {"a vote beside a shuffle", in_grid<vote_and_shuffle, 1, 32, 0>, "others of the warp"},
      {"a read before shared memory", in_grid<read_before_shared, 1, 64, 256>,
       "outside the 256 bytes of shared memory, at byte -4", accesses, address},
      {"a write past an allocation", in_grid<write_past_allocation, 1, 32, 0>,
       "a write of 4 bytes outside every allocation", accesses, address},
      {"a read far outside", in_grid<read_far_outside, 1, 32, 0>, "a read of 4 bytes outside every allocation",
       accesses},
      {"a misaligned store of vectors", in_grid<store_vectors, 1, 32, 0>,
       "misaligned for 16 bytes (kernel_faults.cpp:", accesses, undefined},
      {"a misaligned float", in_grid<load_misaligned_float, 1, 32, 0>,
       "misaligned for 4 bytes (kernel_faults.cpp:", accesses, undefined},
      {"a misaligned asynchronous copy", in_grid<copy_misaligned, 1, 32, 1024>,
       "misaligned asynchronous copy of 16 bytes"},
      {"an asynchronous copy to outside shared memory", in_grid<copy_outside_shared, 1, 32, 512>,
       "outside shared memory"},
      {"too few copies awaited", in_grid<await_too_few, 1, 32, 256>,
       "before the asynchronous copy to it has been awaited", accesses},
      {"a copy of another thread without a barrier", in_grid<await_without_barrier, 1, 32, 128>, "a race: ", accesses,
       thread},
      {"a source overwritten under a copy", in_grid<overwrite_source, 1, 32, 128>, "a race: ", accesses, thread},
      {"a local variable of another thread", in_grid<read_local_of_other, 1, 32, 256>, "at a variable of thread",
       accesses},
      {"memory of the host", memory_of_host, "memory that is not the device's", accesses},
      {"too many threads", too_many_threads, "1056 threads"},
      {"a part of a warp", no_whole_warps, "48 threads"},
      {"no blocks", no_blocks, "0 blocks"},
  };
}

}  // namespace brauer::cuda
