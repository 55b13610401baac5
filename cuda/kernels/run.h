#pragma once

#include "cuda/kernels/move.h"
#include "cuda/kernels/orbit.h"
#include "cuda/kernels/product.h"

namespace brauer::cuda {

// One instruction.
template <class T, Kind kKind>
BRAUER_DEVICE void run_kind(Step<T> step, const OpCode& op, Team team) {
  const CodeTables* const code = step.code;
  const bool sums = op.sums_items != 0;
  if constexpr (kKind == Kind::zero) run_zero(step, table<ZeroCode>(code, code->zeros)[op.index], team);
  if constexpr (kKind == Kind::move) run_move(step, table<MoveCode>(code, code->moves)[op.index], sums, team);
  if constexpr (kKind == Kind::product) run_product(step, table<ProductCode>(code, code->products)[op.index], team);
  if constexpr (kKind == Kind::weights)
    run_weights(step, table<WeightsCode>(code, code->weights)[op.index], sums, team);
  if constexpr (kKind == Kind::orbit) run_orbit(step, table<OrbitCode>(code, code->orbits)[op.index], team);
}

template <class T>
BRAUER_DEVICE void run_op(Step<T> step, const OpCode& op, Team team) {
  switch (op.kind) {
    case Kind::zero:
      return run_kind<T, Kind::zero>(step, op, team);
    case Kind::move:
      return run_kind<T, Kind::move>(step, op, team);
    case Kind::product:
      return run_kind<T, Kind::product>(step, op, team);
    case Kind::weights:
      return run_kind<T, Kind::weights>(step, op, team);
    case Kind::orbit:
      return run_kind<T, Kind::orbit>(step, op, team);
  }
}

}  // namespace brauer::cuda
