#pragma once

#include "cuda/kernels/step.h"

/* `orbit` without lists: each worker works out where its multi-index lies, and reads what it sums anew for each sum. */
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

BRAUER_CALLED Multi multi_index(const CodeTables* code, const OrbitCode& orbit, std::uint32_t place) {
  const CompositionCode* const compositions = table<CompositionCode>(code, code->compositions) + orbit.compositions;
  if (orbit.d == 1) return {compositions, nullptr, place, 0, place, 0};
  if (orbit.d == 2) {
    const std::uint32_t n = orbit.n, i = first_of_pair(place, n);
    const std::uint32_t j = i + place - std::uint32_t(std::uint64_t(i) * n - std::uint64_t(i) * (i - 1) / 2);
    const std::uint32_t equal = i + (j > i ? 1 : 0);
    return {compositions + (j > i ? 1 : 0), nullptr, i, j, equal, place - equal};
  }
  const std::int32_t* const record = table<std::int32_t>(code, code->numbers) + orbit.indices +
                                     std::uint64_t(place) * (1 + orbit.d + orbit.lambda_count);
  return {compositions + record[0], record, 0, 0, 0, 0};
}

// The value that strand p has in rearrangement `word`.
BRAUER_DEVICE std::int32_t value_of(const Multi& multi, const std::uint8_t* word, std::uint32_t p) {
  const std::uint32_t place = word[p];
  if (!multi.record) return std::int32_t(place == 0 ? multi.i : multi.j);
  return multi.record[1 + place];
}

// Where rearrangement `column` of a multi-index lies on the strands.
BRAUER_CALLED std::int32_t strand_offset(const CodeTables* code, const OrbitCode& orbit, const Multi& multi,
                                         std::uint32_t column) {
  const std::uint8_t* const word = table<std::uint8_t>(code, code->words) + multi.composition->words + column * orbit.d;
  std::int32_t offset = 0;
  for (std::uint32_t p = 0; p < orbit.d; p++) offset += value_of(multi, word, p) * orbit.strides[p];
  return offset;
}

BRAUER_CALLED std::int32_t loops_offset(const CodeTables* code, const OrbitCode& orbit, std::uint32_t setting,
                                        int lambda) {
  const LoopCode* const loops = table<LoopCode>(code, code->loops) + orbit.loops;
  std::int32_t offset = 0;
  for (std::uint32_t l = orbit.loop_count; l-- > 0;) {
    const std::int32_t t = take_digit(setting, loops[l].extent);
    offset += t * (lambda < 0 ? loops[l].out : table<std::int32_t>(code, code->numbers)[loops[l].in + lambda]);
  }
  return offset;
}

// What an inverse orbit adds to a column. along: where the loops stand on the strands, and so in every term.
template <class T, int V>
BRAUER_CALLED void add_terms(Step<T> step, const OrbitCode& orbit, const Multi& multi, std::uint32_t column,
                             std::uint32_t item, std::int32_t along, Vector<T, V>& sum) {
  const CodeTables* const code = step.code;
  const std::int32_t* const numbers = table<std::int32_t>(code, code->numbers);
  const std::uint32_t first = multi.composition->terms + column;
  const std::uint8_t* const word = table<std::uint8_t>(code, code->words) + multi.composition->words + column * orbit.d;
  for (std::int32_t each = numbers[first]; each < numbers[first + 1]; each++) {
    const TermCode& term = table<TermCode>(code, code->terms)[orbit.terms + std::uint32_t(numbers[each])];
    std::int32_t offset = along;
    for (std::uint32_t p = 0; p < orbit.d; p++) offset += value_of(multi, word, p) * term.strides[p];
    const Vector<T, V> value = load<T, V>(items_of(step, term.in)[item] + offset);
    BRAUER_UNROLL
    for (int v = 0; v < V; v++) sum.values[v] += T(term.scale) * value.values[v];
  }
}

// Row r of a multi-index, in the order of its matrix.
template <class T>
BRAUER_CALLED Items<T> row_of(Step<T> step, const OrbitCode& orbit, const Multi& multi, std::uint32_t setting,
                              std::uint32_t r) {
  const CodeTables* const code = step.code;
  const RowCode row = table<RowCode>(code, code->rows)[multi.composition->rows + r];
  const LambdaCode lambda = table<LambdaCode>(code, code->lambdas)[orbit.lambdas + row.lambda];
  std::int32_t before;
  if (multi.record) {
    before = multi.record[1 + orbit.d + row.lambda];
  } else {
    const CompositionCode* const compositions = table<CompositionCode>(code, code->compositions) + orbit.compositions;
    const std::int32_t* const kostka = table<std::int32_t>(code, code->numbers) + row.lambda;
    before = std::int32_t(multi.equal) * kostka[compositions[0].kostka];
    if (orbit.d == 2) before += std::int32_t(multi.ascending) * kostka[compositions[1].kostka];
  }
  Items<T> rows = items_of(step, lambda.rows);
  rows.base +=
      std::int64_t(before) * lambda.row_stride + row.offset + loops_offset(code, orbit, setting, int(row.lambda));
  return rows;
}

template <class T, int V>
BRAUER_CALLED void run_any_columns(Step<T> step, const OrbitCode& orbit, const Multi& multi, std::uint32_t setting,
                                   std::uint32_t group, std::uint32_t groups) {
  const std::uint32_t columns = multi.composition->columns;
  const T* const matrix = step.constants + multi.composition->matrix;
  Items<T> strands = items_of(step, orbit.strands);
  const std::int32_t along = loops_offset(step.code, orbit, setting, -1);
  strands.base += along;
  for (std::uint32_t item = group; item < step.items; item += groups) {
    T* const at = strands[item];
    for (std::uint32_t r = 0; r < columns; r++) {
      Vector<T, V> sum{};
      for (std::uint32_t s = 0; s < columns; s++) {
        const T factor = orbit.inverse ? matrix[s * columns + r] : matrix[r * columns + s];
        const Vector<T, V> value = load<T, V>(orbit.inverse ? row_of(step, orbit, multi, setting, s)[item]
                                                            : at + strand_offset(step.code, orbit, multi, s));
        BRAUER_UNROLL
        for (int v = 0; v < V; v++) sum.values[v] += factor * value.values[v];
      }
      if (orbit.term_count > 0) add_terms<T, V>(step, orbit, multi, r, item, along, sum);
      put<T, V>(
          orbit.inverse ? at + strand_offset(step.code, orbit, multi, r) : row_of(step, orbit, multi, setting, r)[item],
          sum, orbit.set != 0);
    }
  }
}

template <class T, int V>
BRAUER_DEVICE void run_multi(Step<T> step, const OrbitCode& orbit, const Job& job, std::uint32_t groups) {
  const std::uint32_t place = quotient(orbit.per_loops, job.place);
  const std::uint32_t setting = job.place - place * orbit.per_loops.divisor;
  run_any_columns<T, V>(step, orbit, multi_index(step.code, orbit, place), setting, job.group, groups);
}

template <class T, int V>
BRAUER_CALLED std::uint32_t run_multis(Step<T> step, const OrbitCode& orbit, Team team) {
  if (orbit.serial) {
    for (std::uint32_t group = team.rank; group < team.groups; group += team.size)
      for (std::uint32_t place = 0; place < orbit.work; place++)
        run_multi<T, V>(step, orbit, {group, place}, team.groups);
    return team.groups;
  }
  for (std::uint32_t i = team.rank; i < orbit.work * team.groups; i += team.size)
    run_multi<T, V>(step, orbit, job_of(i, orbit.per_item), team.groups);
  return orbit.work * team.groups;
}

}  // namespace brauer::cuda
