#include <algorithm>

#include "cuda/tables.h"

namespace brauer::cuda {
namespace {

// Calls f(index) for every ascending multi-index below n, in lexicographic order.
template <class F>
void ascending(Index n, int d, const F& f) {
  std::vector<Index> index(std::size_t(d), 0);
  for (;;) {
    f(index);
    int p = d - 1;
    while (p >= 0 && index[std::size_t(p)] == n - 1) p--;
    if (p < 0) return;
    std::fill(index.begin() + p, index.end(), index[std::size_t(p)] + 1);
  }
}

struct Span {
  std::size_t buffer;
  Index low, high;
};

}  // namespace

std::vector<std::vector<std::uint8_t>> rearranged(int code, int d) {
  std::vector<std::uint8_t> word(std::size_t(d), 0), place = {0};  // the class of each value; the first of each class
  for (int p = 1; p < d; p++) {
    word[std::size_t(p)] = std::uint8_t(word[std::size_t(p) - 1] + (code >> (p - 1) & 1));
    if (word[std::size_t(p)] == place.size()) place.push_back(std::uint8_t(p));
  }
  std::vector<std::vector<std::uint8_t>> result;
  do {
    for (std::uint8_t& each : result.emplace_back(word)) each = place[each];
  } while (std::next_permutation(word.begin(), word.end()));
  return result;
}

bool Compiler::is_serial(const Orbit& orbit) const {
  if (orbit.inverse) {
    std::vector<Loop> loops;
    for (int p = 0; p < orbit.d; p++) loops.push_back({orbit.n, orbit.strides[std::size_t(p)], 0, false, 0});
    for (const OrbitLoop& loop : orbit.loops) loops.push_back({loop.extent, loop.strands, 0, false, 0});
    // A stride of 0 makes many settings one element.
    for (const Loop& loop : loops)
      if (loop.out == 0 && loop.extent > 1) return true;
    return !is_injective(loops);
  }
  std::vector<Span> spans;
  for (std::size_t l = 0; l < orbit.lambdas.size(); l++) {
    const OrbitRows& rows = orbit.lambdas[l];
    std::vector<Loop> loops = {{orbit_rows(orbit.n, rows.kostka), rows.row_stride, 0, false, 0},
                               {rows.dimension, rows.unit_stride, 0, false, 0}};
    for (const OrbitLoop& loop : orbit.loops) loops.push_back({loop.extent, loop.rows[l], 0, false, 0});
    Span span{rows.buffer, rows.base, rows.base};
    for (const Loop& loop : loops) {
      if (loop.extent == 0) continue;
      if (loop.out == 0 && loop.extent > 1) return true;
      (loop.out < 0 ? span.low : span.high) += (loop.extent - 1) * loop.out;
    }
    if (!is_injective(loops)) return true;
    for (const Span& other : spans)
      if (other.buffer == span.buffer && other.low <= span.high && span.low <= other.high) return true;
    spans.push_back(span);
  }
  return false;
}

void Compiler::add_compositions(const Orbit& orbit) {
  Index matrix = Index(orbit.matrices);
  for (int code = 0; code < codes(orbit.d); code++) {
    const Index columns = rearrangements(code, orbit.d);
    tables_.compositions.push_back({count(columns), std::uint32_t(tables_.words.size()),
                                    std::uint32_t(tables_.rows.size()), count(matrix),
                                    std::uint32_t(tables_.numbers.size()), 0});
    std::vector<std::vector<std::int32_t>> added;  // by column, its terms
    for (const std::vector<std::uint8_t>& word : rearranged(code, orbit.d)) {
      tables_.words.insert(tables_.words.end(), word.begin(), word.end());
      std::vector<std::int32_t>& terms = added.emplace_back();
      for (std::size_t t = 0; t < terms_[current_].size(); t++)
        if (applies(terms_[current_][t], word.data())) terms.push_back(std::int32_t(t));
    }
    for (std::size_t l = 0; l < orbit.lambdas.size(); l++) {
      const OrbitRows& rows = orbit.lambdas[l];
      const Index copies = rows.kostka[std::size_t(code)];
      tables_.numbers.push_back(narrow(copies));
      for (Index copy = 0; copy < copies; copy++)
        for (Index unit = 0; unit < rows.dimension; unit++)
          tables_.rows.push_back({std::uint32_t(l), narrow(copy * rows.row_stride + unit * rows.unit_stride)});
    }
    matrix += columns * columns;
    std::size_t end = tables_.numbers.size() + added.size() + 1;
    tables_.compositions.back().terms = std::uint32_t(tables_.numbers.size());
    tables_.numbers.push_back(std::int32_t(end));
    for (const auto& terms : added) tables_.numbers.push_back(std::int32_t(end += terms.size()));
    for (const auto& terms : added) tables_.numbers.insert(tables_.numbers.end(), terms.begin(), terms.end());
  }
}

std::uint32_t Compiler::add_indices(const Orbit& orbit) {
  std::vector<Index> key = {orbit.n, orbit.d};
  for (const OrbitRows& rows : orbit.lambdas) key.insert(key.end(), rows.kostka.begin(), rows.kostka.end());
  const auto [found, is_new] = indices_.try_emplace(key, std::uint32_t(tables_.numbers.size()));
  if (!is_new) return found->second;
  std::vector<Index> rows(orbit.lambdas.size(), 0);
  ascending(orbit.n, orbit.d, [&](const std::vector<Index>& index) {
    int code = 0;
    for (int p = 1; p < orbit.d; p++) code |= int(index[std::size_t(p)] > index[std::size_t(p) - 1]) << (p - 1);
    tables_.numbers.push_back(code);
    for (const Index value : index) tables_.numbers.push_back(narrow(value));
    for (std::size_t l = 0; l < rows.size(); l++) {
      tables_.numbers.push_back(narrow(rows[l]));
      rows[l] += orbit.lambdas[l].kostka[std::size_t(code)];
    }
  });
  return found->second;
}

void Compiler::add(const Orbit& orbit) {
  OrbitCode code{};
  code.strands = at(orbit.strands, orbit.base);
  for (int p = 0; p < orbit.d; p++) code.strides[p] = narrow(orbit.strides[std::size_t(p)]);
  code.inverse = orbit.inverse, code.set = orbit.set, code.serial = is_serial(orbit);
  code.d = std::uint32_t(orbit.d), code.n = count(orbit.n);
  const Index multi_indices = Index(count(choose(orbit.n + orbit.d - 1, orbit.d)));
  if (!fits_) return add_op(Kind::orbit, 0, orbit.strands);

  code.lambdas = std::uint32_t(tables_.lambdas.size()), code.lambda_count = std::uint32_t(orbit.lambdas.size());
  std::vector<At> ends = {code.strands};
  std::vector<Index> strides(orbit.strides.begin(), orbit.strides.begin() + orbit.d);
  for (const OrbitRows& rows : orbit.lambdas) {
    tables_.lambdas.push_back(
        {at(rows.buffer, rows.base), narrow(rows.row_stride), narrow(rows.unit_stride), count(rows.dimension)});
    ends.push_back(tables_.lambdas.back().rows);
    strides.insert(strides.end(), {rows.row_stride, rows.unit_stride});
  }
  code.terms = std::uint32_t(tables_.terms.size()), code.term_count = std::uint32_t(terms_[current_].size());
  for (const OrbitTerm& term : terms_[current_]) {
    TermCode& added = tables_.terms.emplace_back();
    added.in = at(term.buffer, term.base), added.scale = term.scale;
    for (int p = 0; p < orbit.d; p++) added.strides[p] = narrow(term.strides[p]);
    ends.push_back(added.in);
    strides.insert(strides.end(), term.strides, term.strides + orbit.d);
  }
  code.vector = 1;
  const auto is_one = [](Index stride) { return stride == 1; };
  std::vector<OrbitLoop> loops = orbit.loops;
  if (!loops.empty() && loops.back().strands == 1 &&
      std::all_of(loops.back().rows.begin(), loops.back().rows.end(), is_one)) {
    for (std::size_t i = 0; i + 1 < loops.size(); i++) {
      strides.push_back(loops[i].strands);
      strides.insert(strides.end(), loops[i].rows.begin(), loops[i].rows.end());
    }
    code.vector = vector_of(loops.back().extent, ends, strides);
    if (code.vector > 1) {
      loops.back().extent /= code.vector, loops.back().strands = code.vector;
      for (Index& stride : loops.back().rows) stride = code.vector;
    }
  }
  code.loops = std::uint32_t(tables_.loops.size()), code.loop_count = std::uint32_t(loops.size());
  Index settings = 1;
  for (const OrbitLoop& loop : loops) {
    tables_.loops.push_back(
        {divider(count(loop.extent)), narrow(loop.strands), std::int32_t(tables_.numbers.size()), 0});
    for (const Index stride : loop.rows) tables_.numbers.push_back(narrow(stride));
    settings = saturating_multiply(settings, loop.extent);
  }
  code.rows = at(orbit.lambdas.front().buffer, orbit.lambdas.front().base);
  if (code.term_count > 0) code.added = tables_.terms[code.terms].in;
  Index places = multi_indices;
  if (!code.serial && can_list(orbit, terms_[current_]) && listed_numbers(orbit, terms_[current_]) <= kMostListed) {
    code.lists = std::uint32_t(tables_.lists.size());
    code.list_count = add_lists(current_, whole_box(orbit.n, orbit.d), {}, true);
    places = Index(tables_.lists.back().end);
  } else {
    code.compositions = std::uint32_t(tables_.compositions.size());
    add_compositions(orbit);
    // Two values have a closed form.
    if (orbit.d > 2) code.indices = add_indices(orbit);
  }
  code.per_loops = divider(std::max(count(settings), 1u));
  code.work = count(saturating_multiply(settings, places));
  code.per_item = divider(std::max(code.work, 1u));
  tables_.orbits.push_back(code);
  add_op(Kind::orbit, tables_.orbits.size() - 1, orbit.inverse ? orbit.strands : orbit.lambdas.front().buffer);
}

}  // namespace brauer::cuda
