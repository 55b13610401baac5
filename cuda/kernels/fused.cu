#include "cuda/kernels/kernels.h"
#include "cuda/kernels/run.h"

/* A whole program in one launch. A team of a few warps takes a tile of items, brings their inputs into its arena
   (shared memory, or a part of global memory for items that do not fit), runs all instructions there, and writes the
   outputs; then its next tile. Teams of a block share nothing but the multiprocessor, so that one hides another's
   barriers. What sums over items has a sum per team, which `combine` adds. */
namespace brauer::cuda {
namespace {

// Elements [0, count) of an operand, from storage to the type computed in and back.
template <class T>
BRAUER_DEVICE void bring(T* to, const void* from, std::int64_t at, std::uint32_t count, Dtype dtype, const Team& team) {
  for (std::uint32_t i = team.rank; i < count; i += team.size) {
    if (dtype == Dtype::f16)
      to[i] = T(half_to_float(static_cast<const std::uint16_t*>(from)[at + i]));
    else if (dtype == Dtype::bf16)
      to[i] = T(bfloat16_to_float(static_cast<const std::uint16_t*>(from)[at + i]));
    else
      to[i] = static_cast<const T*>(from)[at + i];
  }
}
template <class T>
BRAUER_DEVICE void take(void* to, const T* from, std::int64_t at, std::uint32_t count, Dtype dtype, const Team& team) {
  for (std::uint32_t i = team.rank; i < count; i += team.size) {
    if (dtype == Dtype::f16)
      static_cast<std::uint16_t*>(to)[at + i] = float_to_half(float(from[i]));
    else if (dtype == Dtype::bf16)
      static_cast<std::uint16_t*>(to)[at + i] = float_to_bfloat16(float(from[i]));
    else
      static_cast<T*>(to)[at + i] = from[i];
  }
}

template <class T>
BRAUER_KERNEL(kFusedThreads, 1)
void fused(FusedArguments<T> a) {
  const std::uint32_t thread = std::uint32_t(thread_index());
  const std::uint32_t in_block = thread / a.threads;
  const Team team{thread - in_block * a.threads, a.threads};
  const int barrier = int(in_block) + 1;
  const std::int64_t number = block_index() * a.teams + in_block, teams = block_count() * a.teams;

  // Every team has its views, and its arena behind them.
  const std::uint32_t views_bytes = (a.buffer_count * std::uint32_t(sizeof(View<T>)) + 15) / 16 * 16;
  const std::int64_t own_bytes = views_bytes + (a.arenas ? 0 : a.arena * std::int64_t(sizeof(T)));
  char* const own = shared_memory() + in_block * own_bytes;
  auto* const views = reinterpret_cast<View<T>*>(own);
  T* const arena = a.arenas ? a.arenas + number * a.arena : reinterpret_cast<T*>(own + views_bytes);
  for (std::uint32_t b = team.rank; b < a.buffer_count; b += team.size) {
    const FusedBuffer buffer = a.buffers[b];
    views[b] = buffer.in == FusedBuffer::In::fixed ? a.views[b] : View<T>{arena + buffer.offset, buffer.step, 0};
  }

  const OpCode* const ops = table<OpCode>(a.code, a.code->ops);
  for (std::int64_t first = number * a.tile; first < a.items; first += teams * a.tile) {
    const auto items = std::uint32_t(a.items - first < a.tile ? a.items - first : a.tile);
    for (std::uint32_t b = 0; b < a.buffer_count; b++) {
      const FusedBuffer buffer = a.buffers[b];
      if (buffer.in == FusedBuffer::In::input)
        bring(arena + buffer.offset, a.views[b].base, first * buffer.size, items * std::uint32_t(buffer.size),
              Dtype(a.dtype), team);
    }
    sync_group(barrier, int(a.threads));
    const Step<T> step{a.code, views, a.constants, 0, items, std::uint32_t(number)};
    for (std::uint32_t i = 0; i < a.code->op_count; i++) {
      if (ops[i].barrier) sync_group(barrier, int(a.threads));
      run_op(step, ops[i], team);
    }
    sync_group(barrier, int(a.threads));
    for (std::uint32_t b = 0; b < a.buffer_count; b++) {
      const FusedBuffer buffer = a.buffers[b];
      if (buffer.in == FusedBuffer::In::output)
        take(a.views[b].base, arena + buffer.offset, first * buffer.size, items * std::uint32_t(buffer.size),
             Dtype(a.dtype), team);
    }
    sync_group(barrier, int(a.threads));
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
