#pragma once

#include "cuda/kernels/step.h"

/* `orbit`: for every ascending multi-index, its m distinct rearrangements are a vector v of the strands, and Q·v the
   rows forward   rows (+)= Q · strands        inverse   strands (+)= Qᵀ · rows One worker per multi-index and vector of
   the loops. */
namespace brauer::cuda {

// A multi-index: its composition, its values, and how many rows of a lambda come before it. Pairs are computed, longer
// ones are read.
struct Multi {
  const CompositionCode* composition;
  const std::int32_t* record;  // composition, values, rows before by lambda; null for one or two values
  std::uint32_t i, j;
  std::uint32_t equal, ascending;  // multi-indices of either composition before this one
};

// The first value of the pair at a place: i·n − i(i−1)/2 pairs come before (i, i), so it is the root of a quadratic,
// found in float and then put right.
BRAUER_DEVICE std::uint32_t first_of_pair(std::uint32_t place, std::uint32_t n) {
  const auto before = [n](std::uint32_t i) { return std::uint64_t(i) * n - std::uint64_t(i) * (i - 1) / 2; };
  const float b = 2 * float(n) + 1, square = b * b - 8 * float(place);
  const float root = (b - square_root(square > 0 ? square : 0)) / 2;
  std::uint32_t i = root > 0 ? std::uint32_t(root) : 0;
  if (i >= n) i = n - 1;
  while (i > 0 && before(i) > place) i--;
  while (i + 1 < n && before(i + 1) <= place) i++;
  return i;
}

BRAUER_DEVICE Multi multi_index(const CodeTables* code, const OrbitCode& orbit, std::uint32_t place) {
  const CompositionCode* const compositions = table<CompositionCode>(code, code->compositions) + orbit.compositions;
  if (orbit.d == 1) return {compositions, nullptr, place, 0, place, 0};
  if (orbit.d == 2) {
    const std::uint32_t i = first_of_pair(place, orbit.n);
    const std::uint32_t j = i + place - std::uint32_t(std::uint64_t(i) * orbit.n - std::uint64_t(i) * (i - 1) / 2);
    const std::uint32_t equal = i + (j > i ? 1 : 0);
    return {compositions + (j > i ? 1 : 0), nullptr, i, j, equal, place - equal};
  }
  const std::int32_t* const record = table<std::int32_t>(code, code->numbers) + orbit.indices +
                                     std::uint64_t(place) * (1 + orbit.d + orbit.lambda_count);
  return {compositions + record[0], record, 0, 0, 0, 0};
}

// Where rearrangement `column` of a multi-index lies on the strands.
BRAUER_DEVICE std::int32_t strand_offset(const CodeTables* code, const OrbitCode& orbit, const Multi& multi,
                                         std::uint32_t column) {
  const std::uint8_t* const word = table<std::uint8_t>(code, code->words) + multi.composition->words + column * orbit.d;
  std::int32_t offset = 0;
  for (std::uint32_t p = 0; p < orbit.d; p++) {
    const std::int32_t value =
        multi.record ? multi.record[1 + word[p]] : std::int32_t(word[p] == 0 ? multi.i : multi.j);
    offset += value * orbit.strides[p];
  }
  return offset;
}

BRAUER_DEVICE std::int32_t loops_offset(const CodeTables* code, const OrbitCode& orbit, std::uint32_t setting,
                                        int lambda) {
  const LoopCode* const loops = table<LoopCode>(code, code->loops) + orbit.loops;
  std::int32_t offset = 0;
  for (std::uint32_t l = orbit.loop_count; l-- > 0;) {
    const std::int32_t t = take_digit(setting, loops[l].extent);
    offset += t * (lambda < 0 ? loops[l].out : table<std::int32_t>(code, code->numbers)[loops[l].in + lambda]);
  }
  return offset;
}

// Calls f(r, row) for the rows of a multi-index in the order of its matrix.
template <class T, class F>
BRAUER_DEVICE void each_row(const Step<T>& step, const OrbitCode& orbit, const Multi& multi, std::uint32_t item,
                            std::uint32_t setting, const F& f) {
  const CodeTables* const code = step.code;
  const LambdaCode* const lambdas = table<LambdaCode>(code, code->lambdas) + orbit.lambdas;
  const std::int32_t* const numbers = table<std::int32_t>(code, code->numbers);
  const CompositionCode* const compositions = table<CompositionCode>(code, code->compositions) + orbit.compositions;
  std::uint32_t r = 0;
  for (std::uint32_t l = 0; l < orbit.lambda_count; l++) {
    const std::int32_t copies = numbers[multi.composition->kostka + l];
    if (copies == 0) continue;
    const LambdaCode lambda = lambdas[l];
    std::int32_t before;
    if (multi.record) {
      before = multi.record[1 + orbit.d + l];
    } else {
      before = std::int32_t(multi.equal) * numbers[compositions[0].kostka + l];
      if (orbit.d == 2) before += std::int32_t(multi.ascending) * numbers[compositions[1].kostka + l];
    }
    T* const rows = element(step, lambda.rows, item) + loops_offset(code, orbit, setting, int(l));
    for (std::int32_t copy = 0; copy < copies; copy++)
      for (std::uint32_t unit = 0; unit < lambda.dimension; unit++, r++)
        f(r, rows + std::int64_t(before + copy) * lambda.row_stride + std::int64_t(unit) * lambda.unit_stride);
  }
}

// With M columns the strands of a multi-index stay in registers.
template <class T, int V, int M>
BRAUER_DEVICE void run_columns(const Step<T>& step, const OrbitCode& orbit, const Multi& multi, std::uint32_t item,
                               std::uint32_t setting) {
  const T* const matrix = step.constants + multi.composition->matrix;
  T* const strands = element(step, orbit.strands, item) + loops_offset(step.code, orbit, setting, -1);
  Vector<T, V> values[M]{};
  if (orbit.inverse) {
    each_row(step, orbit, multi, item, setting, [&](std::uint32_t r, const T* row) {
      const Vector<T, V> value = load<T, V>(row);
      for (int s = 0; s < M; s++)
        for (int v = 0; v < V; v++) values[s].values[v] += matrix[r * M + s] * value.values[v];
    });
    for (int s = 0; s < M; s++)
      put<T, V>(strands + strand_offset(step.code, orbit, multi, std::uint32_t(s)), values[s], orbit.set != 0);
    return;
  }
  for (int s = 0; s < M; s++)
    values[s] = load<T, V>(strands + strand_offset(step.code, orbit, multi, std::uint32_t(s)));
  each_row(step, orbit, multi, item, setting, [&](std::uint32_t r, T* row) {
    Vector<T, V> sum{};
    for (int s = 0; s < M; s++)
      for (int v = 0; v < V; v++) sum.values[v] += matrix[r * M + s] * values[s].values[v];
    put<T, V>(row, sum, orbit.set != 0);
  });
}

// The same for any number of columns, each sum read anew.
template <class T, int V>
BRAUER_DEVICE void run_many_columns(const Step<T>& step, const OrbitCode& orbit, const Multi& multi, std::uint32_t item,
                                    std::uint32_t setting) {
  const std::uint32_t columns = multi.composition->columns;
  const T* const matrix = step.constants + multi.composition->matrix;
  T* const strands = element(step, orbit.strands, item) + loops_offset(step.code, orbit, setting, -1);
  if (orbit.inverse) {
    for (std::uint32_t s = 0; s < columns; s++) {
      Vector<T, V> sum{};
      each_row(step, orbit, multi, item, setting, [&](std::uint32_t r, const T* row) {
        const Vector<T, V> value = load<T, V>(row);
        for (int v = 0; v < V; v++) sum.values[v] += matrix[r * columns + s] * value.values[v];
      });
      put<T, V>(strands + strand_offset(step.code, orbit, multi, s), sum, orbit.set != 0);
    }
    return;
  }
  each_row(step, orbit, multi, item, setting, [&](std::uint32_t r, T* row) {
    Vector<T, V> sum{};
    for (std::uint32_t s = 0; s < columns; s++) {
      const Vector<T, V> value = load<T, V>(strands + strand_offset(step.code, orbit, multi, s));
      for (int v = 0; v < V; v++) sum.values[v] += matrix[r * columns + s] * value.values[v];
    }
    put<T, V>(row, sum, orbit.set != 0);
  });
}

template <class T, int V>
BRAUER_DEVICE void run_multi(const Step<T>& step, const OrbitCode& orbit, const Place& at) {
  const std::uint32_t place = quotient(orbit.per_loops, at.place);
  const std::uint32_t setting = at.place - place * orbit.per_loops.divisor;
  const Multi multi = multi_index(step.code, orbit, place);
  switch (multi.composition->columns) {
    case 1:
      return run_columns<T, V, 1>(step, orbit, multi, at.item, setting);
    case 2:
      return run_columns<T, V, 2>(step, orbit, multi, at.item, setting);
    case 3:
      return run_columns<T, V, 3>(step, orbit, multi, at.item, setting);
    case 6:
      return run_columns<T, V, 6>(step, orbit, multi, at.item, setting);
    default:
      return run_many_columns<T, V>(step, orbit, multi, at.item, setting);
  }
}

template <class T, int V>
BRAUER_DEVICE void run_multis(const Step<T>& step, const OrbitCode& orbit, const Team& team) {
  if (orbit.serial) {
    for (std::uint32_t item = team.rank; item < step.items; item += team.size)
      for (std::uint32_t place = 0; place < orbit.work; place++) run_multi<T, V>(step, orbit, {item, place});
    return;
  }
  const std::uint32_t total = orbit.work * step.items;
  for (std::uint32_t i = team.rank; i < total; i += team.size)
    run_multi<T, V>(step, orbit, place_of(i, orbit.per_item));
}

template <class T>
BRAUER_DEVICE void run_orbit(const Step<T>& step, const OrbitCode& orbit, const Team& team) {
  constexpr int kVector = 16 / int(sizeof(T));
  if (orbit.vector > 1)
    run_multis<T, kVector>(step, orbit, team);
  else
    run_multis<T, 1>(step, orbit, team);
}

}  // namespace brauer::cuda
