#pragma once

#include "cuda/kernels/orbit_worker.h"
#include "cuda/kernels/step.h"

/* `orbit`: for every ascending multi-index, its m distinct rearrangements are a vector v of the strands, and Q·v the
   rows forward   rows (+)= Q · strands        inverse   strands (+)= Qᵀ · rows + terms
   One job per multi-index and vector of the loops; where m is large, per kChunk of its sums. What a multi-index needs
   is read from lists (code.h: ListCode); orbit_worker.h has those that are too large or too scattered for lists. */
namespace brauer::cuda {

// A multi-index of a list. at: its element 0 of a record; corner: null outside boxes.
struct Listed {
  const ListCode* list;
  const std::int32_t *at, *corner;
  BRAUER_DEVICE std::int32_t place(std::uint32_t i) const {
    return at[i * list->count] + (corner ? corner[list->corner + i] : 0);
  }
  BRAUER_DEVICE std::int32_t row(std::uint32_t i) const { return at[(list->rows + i) * list->count]; }
};

// What is added to a column of an inverse orbit. in: where the terms of an item count from.
template <class T, int V>
BRAUER_CALLED Vector<T, V> terms_of(const CodeTables* code, const T* constants, Listed multi, std::uint32_t column,
                                    const T* in) {
  const std::int32_t* const starts = table<std::int32_t>(code, code->numbers) + multi.list->starts + column;
  const T* const scales = constants + multi.list->scales;
  const std::int32_t end = starts[1], skip = std::int32_t(multi.list->columns);
  Vector<T, V> sum{};
  for (std::int32_t i = starts[0]; i < end; i++) {
    const Vector<T, V> value = load<T, V>(in + multi.place(std::uint32_t(i)));
    const T scale = scales[i - skip];
    BRAUER_UNROLL
    for (int v = 0; v < V; v++) sum.values[v] += scale * value.values[v];
  }
  return sum;
}

// Where an orbit's strands, rows and terms lie, in the items of a group.
template <class T>
struct OrbitItems {
  Items<T> strands, rows, added;
};

// M columns: the places, and the values of an item, stay in registers.
template <class T, int V, int M>
BRAUER_DEVICE void run_columns(Step<T> step, const OrbitCode& orbit, const OrbitItems<T>& items, Listed multi,
                               std::uint32_t group, std::uint32_t groups) {
  const T* const matrix = step.constants + multi.list->matrix;
  std::int32_t columns[M], rows[M];
  BRAUER_UNROLL
  for (int m = 0; m < M; m++) columns[m] = multi.place(std::uint32_t(m)), rows[m] = multi.row(std::uint32_t(m));
  for (std::uint32_t item = group; item < step.items; item += groups) {
    T *const strands = items.strands[item], *const own = items.rows[item];
    Vector<T, V> values[M];
    BRAUER_UNROLL
    for (int s = 0; s < M; s++) values[s] = load<T, V>(orbit.inverse ? own + rows[s] : strands + columns[s]);
    BRAUER_UNROLL
    for (int r = 0; r < M; r++) {
      Vector<T, V> sum{};
      if (orbit.term_count > 0)
        sum = terms_of<T, V>(step.code, step.constants, multi, std::uint32_t(r), items.added[item]);
      BRAUER_UNROLL
      for (int s = 0; s < M; s++) {
        const T factor = orbit.inverse ? matrix[s * M + r] : matrix[r * M + s];
        BRAUER_UNROLL
        for (int v = 0; v < V; v++) sum.values[v] += factor * values[s].values[v];
      }
      put<T, V>(orbit.inverse ? strands + columns[r] : own + rows[r], sum, orbit.set != 0);
    }
  }
}

// kChunk sums of many columns: each value is read once for all of them.
template <class T, int V>
BRAUER_CALLED void run_chunk(Step<T> step, const OrbitCode& orbit, OrbitItems<T> items, Listed multi,
                             std::uint32_t chunk, std::uint32_t group, std::uint32_t groups) {
  constexpr int kFactors = 16 / int(sizeof(T));
  const std::uint32_t columns = multi.list->columns, first = chunk * kChunk;
  for (std::uint32_t item = group; item < step.items; item += groups) {
    T *const strands = items.strands[item], *const own = items.rows[item];
    const T* factors = step.constants + multi.list->matrix + first * columns;
    Vector<T, V> sum[kChunk]{};
    for (std::uint32_t s = 0; s < columns; s++, factors += kChunk) {
      const Vector<T, V> value = load<T, V>(orbit.inverse ? own + multi.row(s) : strands + multi.place(s));
      BRAUER_UNROLL
      for (int r = 0; r < kChunk; r += kFactors) {
        const Vector<T, kFactors> factor = load<T, kFactors>(factors + r);
        BRAUER_UNROLL
        for (int i = 0; i < kFactors; i++) {
          BRAUER_UNROLL
          for (int v = 0; v < V; v++) sum[r + i].values[v] += factor.values[i] * value.values[v];
        }
      }
    }
    BRAUER_UNROLL
    for (int r = 0; r < kChunk; r++) {
      const std::uint32_t at = first + std::uint32_t(r);
      if (at >= columns) continue;
      if (orbit.term_count > 0) {
        const Vector<T, V> terms = terms_of<T, V>(step.code, step.constants, multi, at, items.added[item]);
        BRAUER_UNROLL
        for (int v = 0; v < V; v++) sum[r].values[v] += terms.values[v];
      }
      put<T, V>(orbit.inverse ? strands + multi.place(at) : own + multi.row(at), sum[r], orbit.set != 0);
    }
  }
}

template <class T, int V>
BRAUER_CALLED std::uint32_t run_lists(Step<T> step, const OrbitCode& orbit, Team team) {
  const CodeTables* const code = step.code;
  const std::int32_t* const numbers = table<std::int32_t>(code, code->numbers);
  const LoopCode* const loops = table<LoopCode>(code, code->loops) + orbit.loops;
  const std::int32_t* const own = step.shape ? numbers + step.shape->orbits + 2 * orbit.number : nullptr;
  const ListCode* const lists = table<ListCode>(code, code->lists) + (own ? std::uint32_t(own[0]) : orbit.lists);
  const std::uint32_t list_count = own ? std::uint32_t(own[1]) : orbit.list_count;
  const std::uint32_t settings = orbit.per_loops.divisor, places = lists[list_count - 1].end * settings;
  const std::int32_t* const corner =
      step.shape && step.corners[orbit.number] >= 0 ? numbers + step.corners[orbit.number] : nullptr;
  OrbitItems<T> items{items_of(step, orbit.strands), items_of(step, orbit.rows), {nullptr, 0}};
  if (orbit.term_count > 0) items.added = items_of(step, orbit.added);
  for (std::uint32_t i = team.rank; i < places * team.groups; i += team.size) {
    // In a box there is one item, and so one group.
    const Job job = step.shape ? Job{0, i} : job_of(i, orbit.per_item);
    const std::uint32_t place = quotient(orbit.per_loops, job.place);
    std::uint32_t setting = job.place - place * settings;
    std::int32_t along = 0, along_rows = 0;
    for (std::uint32_t l = orbit.loop_count; l-- > 0;) {
      const std::int32_t t = l > 0 ? take_digit(setting, loops[l].extent) : std::int32_t(setting);
      along += t * loops[l].out, along_rows += t * numbers[loops[l].in];
    }
    const ListCode* list = lists;
    while (place >= list->end) list++;
    const std::uint32_t local = place - list->start, m = quotient(list->chunks, local);
    const Listed multi{list, numbers + list->first + m, corner};
    const OrbitItems<T> at{{items.strands.base + along, items.strands.step},
                           {items.rows.base + along_rows, items.rows.step},
                           {items.added.base + along, items.added.step}};
    switch (list->columns) {
      case 1:
        run_columns<T, V, 1>(step, orbit, at, multi, job.group, team.groups);
        break;
      case 2:
        run_columns<T, V, 2>(step, orbit, at, multi, job.group, team.groups);
        break;
      case 3:
        run_columns<T, V, 3>(step, orbit, at, multi, job.group, team.groups);
        break;
      case 4:
        run_columns<T, V, 4>(step, orbit, at, multi, job.group, team.groups);
        break;
      case 6:
        run_columns<T, V, 6>(step, orbit, at, multi, job.group, team.groups);
        break;
      default:
        run_chunk<T, V>(step, orbit, at, multi, local - m * list->chunks.divisor, job.group, team.groups);
    }
  }
  return places * team.groups;
}

template <class T, Space kSpace>
BRAUER_DEVICE std::uint32_t run_orbit(Step<T> step, const OrbitCode& orbit, Team team) {
  constexpr int kVector = 16 / int(sizeof(T));
  if constexpr (kSpace != Space::box) {
    if (orbit.list_count == 0 && orbit.vector > 1) return run_multis<T, kVector>(step, orbit, team);
    if (orbit.list_count == 0) return run_multis<T, 1>(step, orbit, team);
  }
  return orbit.vector > 1 ? run_lists<T, kVector>(step, orbit, team) : run_lists<T, 1>(step, orbit, team);
}

}  // namespace brauer::cuda
