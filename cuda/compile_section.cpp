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
    if (const auto* orbit = std::get_if<Orbit>(&program_.instructions[i])) {
      const auto terms = terms_.find(i);
      if (!can_list(*orbit, terms == terms_.end() ? std::vector<OrbitTerm>() : terms->second)) return false;
      if (terms == terms_.end()) continue;
      for (const OrbitTerm& term : terms->second)
        if (program_.buffers[term.buffer].local()) return false;
    }
    if (code.kind == Kind::product && tables_.products[code.index].serial) return false;
    if (code.kind == Kind::weights && tables_.weights[code.index].serial) return false;
  }
  return orbits;
}

void Compiler::add_section(const Section& section, std::size_t first) {
  CompiledSection compiled{first, first, 0, 0, false, {}, 0};
  const Orbit* orbit = nullptr;
  std::vector<std::size_t> orbits;  // instructions
  for (std::size_t i = section.first; i < section.first + section.count; i++) {
    if (taken_[i]) continue;
    const OpCode& op = tables_.ops[compiled.end++];
    compiled.sums_items |= op.sums_items != 0;
    const auto* each = std::get_if<Orbit>(&program_.instructions[i]);
    if (!each) continue;
    tables_.orbits[op.index].number = std::uint32_t(orbits.size());
    orbits.push_back(i);
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

  std::vector<std::int64_t> offsets(program_.buffers.size(), -1);
  std::int64_t end = 0;
  for (const auto& [buffer, rows] : compiled.rows) {
    offsets[buffer] = end;
    end += (rows * program_.buffers[buffer].width + vector_ - 1) / vector_ * vector_;
  }
  SectionCode code{};
  code.first = std::uint32_t(compiled.first), code.end = std::uint32_t(compiled.end);
  code.shapes = std::uint32_t(tables_.shapes.size()), code.orbits = std::uint32_t(orbits.size());
  // Each box has lists of its own where they are small, else boxes of one shape share them and count from corners.
  Index numbers = 0;
  for (const std::size_t each : orbits)
    numbers = saturating_add(numbers, listed_numbers(std::get<Orbit>(program_.instructions[each]), terms_[each]));
  const bool own_lists = numbers <= kMostListed;
  std::map<std::vector<Index>, std::int32_t> shapes;
  std::vector<std::int32_t> boxes;
  shapes_of(length, [&](const Box& box) {
    std::vector<Index> key;
    for (int p = 0; p < box.d; p++) key.insert(key.end(), {box.high[p] - box.low[p], Index(box.same[p])});
    if (own_lists) key = {compiled.boxes};
    const auto [found, is_new] = shapes.try_emplace(key, std::int32_t(shapes.size()));
    if (is_new) add_shape(orbits, *orbit, box, offsets, own_lists);
    boxes.push_back(found->second);
    for (const std::size_t each : orbits) {
      boxes.push_back(own_lists ? -1 : std::int32_t(tables_.numbers.size()));
      if (!own_lists) add_corners(each, box);
    }
    compiled.boxes++;
  });
  code.boxes = std::uint32_t(tables_.numbers.size()), code.box_count = count(compiled.boxes);
  tables_.numbers.insert(tables_.numbers.end(), boxes.begin(), boxes.end());
  tables_.sections.push_back(code);
  compiled_.sections.push_back(std::move(compiled));
}

void Compiler::add_shape(const std::vector<std::size_t>& orbits, const Orbit& widest, const Box& box,
                         const std::vector<std::int64_t>& offsets, bool own_lists) {
  std::vector<std::int32_t> numbers;
  for (const std::size_t each : orbits) {
    const std::size_t first = tables_.lists.size();
    numbers.insert(numbers.end(), {std::int32_t(first), std::int32_t(add_lists(each, box, offsets, own_lists))});
  }
  ShapeCode shape{};
  shape.orbits = std::uint32_t(tables_.numbers.size());
  tables_.numbers.insert(tables_.numbers.end(), numbers.begin(), numbers.end());
  shape.rows = std::uint32_t(tables_.numbers.size());
  for (const OrbitRows& each : widest.lambdas) tables_.numbers.push_back(narrow(box_rows(box, each.kostka)));
  tables_.shapes.push_back(shape);
}

}  // namespace brauer::cuda
