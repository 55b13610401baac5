#include "cuda/kernels/kernels.h"
#include "cuda/kernels/run.h"

/* One launch per instruction, or for a few that do not wait for each other, over all items of a call; the grid is the
   team. What sums over items has a team, and a
   sum, per part of the items, and `combine` adds the parts. No two workers write one element. */
namespace brauer::cuda {
namespace {

template <class T, Kind kKind>
BRAUER_KERNEL(kStagedThreads, 2)
void staged(StagedArguments<T> a) {
  const OpCode* const ops = table<OpCode>(a.code, a.code->ops) + a.op;
  const std::uint32_t block = std::uint32_t(block_index()), thread = std::uint32_t(thread_index());
  const std::uint32_t blocks = std::uint32_t(block_count()) / a.parts;
  const std::uint32_t part = block / blocks, threads = std::uint32_t(thread_count());
  const std::uint32_t rank = (block - part * blocks) * threads + thread, size = blocks * threads;
  std::uint32_t from = 0;
  for (std::int64_t at = std::int64_t(part < a.turn ? part + a.parts - a.turn : part - a.turn) * a.chunk; at < a.items;
       at += std::int64_t(a.parts) * a.chunk) {
    const auto first = std::uint32_t(at), items = a.items - first < a.chunk ? a.items - first : a.chunk;
    const Step<T> step{a.code, a.views, a.constants, first, items, part, a.precision, nullptr, nullptr};
    for (std::uint32_t i = 0; i < a.count; i++) {
      // Each goes on with the workers after those that the one before has given its last jobs.
      const Team team{rank >= from ? rank - from : rank - from + size, size, a.groups[i]};
      const std::uint32_t jobs = run_kind<T, Space::memory, kKind>(step, ops[i], team);
      if (a.count > 1) from = (from + (jobs + 31) / 32 * 32) % size;
    }
  }
}

template <class T>
BRAUER_KERNEL(kStagedThreads, 2)
void combine(CombineArguments<T> a) {
  const std::int64_t stride = block_count() * thread_count();
  for (std::int64_t e = block_index() * thread_count() + thread_index(); e < a.size; e += stride) {
    LongSum<T, 1> sum;
    for (std::uint32_t part = 0; part < a.parts; part++) sum.add({{a.partial[part * a.stride + e]}});
    a.out[e] = sum.total().values[0];
  }
}

struct Half {
  static BRAUER_DEVICE float widen(std::uint16_t bits) { return half_to_float(bits); }
  static BRAUER_DEVICE std::uint16_t narrow(float value) { return float_to_half(value); }
};
struct Bfloat16 {
  static BRAUER_DEVICE float widen(std::uint16_t bits) { return bfloat16_to_float(bits); }
  static BRAUER_DEVICE std::uint16_t narrow(float value) { return float_to_bfloat16(value); }
};

template <class Storage>
BRAUER_KERNEL(kStagedThreads, 2)
void widen(ConvertArguments a) {
  const std::int64_t stride = block_count() * thread_count();
  for (std::int64_t i = block_index() * thread_count() + thread_index(); i < a.count; i += stride)
    static_cast<float*>(a.to)[i] = Storage::widen(static_cast<const std::uint16_t*>(a.from)[i]);
}

template <class Storage>
BRAUER_KERNEL(kStagedThreads, 2)
void narrow(ConvertArguments a) {
  const std::int64_t stride = block_count() * thread_count();
  for (std::int64_t i = block_index() * thread_count() + thread_index(); i < a.count; i += stride)
    static_cast<std::uint16_t*>(a.to)[i] = Storage::narrow(static_cast<const float*>(a.from)[i]);
}

}  // namespace

template <class T>
Kernel staged_kernel(Kind kind) {
  switch (kind) {
    case Kind::zero:
      return kernel_of("staged zero", staged<T, Kind::zero>);
    case Kind::move:
      return kernel_of("staged move", staged<T, Kind::move>);
    case Kind::product:
      return kernel_of("staged product", staged<T, Kind::product>);
    case Kind::weights:
      return kernel_of("staged weights", staged<T, Kind::weights>);
    case Kind::orbit:
      break;
  }
  return kernel_of("staged orbit", staged<T, Kind::orbit>);
}

template <class T>
Kernel combine_kernel() {
  return kernel_of("combine", combine<T>);
}

Kernel widen_kernel(Dtype dtype) {
  return dtype == Dtype::f16 ? kernel_of("widen", widen<Half>) : kernel_of("widen", widen<Bfloat16>);
}
Kernel narrow_kernel(Dtype dtype) {
  return dtype == Dtype::f16 ? kernel_of("narrow", narrow<Half>) : kernel_of("narrow", narrow<Bfloat16>);
}

template Kernel staged_kernel<float>(Kind);
template Kernel staged_kernel<double>(Kind);
template Kernel combine_kernel<float>();
template Kernel combine_kernel<double>();

}  // namespace brauer::cuda
