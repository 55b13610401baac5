#include <algorithm>

#include "cuda/tables.h"

// Whether two instructions meet in an element, so that only those that do wait for each other.
namespace brauer::cuda {
namespace {

using Walk = std::pair<Index, Index>;  // extent and stride

class Collector {
 public:
  Collector(const Program& program, std::vector<Access>& accesses) : program_(program), accesses_(accesses) {}

  void add(std::size_t buffer, bool write, Index base, const std::vector<Walk>& walks) {
    Access access{buffer, write, base, base, {}};
    for (const auto& [extent, stride] : walks) {
      if (extent <= 1 || stride == 0) continue;
      (stride < 0 ? access.low : access.high) += (extent - 1) * stride;
      access.walks.push_back({extent, std::abs(stride)});
    }
    // Rows of boxes are numbered anew in each box.
    if (program_.buffers[buffer].local()) access.low = 0, access.high = kMaxIndex, access.walks = {{2, 1}};
    accesses_.push_back(std::move(access));
  }
  void add_all(std::size_t buffer, bool write) { add(buffer, write, 0, {{program_.buffers[buffer].size, 1}}); }

 private:
  const Program& program_;
  std::vector<Access>& accesses_;
};

std::vector<Walk> strands_of(const Orbit& orbit, const Index* strides) {
  std::vector<Walk> walks;
  for (int p = 0; p < orbit.d; p++) walks.push_back({orbit.n, strides[p]});
  for (const OrbitLoop& loop : orbit.loops) walks.push_back({loop.extent, loop.strands});
  return walks;
}

// Where an access lies modulo a number: from its lowest element on, so many of them; 0 where that wraps around.
Index window_of(const Access& access, Index modulus) {
  Index span = 1;
  for (const auto& [extent, stride] : access.walks)
    if (stride % modulus != 0) span = saturating_add(span, saturating_multiply(extent - 1, stride));
  return access.low % modulus + span <= modulus ? span : 0;
}

}  // namespace

std::vector<Access> Compiler::accesses_of(std::size_t instruction) const {
  std::vector<Access> accesses;
  Collector to(program_, accesses);
  const Instruction& each = program_.instructions[instruction];
  if (const auto* zero = std::get_if<Zero>(&each))
    to.add(zero->out, true, zero->base, {{zero->rows, zero->stride}, {zero->count, 1}});
  if (const auto* strided = std::get_if<Strided>(&each)) {
    std::vector<Walk> out, in;
    for (const Loop& loop : strided->loops)
      out.push_back({loop.extent, loop.out}), in.push_back({loop.extent, loop.in});
    to.add(strided->in, false, strided->in_base, in), to.add(strided->out, true, strided->out_base, out);
  }
  if (const auto* gather = std::get_if<Gather>(&each)) to.add_all(gather->in, false), to.add_all(gather->out, true);
  if (const auto* mix = std::get_if<Mix>(&each)) {
    to.add(mix->a, mix->form == MixForm::input, mix->a_base, {{mix->rows, mix->a_stride}, {mix->inner, 1}});
    to.add(mix->b, mix->form == MixForm::weight, mix->b_base, {{mix->inner, mix->b_stride}, {mix->cols, 1}});
    to.add(mix->c, mix->form == MixForm::forward, mix->c_base, {{mix->rows, mix->c_stride}, {mix->cols, 1}});
  }
  if (const auto* orbit = std::get_if<Orbit>(&each)) {
    to.add(orbit->strands, orbit->inverse, orbit->base, strands_of(*orbit, orbit->strides.data()));
    for (std::size_t l = 0; l < orbit->lambdas.size(); l++) {
      const OrbitRows& rows = orbit->lambdas[l];
      std::vector<Walk> walks = {{orbit_rows(orbit->n, rows.kostka), rows.row_stride},
                                 {rows.dimension, rows.unit_stride}};
      for (const OrbitLoop& loop : orbit->loops) walks.push_back({loop.extent, loop.rows[l]});
      to.add(rows.buffer, !orbit->inverse, rows.base, walks);
    }
    if (const auto found = terms_.find(instruction); found != terms_.end())
      for (const OrbitTerm& term : found->second)
        to.add(term.buffer, false, term.base, strands_of(*orbit, term.strides));
  }
  return accesses;
}

bool Compiler::meet(const Access& a, const Access& b) const {
  if (!a.write && !b.write) return false;
  if (a.buffer != b.buffer) {
    // Scratch buffers may lie in each other's place.
    const Buffer &x = program_.buffers[a.buffer], &y = program_.buffers[b.buffer];
    if (x.role != Role::scratch || y.role != Role::scratch || x.local() != y.local()) return false;
    return x.offset < y.offset + y.size && y.offset < x.offset + x.size;
  }
  if (a.high < b.low || b.high < a.low) return false;
  // Rows of one stride, of which each takes its own columns.
  for (const Access* each : {&a, &b}) {
    for (const auto& [extent, stride] : each->walks) {
      const Index own = window_of(a, stride), other = window_of(b, stride);
      if (own == 0 || other == 0) continue;
      if (a.low % stride + own <= b.low % stride || b.low % stride + other <= a.low % stride) return false;
    }
  }
  return true;
}

}  // namespace brauer::cuda
