#include <algorithm>

#include "core/box.h"
#include "cuda/tables.h"

// Sections that run box by box: how long the blocks are, and how the multi-indices and rows of each kind of box are
// numbered.
namespace brauer::cuda {

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
