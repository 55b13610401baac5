#pragma once

#include "cuda/kernels/step.h"

/* `zero`, `strided` and `gather`
   out[b, group + Σ t·out] (+)= scale · Σ over the group's entries and the reduced loops of ± in[b, entry + Σ t·in]
   One job per vector of outputs, the sum inside. What sums over the items is one group of them. */
namespace brauer::cuda {

template <class T, int V>
BRAUER_CALLED std::uint32_t run_zero_vectors(Step<T> step, const ZeroCode& zero, Team team) {
  const Items<T> out = items_of(step, zero.out);
  for (std::uint32_t i = team.rank; i < zero.work * team.groups; i += team.size) {
    const Job job = job_of(i, zero.per_item);
    const std::uint32_t row = quotient(zero.count, job.place);
    const std::int64_t at = std::int64_t(row) * zero.stride + (job.place - row * zero.count.divisor) * V;
    for (std::uint32_t item = job.group; item < step.items; item += team.groups)
      store<T, V>(out[item] + at, Vector<T, V>{});
  }
  return zero.work * team.groups;
}

template <class T>
BRAUER_DEVICE std::uint32_t run_zero(Step<T> step, const ZeroCode& zero, Team team) {
  constexpr int kVector = 16 / int(sizeof(T));
  return zero.vector > 1 ? run_zero_vectors<T, kVector>(step, zero, team) : run_zero_vectors<T, 1>(step, zero, team);
}

struct Offsets {
  std::int32_t out, in;
  bool negative;
};

// Where the loops stand at a place; what is left of the place when the last one was taken off.
BRAUER_CALLED Offsets walk(const LoopCode* loops, std::uint32_t count, std::uint32_t& place) {
  Offsets at{0, 0, false};
  for (std::uint32_t l = count; l-- > 0;) {
    const std::int32_t t = take_digit(place, loops[l].extent);
    at.out += t * loops[l].out, at.in += t * loops[l].in;
    at.negative ^= loops[l].alternate != 0 && (t & 1) != 0;
  }
  return at;
}

// The last reduced loop of a move.
BRAUER_DEVICE LoopCode inner_of(const CodeTables* code, const MoveCode& move) {
  return table<LoopCode>(code, code->loops)[move.loops + move.parallel + move.reduced - 1];
}

// Calls f(offset, sign) for the terms of a sum: entries outside, the last reduced loop inside.
template <class T, class F>
BRAUER_DEVICE void each_term(const CodeTables* code, const MoveCode& move, const LoopCode& inner,
                             const GroupCode& group, bool negative, const F& f) {
  const EntryCode* const entries = table<EntryCode>(code, code->entries);
  for (std::uint32_t e = group.first; e < group.end; e++) {
    const EntryCode entry = entries[e];
    const T sign = T(negative ? -entry.sign : entry.sign);
    for (std::uint32_t s = 0; s < move.settings; s++) {
      Offsets outer{0, 0, false};
      if (move.reduced > 1) {
        std::uint32_t rest = s;
        outer = walk(table<LoopCode>(code, code->loops) + move.loops + move.parallel, move.reduced - 1, rest);
      }
      std::int32_t at = entry.in + outer.in, to = outer.out;
      T factor = outer.negative ? -sign : sign;
      for (std::uint32_t t = 0; t < inner.extent.divisor; t++) {
        f(at, to, factor);
        at += inner.in, to += inner.out;
        if (inner.alternate) factor = -factor;
      }
    }
  }
}

// The settings of all loops one after the other, by one worker, where outputs may meet.
template <class T>
BRAUER_CALLED std::uint32_t run_serial_move(Step<T> step, const MoveCode& move, bool sums_items, Team team) {
  const GroupCode* const groups = table<GroupCode>(step.code, step.code->groups) + move.groups;
  const std::uint32_t first = sums_items ? 0 : team.rank, stride = sums_items ? 1 : team.size;
  if (sums_items && team.rank != 0) return 1;
  const LoopCode inner = inner_of(step.code, move);
  for (std::uint32_t item = first; item < step.items; item += stride) {
    T* const out = items_of(step, move.out)[item];
    const T* const in = items_of(step, move.in)[item];
    for (std::uint32_t g = 0; g < move.group_count; g++) {
      if (move.set && !sums_items)
        each_term<T>(step.code, move, inner, groups[g], false,
                     [&](std::int32_t, std::int32_t to, T) { out[groups[g].out + to] = 0; });
      each_term<T>(step.code, move, inner, groups[g], false, [&](std::int32_t at, std::int32_t to, T factor) {
        out[groups[g].out + to] += T(move.scale) * factor * in[at];
      });
    }
  }
  return sums_items ? 1 : step.items;
}

// The terms of one output.
template <class T, int V>
BRAUER_DEVICE Vector<T, V> sum_terms(const CodeTables* code, const MoveCode& move, const LoopCode& inner,
                                     const GroupCode& group, bool negative, const T* in, bool is_long) {
  Vector<T, V> sum{};
  if (!is_long) {
    each_term<T>(code, move, inner, group, negative, [&](std::int32_t at, std::int32_t, T factor) {
      const Vector<T, V> x = load<T, V>(in + at);
      BRAUER_UNROLL
      for (int v = 0; v < V; v++) sum.values[v] += factor * x.values[v];
    });
    return sum;
  }
  LongSum<T, V> all;
  each_term<T>(code, move, inner, group, negative, [&](std::int32_t at, std::int32_t, T factor) {
    Vector<T, V> x = load<T, V>(in + at);
    BRAUER_UNROLL
    for (int v = 0; v < V; v++) x.values[v] *= factor;
    all.add(x);
  });
  return all.total();
}

template <class T, int V>
BRAUER_CALLED std::uint32_t run_parallel_move(Step<T> step, const MoveCode& move, bool sums_items, Team team) {
  const CodeTables* const code = step.code;
  const LoopCode* const loops = table<LoopCode>(code, code->loops) + move.loops;
  const GroupCode* const groups = table<GroupCode>(code, code->groups) + move.groups;
  const std::int32_t* const numbers = table<std::int32_t>(code, code->numbers) + move.places;
  const LoopCode inner = inner_of(code, move);
  const std::uint32_t terms = move.settings * inner.extent.divisor;
  const Items<T> in = items_of(step, move.in), out = items_of(step, move.out);
  const T scale = T(move.scale);
  for (std::uint32_t i = team.rank; i < move.work * team.groups; i += team.size) {
    Job job = job_of(i, move.per_item);
    Offsets offsets{0, 0, false};
    if (move.listed > 0)
      offsets = {numbers[job.place], numbers[move.listed + job.place], false}, job.place = 0;
    else
      offsets = walk(loops, move.parallel, job.place);
    const GroupCode group = groups[job.place];
    const bool is_long = terms * (group.end - group.first) > kPlainTerms;
    const std::int32_t to = group.out + offsets.out;
    LongSum<T, V> all;
    for (std::uint32_t item = job.group; item < step.items; item += team.groups) {
      Vector<T, V> sum = sum_terms<T, V>(code, move, inner, group, offsets.negative, in[item] + offsets.in, is_long);
      BRAUER_UNROLL
      for (int v = 0; v < V; v++) sum.values[v] *= scale;
      if (sums_items)
        all.add(sum);
      else
        put<T, V>(out[item] + to, sum, move.set != 0);
    }
    if (sums_items) put<T, V>(out[0] + to, all.total(), false);
  }
  return move.work * team.groups;
}

template <class T>
BRAUER_DEVICE std::uint32_t run_move(Step<T> step, const MoveCode& move, bool sums_items, Team team) {
  constexpr int kVector = 16 / int(sizeof(T));
  if (move.serial) return run_serial_move(step, move, sums_items, team);
  if (move.vector > 1) return run_parallel_move<T, kVector>(step, move, sums_items, team);
  return run_parallel_move<T, 1>(step, move, sums_items, team);
}

}  // namespace brauer::cuda
