#include <algorithm>
#include <tuple>

#include "cuda/tables.h"

// What the multi-indices of an orbit need, worked out once per program, see ListCode.
namespace brauer::cuda {
namespace {

struct Multi {
  std::vector<Index> places;  // the values, ascending
  std::vector<Index> before;  // rows of each lambda that come before
};

std::vector<std::vector<Multi>> multis_of(const Orbit& orbit, const Box& box, bool from_zero) {
  std::vector<std::vector<Multi>> multis(std::size_t(codes(orbit.d)));
  std::vector<Index> rows(orbit.lambdas.size(), 0);
  enumerate(box, [&](int code, const Index* values, Index run) {
    for (Index step = 0; step < run; step++) {
      Multi& multi = multis[std::size_t(code)].emplace_back();
      for (int p = 0, part = 0; p < box.d; p++) {
        part += p > 0 ? code >> (p - 1) & 1 : 0;
        multi.places.push_back(values[part] + (part + 1 == parts(code) ? step : 0) - (from_zero ? 0 : box.low[p]));
      }
      multi.before = rows;
      for (std::size_t l = 0; l < rows.size(); l++) rows[l] += orbit.lambdas[l].kostka[std::size_t(code)];
    }
    return true;
  });
  return multis;
}

struct Composition {
  int code;
  Index columns, matrix;
};

// Those of most columns first, so that what takes longest begins.
std::vector<Composition> compositions_of(const Orbit& orbit) {
  std::vector<Composition> order;
  Index matrix = Index(orbit.matrices);
  for (int code = 0; code < codes(orbit.d); code++) {
    const Index columns = rearrangements(code, orbit.d);
    order.push_back({code, columns, matrix});
    matrix += columns * columns;
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const Composition& a, const Composition& b) { return a.columns > b.columns; });
  return order;
}

}  // namespace

// Whether one place in an item leads to all rows, and one to all terms.
bool Compiler::can_list(const Orbit& orbit, const std::vector<OrbitTerm>& terms) const {
  const auto is_near = [this](std::size_t a, std::size_t b) {
    const Placed::In area = compiled_.buffers[a].in;
    return a == b || (area == compiled_.buffers[b].in && (area == Placed::In::scratch || area == Placed::In::local));
  };
  for (const OrbitRows& rows : orbit.lambdas)
    if (!is_near(rows.buffer, orbit.lambdas.front().buffer)) return false;
  for (const OrbitTerm& term : terms)
    if (!is_near(term.buffer, terms.front().buffer)) return false;
  for (const OrbitLoop& loop : orbit.loops)
    for (const Index stride : loop.rows)
      if (stride != loop.rows.front()) return false;
  return true;
}

Index Compiler::listed_numbers(const Orbit& orbit, const std::vector<OrbitTerm>& terms) const {
  Index total = 0;
  for (int code = 0; code < codes(orbit.d); code++)
    total = saturating_add(total, saturating_multiply(choose(orbit.n, parts(code)),
                                                      rearrangements(code, orbit.d) * Index(2 + terms.size())));
  return total;
}

// Elements of an item from the first of one buffer to that of another. offsets: of local buffers in a box.
std::int32_t Compiler::between(std::size_t from, std::size_t to, const std::vector<std::int64_t>& offsets) {
  if (from == to) return 0;
  if (!offsets.empty() && offsets[from] >= 0) return narrow(offsets[to] - offsets[from]);
  return narrow(compiled_.buffers[to].offset - compiled_.buffers[from].offset);
}

std::uint32_t Compiler::add_matrix(const Orbit& orbit, Index matrix, Index columns) {
  if (has_direct(count(columns))) return count(matrix);
  const auto [found, is_new] = matrices_.try_emplace({matrix, orbit.inverse}, 0);
  if (!is_new) return found->second;
  std::vector<double>& constants = tables_.constants;
  constants.resize((constants.size() + vector_ - 1) / vector_ * vector_);
  found->second = count(Index(constants.size()));
  const double* const from = program_.constants.data() + matrix;
  for (Index first = 0; first < columns; first += kChunk)
    for (Index s = 0; s < columns; s++)
      for (Index r = first; r < first + kChunk; r++)
        constants.push_back(r >= columns ? 0 : orbit.inverse ? from[s * columns + r] : from[r * columns + s]);
  return found->second;
}

std::pair<std::uint32_t, std::uint32_t> Compiler::add_listed_terms(std::size_t instruction, int code, Index columns) {
  const auto [found, is_new] = listed_terms_.try_emplace({instruction, code});
  if (!is_new) return found->second;
  found->second = {std::uint32_t(tables_.numbers.size()), std::uint32_t(tables_.constants.size())};
  Index at = columns;
  for (const std::vector<std::uint8_t>& word :
       rearranged(code, std::get<Orbit>(program_.instructions[instruction]).d)) {
    tables_.numbers.push_back(narrow(at));
    for (const OrbitTerm& term : terms_[instruction])
      if (applies(term, word.data())) tables_.constants.push_back(term.scale), at++;
  }
  tables_.numbers.push_back(narrow(at));
  return found->second;
}

std::uint32_t Compiler::add_lists(std::size_t instruction, const Box& box, const std::vector<std::int64_t>& offsets,
                                  bool from_zero) {
  const auto& orbit = std::get<Orbit>(program_.instructions[instruction]);
  const std::vector<OrbitTerm>& terms = terms_[instruction];
  const std::vector<std::vector<Multi>> multis = multis_of(orbit, box, from_zero);
  const auto place_of = [](const Multi& multi, const std::vector<std::uint8_t>& word, const auto& strides) {
    Index place = 0;
    for (std::size_t p = 0; p < word.size(); p++) place += multi.places[word[p]] * strides[p];
    return place;
  };
  const std::size_t first_list = tables_.lists.size();
  Index places = 0, corner = 0;
  for (const auto& [code, columns, factors] : compositions_of(orbit)) {
    const std::vector<Multi>& own = multis[std::size_t(code)];
    const auto words = rearranged(code, orbit.d);
    const Index chunks = has_direct(count(columns)) ? 1 : (columns + kChunk - 1) / kChunk;
    ListCode list{};
    std::tie(list.starts, list.scales) = add_listed_terms(instruction, code, columns);
    list.rows = std::uint32_t(tables_.numbers[list.starts + std::size_t(columns)]), list.corner = count(corner);
    corner += list.rows;
    if (own.empty()) continue;
    list.start = count(places), list.end = count(places += chunks * Index(own.size()));
    list.first = std::uint32_t(tables_.numbers.size()), list.count = count(Index(own.size()));
    list.columns = count(columns), list.chunks = divider(std::uint32_t(chunks));
    list.matrix = add_matrix(orbit, factors, columns);
    const auto number = [&](Index value) { tables_.numbers.push_back(narrow(value)); };
    for (const auto& word : words)
      for (const Multi& multi : own) number(place_of(multi, word, orbit.strides));
    for (const auto& word : words)
      for (const OrbitTerm& term : terms) {
        if (!applies(term, word.data())) continue;
        const Index base = between(terms.front().buffer, term.buffer, offsets) + term.base - terms.front().base;
        for (const Multi& multi : own) number(base + place_of(multi, word, term.strides));
      }
    for (std::size_t l = 0; l < orbit.lambdas.size(); l++) {
      const OrbitRows &each = orbit.lambdas[l], &front = orbit.lambdas.front();
      const Index base = between(front.buffer, each.buffer, offsets) + each.base - front.base;
      for (Index copy = 0; copy < each.kostka[std::size_t(code)]; copy++)
        for (Index unit = 0; unit < each.dimension; unit++)
          for (const Multi& multi : own)
            number(base + (multi.before[l] + copy) * each.row_stride + unit * each.unit_stride);
    }
    tables_.lists.push_back(list);
  }
  return std::uint32_t(tables_.lists.size() - first_list);
}

// Where the records of a box count from, in the order of its lists.
void Compiler::add_corners(std::size_t instruction, const Box& box) {
  const auto& orbit = std::get<Orbit>(program_.instructions[instruction]);
  const auto add = [&](const std::vector<std::uint8_t>& word, const auto& strides) {
    Index place = 0;
    for (std::size_t p = 0; p < word.size(); p++) place += box.low[word[p]] * strides[p];
    tables_.numbers.push_back(narrow(place));
  };
  for (const Composition& composition : compositions_of(orbit)) {
    const auto words = rearranged(composition.code, orbit.d);
    for (const auto& word : words) add(word, orbit.strides);
    for (const auto& word : words)
      for (const OrbitTerm& term : terms_[instruction])
        if (applies(term, word.data())) add(word, term.strides);
  }
}

}  // namespace brauer::cuda
