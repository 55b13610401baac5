#include "cpu/orbit.h"

#include <algorithm>

namespace brauer {
namespace {

// Whether `outer` continues where `inner`, a run of contiguous elements, ends.
bool continues(const OrbitLoop& outer, Index run) {
  return outer.strands == run &&
         std::all_of(outer.rows.begin(), outer.rows.end(), [&](Index stride) { return stride == run; });
}

// One call of the transform kernel for every setting of the loops: sets up pointers for `run` neighbouring
// multi-indices.
template <class T>
struct Runner {
  const Orbit& orbit;
  const OrbitPlan& plan;
  Tile<T>& tile;
  std::vector<Index>& rows;  // by lambda: rows enumerated so far
  Index at[kMaxLoops] = {};

  bool run(int code, const Index* values, Index steps) {
    const Words& found = words(orbit.d, code);
    const Index m = found.count;
    const double work = double(steps) * double(plan.channels) * double(m) * (1 + double(m) / 4);
    if (tile.poll.spend(work)) return false;
    const Index last = parts(code) - 1;
    OrbitLoop const* const item_loop = tile.items == 1 && !plan.loops.empty() ? &plan.loops.back() : nullptr;
    const std::size_t loops = plan.loops.size() - (item_loop ? 1 : 0);
    std::fill(at, at + loops, 0);
    for (;;) {
      strand_pointers(found, values, last, item_loop, loops);
      row_pointers(code, item_loop, loops);
      OrbitPointers<T>& p = tile.pointers;
      const T* matrix = tile.constants + plan.matrices[std::size_t(code)];
      tile.kernels->transform({m, matrix, orbit.inverse ? 1 : m, orbit.inverse ? m : 1, p.in, p.out, p.in1, p.out1,
                               p.in2, p.out2, item_loop ? item_loop->extent : tile.items, steps, plan.channels,
                               orbit.set});
      std::size_t level = loops;
      for (; level > 0; level--) {
        if (++at[level - 1] < plan.loops[level - 1].extent) break;
        at[level - 1] = 0;
      }
      if (level == 0) break;
      if (tile.poll.spend(work)) return false;
    }
    for (std::size_t k = 0; k < orbit.lambdas.size(); k++)
      rows[k] += steps * orbit.lambdas[k].kostka[std::size_t(code)];
    return true;
  }

  void strand_pointers(const Words& found, const Index* values, Index last, const OrbitLoop* item_loop,
                       std::size_t loops) {
    T* const base = tile.base[orbit.strands];
    Index offset = orbit.base;
    for (std::size_t i = 0; i < loops; i++) offset += at[i] * plan.loops[i].strands;
    const Index across = item_loop ? item_loop->strands : tile.step[orbit.strands];
    const std::uint8_t* label = found.label.data();
    for (Index k = 0; k < found.count; k++, label += orbit.d) {
      Index place = offset, step = 0;
      for (int s = 0; s < orbit.d; s++) {
        place += orbit.strides[std::size_t(s)] * values[label[s]];
        if (label[s] == last) step += orbit.strides[std::size_t(s)];
      }
      set(orbit.inverse, k, base + place, step, across);
    }
  }

  // Rows in the order of the matrices: (lambda, copy, unit).
  void row_pointers(int code, const OrbitLoop* item_loop, std::size_t loops) {
    Index r = 0;
    for (std::size_t k = 0; k < orbit.lambdas.size(); k++) {
      const OrbitRows& lambda = orbit.lambdas[k];
      const Index copies = lambda.kostka[std::size_t(code)];
      if (copies == 0) continue;
      T* const base = tile.base[lambda.buffer];
      Index offset = lambda.base + rows[k] * lambda.row_stride;
      for (std::size_t i = 0; i < loops; i++) offset += at[i] * plan.loops[i].rows[k];
      const Index across = item_loop ? item_loop->rows[k] : tile.step[lambda.buffer];
      for (Index copy = 0; copy < copies; copy++)
        for (Index unit = 0; unit < lambda.dimension; unit++, r++)
          set(!orbit.inverse, r, base + offset + copy * lambda.row_stride + unit * lambda.unit_stride,
              copies * lambda.row_stride, across);
    }
  }

  void set(bool out, Index k, T* place, Index step, Index across) {
    OrbitPointers<T>& p = tile.pointers;
    if (out)
      p.out[k] = place;
    else
      p.in[k] = place;
    (out ? p.out1 : p.in1)[k] = step;
    (out ? p.out2 : p.in2)[k] = across;
  }
};

}  // namespace

OrbitPlan plan_orbit(const Orbit& orbit) {
  OrbitPlan plan;
  for (const OrbitLoop& loop : orbit.loops)
    if (loop.extent > 1) plan.loops.push_back(loop);
  const auto channels =
      std::find_if(plan.loops.begin(), plan.loops.end(), [](const OrbitLoop& loop) { return continues(loop, 1); });
  if (channels != plan.loops.end()) {
    plan.channels = channels->extent;
    plan.loops.erase(channels);
    while (!plan.loops.empty() && continues(plan.loops.back(), plan.channels)) {
      plan.channels *= plan.loops.back().extent;
      plan.loops.pop_back();
    }
  }
  std::size_t matrix = orbit.matrices;
  for (int code = 0; code < codes(orbit.d); code++) {
    const Index m = rearrangements(code, orbit.d);
    plan.matrices.push_back(matrix);
    plan.largest = std::max(plan.largest, m);
    matrix += std::size_t(m * m);
  }
  return plan;
}

template <class T>
void run_orbit(const Orbit& orbit, const OrbitPlan& plan, Tile<T>& tile, const Box& box) {
  std::vector<Index>& rows = *tile.rows;
  rows.assign(orbit.lambdas.size(), 0);
  Runner<T> runner{orbit, plan, tile, rows};
  enumerate(box, [&](int code, const Index* values, Index steps) {
    // Cut, so that a call of the kernel stays short.
    const Index piece = std::max<Index>(1, (Index(1) << 20) / plan.channels);
    Index first[kMaxStrands];
    std::copy(values, values + parts(code), first);
    for (Index done = 0; done < steps; done += piece, first[parts(code) - 1] += piece)
      if (!runner.run(code, first, std::min(piece, steps - done))) return false;
    return true;
  });
}

template void run_orbit(const Orbit&, const OrbitPlan&, Tile<float>&, const Box&);
template void run_orbit(const Orbit&, const OrbitPlan&, Tile<double>&, const Box&);

}  // namespace brauer
