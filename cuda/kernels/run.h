#pragma once

#include "cuda/kernels/move.h"
#include "cuda/kernels/orbit.h"
#include "cuda/kernels/product.h"

namespace brauer::cuda {

// One instruction; returns how many jobs it has.
template <class T, Space kSpace, Kind kKind>
BRAUER_DEVICE std::uint32_t run_kind(Step<T> step, const OpCode& op, Team team) {
  const CodeTables* const code = step.code;
  const bool sums = op.sums_items != 0;
  if constexpr (kKind == Kind::zero) return run_zero(step, table<ZeroCode>(code, code->zeros)[op.index], team);
  if constexpr (kKind == Kind::move) return run_move(step, table<MoveCode>(code, code->moves)[op.index], sums, team);
  if constexpr (kKind == Kind::product)
    return run_product<T, kSpace>(step, table<ProductCode>(code, code->products)[op.index], team);
  if constexpr (kKind == Kind::weights)
    return run_weights(step, table<WeightsCode>(code, code->weights)[op.index], sums, team);
  if constexpr (kKind == Kind::orbit)
    return run_orbit<T, kSpace>(step, table<OrbitCode>(code, code->orbits)[op.index], team);
}

template <class T, Space kSpace>
BRAUER_DEVICE std::uint32_t run_op(Step<T> step, const OpCode& op, Team team) {
  switch (Kind(uniform(std::uint32_t(op.kind)))) {
    case Kind::zero:
      if constexpr (kSpace != Space::box) return run_kind<T, kSpace, Kind::zero>(step, op, team);
      break;  // not in boxes, nor moves
    case Kind::move:
      if constexpr (kSpace != Space::box) return run_kind<T, kSpace, Kind::move>(step, op, team);
      break;
    case Kind::product:
      return run_kind<T, kSpace, Kind::product>(step, op, team);
    case Kind::weights:
      return run_kind<T, kSpace, Kind::weights>(step, op, team);
    case Kind::orbit:
      return run_kind<T, kSpace, Kind::orbit>(step, op, team);
  }
  return 0;
}

// Deals the jobs of instructions that do not wait for each other: those of one go on where those of the one before
// ended, so that all warps have some. The team has a power of two workers, in whole warps.
class Turns {
 public:
  BRAUER_DEVICE explicit Turns(const Team& team) : rank_(team.rank), size_(team.size) {}
  BRAUER_DEVICE void start() { first_ = 0; }
  BRAUER_DEVICE Team next(std::uint32_t groups) const { return {(rank_ - first_) & (size_ - 1), size_, groups}; }
  BRAUER_DEVICE void took(std::uint32_t jobs) { first_ += (jobs + 31) / 32 * 32; }

 private:
  std::uint32_t rank_, size_, first_ = 0;
};

}  // namespace brauer::cuda
