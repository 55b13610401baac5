#include "cpu/orbit.h"

#include <algorithm>
#include <atomic>

namespace brauer {
namespace {

// Offsets of runs that are kept at a time.
constexpr Index kMostOffsets = 1 << 14;

// Elements of one call of the kernel, so that a cancelled run stops soon.
constexpr Index kCallElements = Index(1) << 20;

// Whether `outer` continues where `inner`, a run of contiguous elements, ends.
bool continues(const OrbitLoop& outer, Index run) {
  return outer.strands == run &&
         std::all_of(outer.rows.begin(), outer.rows.end(), [&](Index stride) { return stride == run; });
}

// The first value of the range that each distinct value of a composition comes from.
void corners(const Box& box, int code, Index* corner) {
  int count = 0;
  for (int p = 0; p < box.d; p++)
    if (p == 0 || (code >> (p - 1) & 1)) corner[count++] = box.low[p];
}

void clear(std::vector<OrbitRuns>& runs) {
  for (OrbitRuns& each : runs) each.steps.clear(), each.strands_at.clear(), each.rows_at.clear(), each.terms_at.clear();
}

// The multi-indices of a box by composition, rows numbered in lexicographic order over all of them. Calls
// f(false) whenever many have come together and f(true) at the end; stops when f returns false.
template <class F>
void make_runs(const Orbit& orbit, const OrbitPlan& plan, const Box& box, std::vector<Index>& rows,
               std::vector<OrbitRuns>& runs, const F& f) {
  const int d = orbit.d;
  rows.assign(orbit.lambdas.size(), 0);
  runs.resize(std::size_t(codes(d)));
  clear(runs);
  Index offsets = 0;
  const Index most = std::max<Index>(1, kCallElements / plan.channels);
  const auto add = [&](int code, const Index* values, Index steps) {
    OrbitRuns& to = runs[std::size_t(code)];
    to.steps.push_back(steps);
    const Words& found = words(d, code);
    Index relative[kMaxStrands], corner[kMaxStrands];
    corners(box, code, corner);
    for (int c = 0; c < parts(code); c++) relative[c] = values[c] - corner[c];
    const auto along = [&](const std::uint8_t* label, const Index* strides) {
      Index place = 0;
      for (int s = 0; s < d; s++) place += strides[s] * relative[label[s]];
      return place;
    };
    for (Index k = 0; k < found.count; k++)
      to.strands_at.push_back(along(&found.label[std::size_t(k * d)], orbit.strides.data()));
    const auto& terms = plan.row_terms[std::size_t(code)];
    for (Index k = 0; k < found.count; k++)
      for (int q = terms.end[std::size_t(k)]; q < terms.end[std::size_t(k) + 1]; q++)
        to.terms_at.push_back(
            along(&found.label[std::size_t(k * d)], plan.terms[terms.which[std::size_t(q)].first].strides));
    for (std::size_t l = 0; l < orbit.lambdas.size(); l++) {
      const OrbitRows& lambda = orbit.lambdas[l];
      const Index copies = lambda.kostka[std::size_t(code)];
      for (Index copy = 0; copy < copies; copy++)
        for (Index unit = 0; unit < lambda.dimension; unit++)
          to.rows_at.push_back((rows[l] + copy) * lambda.row_stride + unit * lambda.unit_stride);
      rows[l] += steps * copies;
    }
    offsets += 2 * found.count;
  };
  enumerate(box, [&](int code, const Index* values, Index steps) {
    Index first[kMaxStrands];
    std::copy(values, values + parts(code), first);
    for (Index done = 0; done < steps; done += most, first[parts(code) - 1] += most)
      add(code, first, std::min(most, steps - done));
    if (offsets < kMostOffsets) return true;
    if (!f(false)) return false;
    clear(runs);
    offsets = 0;
    return true;
  });
  f(true);
}

template <class T>
struct Runner {
  const Orbit& orbit;
  const OrbitPlan& plan;
  Tile<T>& tile;
  const Box& box;

  void run(int code, const OrbitRuns& runs) {
    const Words& found = words(orbit.d, code);
    Index corner[kMaxStrands];
    corners(box, code, corner);
    const Index m = found.count;
    OrbitPointers<T>& p = tile.pointers;
    // With one item its innermost loop takes the place of the items.
    OrbitLoop const* const item_loop = tile.items == 1 && !plan.loops.empty() ? &plan.loops.back() : nullptr;
    const std::size_t loops = plan.loops.size() - (item_loop ? 1 : 0);
    const Index items = item_loop ? item_loop->extent : tile.items;
    const auto& terms = plan.row_terms[std::size_t(code)];
    const Index term_count = Index(terms.which.size());
    Term<T> added[kMostTerms];
    for (Index k = 0; k < m; k++) {
      const std::uint8_t* label = &found.label[std::size_t(k * orbit.d)];
      for (int q = terms.end[std::size_t(k)]; q < terms.end[std::size_t(k) + 1]; q++) {
        const auto& [which, step] = terms.which[std::size_t(q)];
        const OrbitTerm& term = plan.terms[which];
        const T* in = tile.base[term.buffer] + term.base;
        for (int s = 0; s < orbit.d; s++) in += term.strides[s] * corner[label[s]];
        added[q] = {in, step, tile.step[term.buffer], T(term.scale)};
      }
    }
    const T* matrix = tile.constants + plan.matrices[std::size_t(code)];
    const double work = double(items) * double(plan.channels) * double(m) * (1 + double(m) / 4);
    Index at[kMaxLoops] = {};
    for (;;) {
      pointers(code, found, corner, item_loop, at, loops);
      for (std::size_t run = 0; run < runs.steps.size();) {
        std::size_t end = run;
        double spent = 0;
        while (end < runs.steps.size() && spent < double(kCallElements)) spent += work * double(runs.steps[end++]);
        if (tile.poll.spend(spent)) return;
        const Index* const rows_at = &runs.rows_at[run * std::size_t(m)];
        const Index* const strands_at = &runs.strands_at[run * std::size_t(m)];
        tile.kernels->transform({m,
                                 matrix,
                                 orbit.inverse ? 1 : m,
                                 orbit.inverse ? m : 1,
                                 p.in,
                                 p.out,
                                 p.in1,
                                 p.out1,
                                 p.in2,
                                 p.out2,
                                 Index(end - run),
                                 &runs.steps[run],
                                 orbit.inverse ? rows_at : strands_at,
                                 orbit.inverse ? strands_at : rows_at,
                                 runs.terms_at.data() + std::ptrdiff_t(run) * term_count,
                                 added,
                                 terms.end.data(),
                                 items,
                                 plan.channels,
                                 orbit.set,
                                 p.moving_in,
                                 p.moving_out});
        run = end;
      }
      std::size_t level = loops;
      for (; level > 0; level--) {
        if (++at[level - 1] < plan.loops[level - 1].extent) break;
        at[level - 1] = 0;
      }
      if (level == 0) return;
    }
  }

  // Where the rows of a multi-index lie but for its own offset; rows of the lambdas in the order of the matrices:
  // (lambda, copy, unit).
  void pointers(int code, const Words& found, const Index* corner, const OrbitLoop* item_loop, const Index* at,
                std::size_t loops) {
    T* strands = tile.base[orbit.strands] + orbit.base;
    for (std::size_t i = 0; i < loops; i++) strands += at[i] * plan.loops[i].strands;
    const Index across = item_loop ? item_loop->strands : tile.step[orbit.strands];
    const Index last = parts(code) - 1;
    const std::uint8_t* label = found.label.data();
    for (Index k = 0; k < found.count; k++, label += orbit.d) {
      Index step = 0, place = 0;
      for (int s = 0; s < orbit.d; s++) {
        const Index stride = orbit.strides[std::size_t(s)];
        place += stride * corner[label[s]];
        if (label[s] == last) step += stride;
      }
      set(orbit.inverse, k, strands + place, step, across);
    }
    Index r = 0;
    for (std::size_t l = 0; l < orbit.lambdas.size(); l++) {
      const OrbitRows& lambda = orbit.lambdas[l];
      const Index copies = lambda.kostka[std::size_t(code)];
      T* rows = tile.base[lambda.buffer] + lambda.base;
      for (std::size_t i = 0; i < loops; i++) rows += at[i] * plan.loops[i].rows[l];
      const Index by = item_loop ? item_loop->rows[l] : tile.step[lambda.buffer];
      for (Index i = 0; i < copies * lambda.dimension; i++, r++)
        set(!orbit.inverse, r, rows, copies * lambda.row_stride, by);
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

RunsCache::Entry& RunsCache::find(std::uint64_t plan, const Box& box) {
  constexpr std::size_t kEntries = 64;
  int same = 0;
  for (int p = 0; p < box.d; p++) same |= int(box.same[p]) << p;
  const auto matches = [&](const Entry& entry) {
    if (entry.plan != plan || entry.d != box.d || entry.same != same) return false;
    for (int p = 0; p < box.d; p++)
      if (entry.lengths[p] != box.high[p] - box.low[p]) return false;
    return true;
  };
  for (Entry& entry : entries_)
    if (matches(entry)) return entry;
  if (entries_.size() < kEntries) {
    oldest_ = entries_.size();
    entries_.emplace_back();
  } else {
    oldest_ = (oldest_ + 1) % kEntries;
  }
  Entry& entry = entries_[oldest_];
  entry.plan = 0, entry.d = box.d, entry.same = same;
  for (int p = 0; p < box.d; p++) entry.lengths[p] = box.high[p] - box.low[p];
  return entry;
}

OrbitPlan plan_orbit(const Orbit& orbit) {
  static std::atomic<std::uint64_t> count{0};
  OrbitPlan plan;
  plan.id = ++count;
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

bool take_term(OrbitPlan& plan, OrbitTerm term) {
  if (!plan.loops.empty()) return false;
  // The orbit of d different values has the most rows, and all terms that are not tied to equal ones.
  const std::size_t most = std::size_t(plan.largest) * (plan.terms.size() + 1);
  if (most > std::size_t(kMostTerms)) return false;
  plan.terms.push_back(std::move(term));
  return true;
}

void complete_orbit(const Orbit& orbit, OrbitPlan& plan) {
  const int d = orbit.d;
  double offsets = 0;
  for (int code = 0; code < codes(d); code++) {
    const Words& found = words(d, code);
    const Index last = parts(code) - 1;
    OrbitPlan::RowTerms& rows = plan.row_terms.emplace_back();
    rows.end.push_back(0);
    for (Index k = 0; k < found.count; k++) {
      const std::uint8_t* label = &found.label[std::size_t(k * d)];
      for (std::size_t t = 0; t < plan.terms.size(); t++) {
        if (!applies(plan.terms[t], label)) continue;
        Index step = 0;
        for (int s = 0; s < d; s++)
          if (label[s] == last) step += plan.terms[t].strides[s];
        rows.which.push_back({t, step});
      }
      rows.end.push_back(int(rows.which.size()));
    }
    offsets += double(choose(orbit.n, parts(code))) * double(2 * found.count + Index(rows.which.size()));
  }
  if (offsets >= double(kMostOffsets)) return;
  std::vector<Index> rows;
  make_runs(orbit, plan, whole_box(orbit.n, d), rows, plan.whole, [](bool) { return true; });
}

template <class T>
void box_spans(const Orbit& orbit, const OrbitPlan& plan, const T* strands, const Box& box,
               std::vector<Ahead::Span>& spans) {
  if (!plan.loops.empty()) return;
  const int d = orbit.d;
  // Each way to give the ranges of the box to the strands; ranges differ by where they begin.
  int ranges[kMaxStrands], at = 0;
  for (int p = 0; p < d; p++) ranges[p] = at = p > 0 && !box.same[p] ? p : at;
  const auto least = std::min_element(orbit.strides.begin(), orbit.strides.begin() + d) - orbit.strides.begin();
  const bool solid = orbit.strides[std::size_t(least)] == plan.channels;
  do {
    Index values[kMaxStrands];
    for (int s = 0; s < d; s++) values[s] = box.low[ranges[s]];
    for (;;) {
      Index place = orbit.base;
      for (int s = 0; s < d; s++) place += orbit.strides[std::size_t(s)] * values[s];
      const Index run = solid ? box.high[ranges[least]] - box.low[ranges[least]] : 1;
      const auto* start = reinterpret_cast<const char*>(strands + place);
      spans.push_back({start, start + std::size_t(run * plan.channels) * sizeof(T)});
      int s = d - 1;
      for (; s >= 0; s--) {
        if (solid && s == least) continue;
        if (++values[s] < box.high[ranges[s]]) break;
        values[s] = box.low[ranges[s]];
      }
      if (s < 0) break;
    }
  } while (std::next_permutation(ranges, ranges + d));
}

template <class T>
void run_orbit(const Orbit& orbit, const OrbitPlan& plan, Tile<T>& tile, const Box* box) {
  const Box all = whole_box(orbit.n, orbit.d), &here = box ? *box : all;
  Runner<T> runner{orbit, plan, tile, here};
  const auto run = [&](const std::vector<OrbitRuns>& runs) {
    for (int code = 0; code < codes(orbit.d) && !tile.poll.stopped; code++)
      if (!runs[std::size_t(code)].steps.empty()) runner.run(code, runs[std::size_t(code)]);
    return !tile.poll.stopped;
  };
  if (!box && !plan.whole.empty()) {
    run(plan.whole);
    return;
  }
  RunsCache::Entry& entry = tile.runs->find(plan.id, here);
  if (entry.plan != 0) {
    run(entry.runs);
    return;
  }
  bool cut = false;
  make_runs(orbit, plan, here, *tile.rows, entry.runs, [&](bool last) {
    cut |= !last;
    return run(entry.runs);
  });
  if (!cut && !tile.poll.stopped) entry.plan = plan.id;
}

template void box_spans(const Orbit&, const OrbitPlan&, const float*, const Box&, std::vector<Ahead::Span>&);
template void box_spans(const Orbit&, const OrbitPlan&, const double*, const Box&, std::vector<Ahead::Span>&);
template void run_orbit(const Orbit&, const OrbitPlan&, Tile<float>&, const Box*);
template void run_orbit(const Orbit&, const OrbitPlan&, Tile<double>&, const Box*);

}  // namespace brauer
