#include "cuda/kernels/kernels.h"
#include "cuda/kernels/run.h"
#include "cuda/kernels/transfer.h"

/* A whole program in one launch. A team of a few warps takes a tile of items, brings their inputs into its arena
   (shared memory, or a part of global memory for items that do not fit), runs all instructions there, and writes the
   outputs; the next tile's inputs arrive meanwhile. Teams of a block share its weights and nothing else, so that one
   hides another's barriers. What sums over items has a sum per team, which `combine` adds. */
namespace brauer::cuda {
namespace {

template <class T>
struct TeamMemory {
  View<T>* views;  // for each copy of the inputs
  T* arena;
};

// Where a block keeps what is the same for all items, and a team its own.
template <class T>
BRAUER_DEVICE TeamMemory<T> divide_memory(const FusedArguments<T>& a, std::uint32_t in_block, std::int64_t number) {
  const std::uint32_t views_bytes = (2 * a.buffer_count * std::uint32_t(sizeof(View<T>)) + 15) / 16 * 16;
  const std::int64_t team_bytes = views_bytes + (a.arenas ? 0 : a.arena * std::int64_t(sizeof(T)));
  char* const own = shared_memory() + a.resident * sizeof(T) + in_block * team_bytes;
  T* const arena = a.arenas ? a.arenas + number * a.arena : reinterpret_cast<T*>(own + views_bytes);
  return {reinterpret_cast<View<T>*>(own), arena};
}

template <class T>
BRAUER_DEVICE void make_views(const FusedArguments<T>& a, const TeamMemory<T>& own, std::int64_t first,
                              const Team& team) {
  for (std::uint32_t b = team.rank; b < 2 * a.buffer_count; b += team.size) {
    const bool second = b >= a.buffer_count;
    const FusedBuffer buffer = a.buffers[second ? b - a.buffer_count : b];
    View<T> view = a.views[second ? b - a.buffer_count : b];
    if (buffer.in == FusedBuffer::In::direct) view.base += first * view.step;
    if (buffer.in == FusedBuffer::In::resident) view.base = reinterpret_cast<T*>(shared_memory()) + buffer.offset;
    if (buffer.in >= FusedBuffer::In::arena) view = {own.arena + buffer.offset, buffer.step, 0};
    if (buffer.in == FusedBuffer::In::input && second) view.base += a.flip;
    own.views[b] = view;
  }
}

// Moves on what is written in place.
template <class T>
BRAUER_DEVICE void move_views(const FusedArguments<T>& a, const TeamMemory<T>& own, std::int64_t items,
                              const Team& team) {
  for (std::uint32_t b = team.rank; b < 2 * a.buffer_count; b += team.size)
    if (a.buffers[b >= a.buffer_count ? b - a.buffer_count : b].in == FusedBuffer::In::direct)
      own.views[b].base += items * own.views[b].step;
}

template <class T>
BRAUER_DEVICE void bring_resident(const FusedArguments<T>& a) {
  const Team block{std::uint32_t(thread_index()), std::uint32_t(thread_count()), 1};
  for (std::uint32_t b = 0; b < a.buffer_count; b++) {
    const FusedBuffer buffer = a.buffers[b];
    if (buffer.in == FusedBuffer::In::resident)
      begin_copy(reinterpret_cast<T*>(shared_memory()) + buffer.offset, const_cast<const T*>(a.views[b].base), 0,
                 std::uint32_t(buffer.size), block);
  }
}

// Inputs of the tile that begins at an item, to copy `flip` of them.
template <class T>
BRAUER_DEVICE void bring_tile(const FusedArguments<T>& a, T* arena, std::int64_t first, const Team& team) {
  if (first >= a.items) return;
  const auto items = std::uint32_t(a.items - first < a.tile ? a.items - first : a.tile);
  for (std::uint32_t b = 0; b < a.buffer_count; b++) {
    const FusedBuffer buffer = a.buffers[b];
    if (buffer.in != FusedBuffer::In::input) continue;
    const auto count = items * std::uint32_t(buffer.size);
    if (is_narrow(a.dtype))
      widen_tile(arena + buffer.offset, a.views[b].base, first * buffer.size, count, Dtype(a.dtype), team);
    else if (a.arenas)
      copy_tile(arena + buffer.offset, a.views[b].base, first * buffer.size, count, team);
    else
      begin_copy(arena + buffer.offset, const_cast<const T*>(a.views[b].base), first * buffer.size, count, team);
  }
}

template <class T>
BRAUER_DEVICE void take_tile(const FusedArguments<T>& a, const T* arena, std::int64_t first, std::uint32_t items,
                             const Team& team) {
  for (std::uint32_t b = 0; b < a.buffer_count; b++) {
    const FusedBuffer buffer = a.buffers[b];
    if (buffer.in != FusedBuffer::In::output) continue;
    const auto count = items * std::uint32_t(buffer.size);
    if (is_narrow(a.dtype))
      narrow_tile(a.views[b].base, arena + buffer.offset, first * buffer.size, count, Dtype(a.dtype), team);
    else
      write_tile(a.views[b].base, arena + buffer.offset, first * buffer.size, count, team);
  }
}

template <class T>
BRAUER_KERNEL(kFusedThreads, 2)
void fused(FusedArguments<T> a) {
  const std::uint32_t thread = std::uint32_t(thread_index());
  const std::uint32_t in_block = uniform(thread / a.threads);
  const Team team{thread - in_block * a.threads, a.threads, 1};
  const int barrier = int(in_block) + 1, threads = int(a.threads);
  const std::int64_t number = block_index() * a.teams + in_block;
  const TeamMemory<T> own = divide_memory(a, in_block, number);
  // The team's part, whose tiles lie a.across items apart; there may be more teams than parts.
  const std::uint32_t part = a.first_part + std::uint32_t(number);
  const std::uint32_t turned = part - a.turn + (part < a.turn ? a.parts : 0);
  const std::int64_t begin = part < a.parts ? std::int64_t(turned) * a.tile : a.items;
  make_views(a, own, begin, team);
  bring_resident(a);
  bring_tile(a, own.arena, begin, team);
  copy_async_commit();
  copy_async_wait<0>();
  sync_block();

  const OpCode* const ops = table<OpCode>(a.code, a.code->ops);
  const std::uint32_t op_count = uniform(a.code->op_count);
  std::uint32_t flipped = 0;
  for (std::int64_t first = begin; first < a.items; first += a.across) {
    const auto items = std::uint32_t(a.items - first < a.tile ? a.items - first : a.tile);
    const std::int64_t next = first + a.across;
    if (a.flip != 0) {
      bring_tile(a, own.arena + (flipped ? 0 : a.flip), next, team);
      copy_async_commit();
    }
    const Step<T> step{a.code, own.views + flipped * a.buffer_count, a.constants, 0, items, part, a.precision, nullptr,
                       nullptr};
    Turns turns(team);
    for (std::uint32_t i = 0; i < op_count; i++) {
      if (uniform(ops[i].barrier)) sync_group(barrier, threads), turns.start();
      turns.took(run_op<T, Space::arena>(step, ops[i], turns.next(a.groups[i])));
    }
    sync_group(barrier, threads);
    take_tile(a, own.arena, first, items, team);
    move_views(a, own, a.across, team);
    if (a.flip == 0) {
      bring_tile(a, own.arena, next, team);
      copy_async_commit();
    }
    flipped ^= a.flip != 0 ? 1 : 0;
    copy_async_wait<0>();
    sync_group(barrier, threads);
  }
}

}  // namespace

template <class T>
Kernel fused_kernel() {
  return kernel_of("fused", fused<T>);
}

template Kernel fused_kernel<float>();
template Kernel fused_kernel<double>();

}  // namespace brauer::cuda
