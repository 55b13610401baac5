#include <algorithm>

#include "core/box.h"
#include "cuda/tables.h"

namespace brauer::cuda {
namespace {

// The class of equal values that each place of an ascending index of that composition belongs to.
std::vector<std::uint8_t> classes(int code, int d) {
  std::vector<std::uint8_t> result(std::size_t(d), 0);
  for (int p = 1; p < d; p++) result[std::size_t(p)] = std::uint8_t(result[std::size_t(p) - 1] + (code >> (p - 1) & 1));
  return result;
}

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
    std::vector<std::uint8_t> word = classes(code, orbit.d);
    std::vector<std::uint8_t> place;  // the first of each class
    for (int p = 0; p < orbit.d; p++)
      if (word[std::size_t(p)] == place.size()) place.push_back(std::uint8_t(p));
    tables_.compositions.push_back({count(columns), std::uint32_t(tables_.words.size()),
                                    std::uint32_t(tables_.rows.size()), count(matrix),
                                    std::uint32_t(tables_.numbers.size()), 0});
    std::vector<std::vector<std::int32_t>> added;  // by column, its terms
    do {
      for (const std::uint8_t each : word) tables_.words.push_back(place[each]);
      std::vector<std::int32_t>& terms = added.emplace_back();
      for (std::size_t t = 0; t < terms_[current_].size(); t++)
        if (applies(terms_[current_][t], word.data())) terms.push_back(std::int32_t(t));
    } while (std::next_permutation(word.begin(), word.end()));
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
  code.multi_indices = count(choose(orbit.n + orbit.d - 1, orbit.d));
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
  code.compositions = std::uint32_t(tables_.compositions.size());
  add_compositions(orbit);
  // Two values have a closed form.
  if (orbit.d > 2) code.indices = add_indices(orbit);
  code.per_loops = divider(std::max(count(settings), 1u));
  code.work = count(saturating_multiply(settings, Index(code.multi_indices)));
  code.per_item = divider(std::max(code.work, 1u));
  tables_.orbits.push_back(code);
  add_op(Kind::orbit, tables_.orbits.size() - 1, orbit.inverse ? orbit.strands : orbit.lambdas.front().buffer);
}

bool Compiler::can_box(const Section& section, std::size_t first) const {
  if (box_elements_ == 0 || !is_boxable(program_, section)) return false;
  bool orbits = false;
  std::size_t op = first;
  for (std::size_t i = section.first; i < section.first + section.count; i++) {
    if (taken_[i]) continue;
    const OpCode& code = tables_.ops[op++];
    orbits |= code.kind == Kind::orbit;
    // Loops are not cut into boxes; orbits and their terms, and products of local rows, are.
    if (code.kind == Kind::zero || code.kind == Kind::move) return false;
    if (code.kind == Kind::orbit && tables_.orbits[code.index].serial) return false;
    if (code.kind == Kind::product && tables_.products[code.index].serial) return false;
    if (code.kind == Kind::weights && tables_.weights[code.index].serial) return false;
  }
  return orbits;
}

void Compiler::add_section(const Section& section, std::size_t first) {
  CompiledSection compiled{first, first, 0, 0, false, {}, 0, 1};
  const Orbit* orbit = nullptr;
  for (std::size_t i = section.first; i < section.first + section.count; i++) {
    if (taken_[i]) continue;
    compiled.sums_items |= tables_.ops[compiled.end++].sums_items != 0;
    if (const auto* each = std::get_if<Orbit>(&program_.instructions[i]))
      if (!orbit || each->lambdas.size() > orbit->lambdas.size()) orbit = each;
  }
  const auto section_index = Index(&section - program_.sections.data());
  std::vector<std::size_t> locals;
  for (std::size_t b = 0; b < program_.buffers.size(); b++)
    if (program_.buffers[b].section == section_index) locals.push_back(b);

  // The longest blocks whose boxes fit, of lengths that leave no short one where they can.
  const auto shapes_of = [&](Index length, const auto& f) {
    const Blocks blocks{section.n, length, section.d};
    for (Index number = 0; number < blocks.boxes(); number++) f(blocks.box(number));
  };
  const auto elements_of = [&](Index length) {
    compiled.rows.clear();
    compiled.elements = 0;
    // The first boxes of each kind have whole blocks.
    for (const std::size_t b : locals) {
      Index most = 0;
      const auto& kostka = orbit->lambdas[std::size_t(program_.buffers[b].lambda)].kostka;
      for (int pattern = 0; pattern < codes(section.d); pattern++) {
        Box box{};
        box.d = section.d;
        for (int p = 0, group = 0; p < section.d; p++) {
          box.same[p] = p > 0 && (pattern >> (p - 1) & 1);
          if (p > 0 && !box.same[p]) group++;
          box.low[p] = group * length, box.high[p] = box.low[p] + length;
        }
        most = std::max(most, box_rows(box, kostka));
      }
      compiled.rows.push_back({b, most});
      compiled.elements += (most * program_.buffers[b].width + vector_ - 1) / vector_ * vector_;
    }
    return compiled.elements;
  };
  Index length = section.n;
  while (length > 1 && elements_of(length) > box_elements_) length--;
  if (elements_of(length) > box_elements_) return;
  length = (section.n + (section.n + length - 1) / length - 1) / ((section.n + length - 1) / length);
  elements_of(length);
  compiled.length = length;

  SectionCode code{};
  code.first = std::uint32_t(compiled.first), code.end = std::uint32_t(compiled.end), code.d = std::uint32_t(section.d);
  code.shapes = std::uint32_t(tables_.shapes.size());
  std::map<std::vector<Index>, std::int32_t> shapes;
  std::vector<std::int32_t> boxes;
  shapes_of(length, [&](const Box& box) {
    std::vector<Index> key;
    for (int p = 0; p < box.d; p++) key.insert(key.end(), {box.high[p] - box.low[p], Index(box.same[p])});
    const auto [found, is_new] = shapes.try_emplace(key, std::int32_t(shapes.size()));
    if (is_new) add_shape(*orbit, box);
    boxes.push_back(found->second);
    for (int p = 0; p < box.d; p++) boxes.push_back(narrow(box.low[p]));
    compiled.boxes++;
  });
  code.boxes = std::uint32_t(tables_.numbers.size()), code.box_count = count(compiled.boxes);
  tables_.numbers.insert(tables_.numbers.end(), boxes.begin(), boxes.end());
  tables_.sections.push_back(code);
  for (std::size_t op = compiled.first; op < compiled.end; op++) {
    const OpCode& each = tables_.ops[op];
    if (each.kind != Kind::orbit) continue;
    const std::int64_t settings = tables_.orbits[each.index].per_loops.divisor;
    for (std::size_t s = code.shapes; s < tables_.shapes.size(); s++)
      compiled.jobs = std::max(compiled.jobs, settings * std::int64_t(tables_.shapes[s].multi_indices));
  }
  compiled_.sections.push_back(std::move(compiled));
}

void Compiler::add_shape(const Orbit& orbit, const Box& box) {
  ShapeCode shape{};
  const Index last = box.high[box.d - 1] - box.low[box.d - 1];
  shape.same = box.d == 2 && box.same[1], shape.second = divider(std::uint32_t(last));
  std::vector<std::int32_t> records;
  std::vector<Index> rows(orbit.lambdas.size(), 0);
  Index multi = 0;
  enumerate(box, [&](int code, const Index* values, Index run) {
    const std::vector<std::uint8_t> word = classes(code, box.d);
    for (Index step = 0; step < run; step++, multi++) {
      records.push_back(code);
      for (int p = 0; p < box.d; p++) {
        const bool moves = word[std::size_t(p)] + 1 == parts(code);
        records.push_back(narrow(values[word[std::size_t(p)]] + (moves ? step : 0) - box.low[p]));
      }
      for (std::size_t l = 0; l < rows.size(); l++) {
        records.push_back(narrow(rows[l]));
        rows[l] += orbit.lambdas[l].kostka[std::size_t(code)];
      }
    }
    return true;
  });
  shape.multi_indices = count(multi);
  shape.indices = std::uint32_t(tables_.numbers.size());
  if (box.d > 2) tables_.numbers.insert(tables_.numbers.end(), records.begin(), records.end());
  shape.rows = std::uint32_t(tables_.numbers.size());
  for (const Index each : rows) tables_.numbers.push_back(narrow(each));
  tables_.shapes.push_back(shape);
}

}  // namespace brauer::cuda
