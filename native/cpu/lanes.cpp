#include "cpu/lanes.h"

#include <algorithm>
#include <cmath>

namespace brauer {
namespace {

// Fewer groups of items would leave threads without work.
constexpr Index kLeastGroups = 4;

bool per_item(const Buffer& buffer) { return !buffer.shared && buffer.role != Role::constant; }

// The elements that an instruction finds side by side, and how many it visits.
struct Rows {
  double length, elements;
};

Rows rows_of(const std::vector<Loop>& loops) {
  Rows rows{1, 1};
  for (const Loop& loop : loops) rows.elements *= double(loop.extent);
  for (auto loop = loops.rbegin(); loop != loops.rend() && loop->strands == 0 && !loop->alternate; loop++) {
    if (loop->extent > 1 && (loop->out != Index(rows.length) || loop->in != Index(rows.length))) break;
    rows.length *= double(loop->extent);
  }
  return rows;
}

Rows rows_of(const Instruction& instruction) {
  if (const auto* zero = std::get_if<Zero>(&instruction)) return {double(zero->count), 0};
  if (const auto* strided = std::get_if<Strided>(&instruction)) return rows_of(strided->loops);
  if (const auto* gather = std::get_if<Gather>(&instruction)) {
    Rows rows = rows_of(gather->loops);
    rows.elements *= double(gather->count);
    return rows;
  }
  if (const auto* mix = std::get_if<Mix>(&instruction)) {
    const Index cols = mix->form == MixForm::input ? mix->inner : mix->cols;
    return {double(cols), double(mix->rows) * double(mix->cols)};
  }
  const Orbit& orbit = std::get<Orbit>(instruction);
  Rows rows{1, std::pow(double(orbit.n), orbit.d)};
  for (const OrbitLoop& loop : orbit.loops) rows.elements *= double(loop.extent), rows.length *= double(loop.extent);
  rows.elements *= double(orbit.d);
  return rows;
}

std::size_t most_loops(const Program& program) {
  std::size_t most = 0;
  for (const Instruction& instruction : program.instructions) {
    if (const auto* strided = std::get_if<Strided>(&instruction)) most = std::max(most, strided->loops.size());
    if (const auto* gather = std::get_if<Gather>(&instruction)) most = std::max(most, gather->loops.size());
    if (const auto* orbit = std::get_if<Orbit>(&instruction)) most = std::max(most, orbit->loops.size());
  }
  return most;
}

struct Widener {
  Program& program;
  Index lanes;
  std::vector<Entry> table;  // entries of all gathers, one after the other

  Index of(std::size_t buffer) const { return per_item(program.buffers[buffer]) ? lanes : 1; }

  void widen(Zero& zero) const { zero.base *= lanes, zero.stride *= lanes, zero.count *= lanes; }

  void widen(Strided& strided) const {
    strided.out_base *= lanes, strided.in_base *= of(strided.in);
    widen_loops(strided.loops, of(strided.in));
  }

  void widen(Gather& gather) {
    gather.out_base *= lanes, gather.in_base *= of(gather.in);
    widen_loops(gather.loops, of(gather.in));
    const auto first = program.table.begin() + std::ptrdiff_t(gather.first);
    gather.first = table.size();
    for (auto entry = first; entry != first + std::ptrdiff_t(gather.count); entry++)
      table.push_back({entry->out * lanes, entry->in * of(gather.in), entry->sign});
  }

  void widen(Mix& mix) const {
    mix.lanes = lanes;
    mix.a_base *= lanes, mix.c_base *= lanes, mix.a_stride *= lanes, mix.c_stride *= lanes;
  }

  void widen(Orbit& orbit) const {
    const Index strands = of(orbit.strands);
    orbit.base *= strands;
    for (Index& stride : orbit.strides) stride *= strands;
    for (OrbitLoop& loop : orbit.loops) loop.strands *= strands;
    OrbitLoop items{lanes, strands == 1 ? 0 : 1, {}};
    for (std::size_t l = 0; l < orbit.lambdas.size(); l++) {
      OrbitRows& rows = orbit.lambdas[l];
      const Index by = of(rows.buffer);
      rows.base *= by, rows.row_stride *= by, rows.unit_stride *= by;
      for (OrbitLoop& loop : orbit.loops) loop.rows[l] *= by;
      items.rows.push_back(by == 1 ? 0 : 1);
    }
    orbit.loops.push_back(std::move(items));
  }

  void widen_loops(std::vector<Loop>& loops, Index in) const {
    for (Loop& loop : loops) loop.out *= lanes, loop.in *= in;
    loops.push_back({lanes, 1, in == 1 ? 0 : 1, false, 0});
  }
};

}  // namespace

Index choose_lanes(const Program& program, Index width, std::int64_t expected, int threads, double most_elements) {
  if (width == 1 || expected < kLeastGroups * width || most_loops(program) >= kMaxLoops) return 1;
  double item = double(program.scratch_size) + double(program.local_size);
  for (const Buffer& buffer : program.buffers) {
    if (buffer.shared_output()) return 1;
    if (per_item(buffer) && buffer.role != Role::scratch) item += double(buffer.size);
  }
  double elements = 0, vectors = 0;
  for (const Instruction& instruction : program.instructions) {
    const auto* mix = std::get_if<Mix>(&instruction);
    if (mix && (mix->form == MixForm::weight || per_item(program.buffers[mix->b]) ||
                !per_item(program.buffers[mix->a]) || !per_item(program.buffers[mix->c])))
      return 1;
    const Rows rows = rows_of(instruction);
    elements += rows.elements;
    vectors += rows.elements / rows.length * std::ceil(rows.length / double(width));
  }
  // With items side by side all vectors are full.
  if (vectors * double(width) < 1.5 * elements) return 1;
  Index lanes = width;
  while (lanes < 4 * width && 2 * lanes * threads <= expected && 2 * double(lanes) * item <= most_elements / 8)
    lanes *= 2;
  return double(lanes) * item <= most_elements ? lanes : 1;
}

Program with_lanes(Program program, Index lanes) {
  Widener widener{program, lanes, {}};
  for (Instruction& instruction : program.instructions)
    std::visit([&](auto& each) { widener.widen(each); }, instruction);
  program.table = std::move(widener.table);
  for (Buffer& buffer : program.buffers)
    if (per_item(buffer)) buffer.size *= lanes, buffer.offset *= lanes, buffer.width *= lanes;
  program.scratch_size *= lanes, program.local_size *= lanes;
  return program;
}

}  // namespace brauer
