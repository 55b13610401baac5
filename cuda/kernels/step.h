#pragma once

#include "cuda/code.h"
#include "cuda/kernel.h"
#include "cuda/kernels/view.h"

// What every instruction's device code shares.
namespace brauer::cuda {

// Workers that carry out an instruction together: a few warps over items in shared memory, or a whole grid. The items
// are dealt to `groups`; worker `rank` takes the jobs rank, rank + size, …, a job being one place of the instruction in
// all items of a group, so that what depends on the place alone is worked out once.
struct Team {
  std::uint32_t rank, size, groups;
};

// A value that all lanes of a warp have, from lane 0: so the compiler sees that they stay together on what depends on
// it. Where it cannot see that, each load of a called function takes two instructions more.
BRAUER_DEVICE std::uint32_t uniform(std::uint32_t value) { return shuffle(value, 0); }

// Where the items of a kernel lie: in memory, in boxes in shared memory, or in arenas, which may be either.
enum class Space { memory, box, arena };

// What an instruction runs over: items [first, first + items) of the views.
template <class T>
struct Step {
  const CodeTables* code;
  const View<T>* views;
  const T* constants;
  std::uint32_t first, items, part;
  Precision precision;
  // In a box: its shape, and for each orbit where its corners begin; then there is one item. Null otherwise.
  const ShapeCode* shape;
  const std::int32_t* corners;
};

// Rows of a local buffer in a box; `whole` elsewhere.
template <class T>
BRAUER_DEVICE std::uint32_t rows_of(Step<T> step, std::int32_t lambda, std::uint32_t whole) {
  if (!step.shape || lambda < 0) return whole;
  return std::uint32_t(table<std::int32_t>(step.code, step.code->numbers)[step.shape->rows + std::uint32_t(lambda)]);
}

// An operand of an instruction: element `at.base` of item 0, and elements from item to item.
template <class T>
struct Items {
  T* base;
  std::int64_t step;
  BRAUER_DEVICE T* operator[](std::uint32_t item) const { return base + item * step; }
};
template <class T>
BRAUER_DEVICE Items<T> items_of(Step<T> step, At at) {
  const View<T> view = step.views[at.buffer];
  return {view.base + step.first * view.step + step.part * view.part + at.base, view.step};
}

// A job as a group and a place.
struct Job {
  std::uint32_t group, place;
};
BRAUER_DEVICE Job job_of(std::uint32_t i, const Divider& places) {
  const std::uint32_t group = quotient(places, i);
  return {group, i - group * places.divisor};
}

// Takes the innermost digit of a number off it.
BRAUER_DEVICE std::int32_t take_digit(std::uint32_t& number, const Divider& extent) {
  const std::uint32_t rest = quotient(extent, number);
  const std::uint32_t digit = number - rest * extent.divisor;
  number = rest;
  return std::int32_t(digit);
}

template <class T, int V>
BRAUER_DEVICE Vector<T, V> load(const T* from) {
  return *reinterpret_cast<const Vector<T, V>*>(from);
}
template <class T, int V>
BRAUER_DEVICE void store(T* to, const Vector<T, V>& value) {
  *reinterpret_cast<Vector<T, V>*>(to) = value;
}

// to (+)= value.
template <class T, int V>
BRAUER_DEVICE void put(T* to, Vector<T, V> value, bool set) {
  if (!set) {
    const Vector<T, V> old = load<T, V>(to);
    BRAUER_UNROLL
    for (int v = 0; v < V; v++) value.values[v] += old.values[v];
  }
  store<T, V>(to, value);
}

// A sum that keeps the digits that its additions lose (Neumaier), for sums of more than kPlainTerms.
constexpr std::uint32_t kPlainTerms = 64;
template <class T, int V>
struct LongSum {
  Vector<T, V> sum{}, lost{};
  BRAUER_DEVICE void add(const Vector<T, V>& value) {
    BRAUER_UNROLL
    for (int v = 0; v < V; v++) {
      const T old = sum.values[v], term = value.values[v], next = old + term;
      const T big = next - old;
      lost.values[v] += (old - (next - big)) + (term - big);
      sum.values[v] = next;
    }
  }
  BRAUER_DEVICE Vector<T, V> total() const {
    Vector<T, V> result = sum;
    BRAUER_UNROLL
    for (int v = 0; v < V; v++) result.values[v] += lost.values[v];
    return result;
  }
};

}  // namespace brauer::cuda
