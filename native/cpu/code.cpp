#include "cpu/code.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/box.h"

namespace brauer {
namespace {

// The output loop with the longest steps: its parts are the largest contiguous ones. −1 where parts might meet.
int split_loop(const std::vector<Loop>& loops) {
  if (!is_injective(loops)) return -1;
  int best = -1;
  for (std::size_t i = 0; i < loops.size(); i++) {
    const Loop& loop = loops[i];
    if (loop.out == 0 || loop.extent < 2) continue;
    if (best < 0 || std::llabs(loop.out) > std::llabs(loops[std::size_t(best)].out)) best = int(i);
  }
  return best;
}

struct Compiler {
  Compiled& code;
  Index width;

  const Buffer& buffer(std::size_t index) const { return code.program.buffers[index]; }

  void compile(Op& op, const Zero& zero) {
    op.shared = buffer(zero.out).shared;
    op.work = double(zero.rows) * double(zero.count) / 4;
  }

  void compile(Op& op, const Strided& strided) {
    op.shared = buffer(strided.out).shared;
    op.nest = std::make_unique<Nest>(make_nest(strided.loops.data(), strided.loops.size(), width));
    op.split = split_loop(strided.loops);
    op.work = volume(*op.nest);
  }

  void compile(Op& op, const Gather& gather) {
    op.shared = buffer(gather.out).shared;
    op.nest = std::make_unique<Nest>(make_nest(gather.loops.data(), gather.loops.size(), width));
    op.work = volume(*op.nest) * double(gather.count);
  }

  void compile(Op& op, const Mix& mix) {
    op.work = double(mix.rows) * double(mix.inner) * double(mix.cols) / 16;
    op.shared = mix.form == MixForm::weight && buffer(mix.b).shared;
    code.pieces += mix_pieces(double(mix.rows), mix.cols, mix.inner, width);
    op.work *= double(mix.lanes);
    if (mix.form == MixForm::weight) return;
    const bool forward = mix.form == MixForm::forward;
    // Rows that overlap must be summed in order.
    if (forward ? mix.c_stride >= mix.cols : mix.a_stride >= mix.inner) op.split = 0;
    if (forward || mix.lanes > 1) return;
    const std::size_t weights = std::size_t(saturating_multiply(mix.inner, mix.cols));
    if (has_own_weights(mix))
      code.own_weights = std::max(code.own_weights, weights);
    else
      code.transposed = std::min(code.transposed + weights, std::size_t(kMaxIndex));
  }

  bool has_own_weights(const Mix& mix) const {
    const Buffer& weights = buffer(mix.b);
    return !weights.shared && weights.role != Role::constant;
  }

  void compile(Op& op, const Orbit& orbit) {
    op.orbit = std::make_unique<OrbitPlan>(plan_orbit(orbit));
    code.largest_orbit = std::max(code.largest_orbit, std::size_t(op.orbit->largest));
    op.work = std::pow(double(orbit.n), orbit.d) * double(op.orbit->channels) * 2;
    for (const OrbitLoop& loop : op.orbit->loops) op.work *= double(loop.extent);
  }

  SectionCode compile_section(const Section& section, std::size_t index) {
    SectionCode result;
    result.section = section;
    result.boxable = section.count > 0 && is_boxable(code.program, section);
    const Orbit* orbit = nullptr;
    for (std::size_t i = section.first; i < section.first + section.count; i++) {
      const auto* found = std::get_if<Orbit>(&code.program.instructions[i]);
      if (!found) continue;
      if (!orbit || found->lambdas.size() > orbit->lambdas.size()) orbit = found;
      Index elements = 1;
      for (const OrbitLoop& loop : found->loops) elements = saturating_multiply(elements, loop.extent);
      result.touched.push_back(elements);
    }
    for (std::size_t i = 0; i < code.program.buffers.size(); i++) {
      const Buffer& each = buffer(i);
      if (each.section == Index(index))
        result.locals.push_back({i, each.width, &orbit->lambdas[std::size_t(each.lambda)].kostka});
    }
    result.boxable = result.boxable && orbit;
    return result;
  }

  void fuse(const Section& section) {
    each_term(code.program, section, [&](std::size_t orbit, std::size_t strided, OrbitTerm term) {
      if (!take_term(*code.ops[orbit].orbit, std::move(term))) return false;
      code.ops[strided].fused = true, code.ops[strided].split = -1;
      return true;
    });
  }

  void compile_orbits() {
    for (std::size_t i = 0; i < code.ops.size(); i++) {
      const auto* orbit = std::get_if<Orbit>(code.ops[i].source);
      if (orbit) complete_orbit(*orbit, *code.ops[i].orbit);
    }
  }

  void compile_stages() {
    std::vector<int> section_at(code.program.instructions.size(), -1);
    for (std::size_t s = 0; s < code.sections.size(); s++) {
      const Section& section = code.sections[s].section;
      std::fill_n(section_at.begin() + std::ptrdiff_t(section.first), section.count, int(s));
    }
    for (std::size_t i = 0; i < section_at.size(); i++) {
      if (code.stages.empty() || code.stages.back().section != section_at[i])
        code.stages.push_back({i, 0, section_at[i]});
      code.stages.back().count++;
    }
  }
};

}  // namespace

double mix_pieces(double rows, Index cols, Index inner, Index width) {
  // A tile of a product is about twelve rows by two vectors, over at most 256 steps.
  return rows / 12 * std::ceil(double(cols) / double(2 * width)) * std::ceil(double(inner) / 256);
}

const LocalBuffer& SectionCode::local(std::size_t buffer) const {
  return *std::find_if(locals.begin(), locals.end(), [&](const LocalBuffer& each) { return each.buffer == buffer; });
}

Index SectionCode::local_rows(const LocalBuffer& local, Index length) const {
  Index rows = 0;
  // Every pattern of equal and different blocks; a short last block has fewer rows than a whole one.
  for (int pattern = 0; pattern < codes(section.d); pattern++) {
    Box box{};
    box.d = section.d;
    Index group = 0;
    for (int p = 0; p < box.d; p++) {
      box.same[p] = p > 0 && (pattern >> (p - 1) & 1);
      if (p > 0 && !box.same[p]) group++;
      box.low[p] = group * length, box.high[p] = box.low[p] + length;
    }
    rows = std::max(rows, box_rows(box, *local.kostka));
  }
  return rows;
}

double SectionCode::local_elements(Index length) const {
  double total = 0;
  for (const LocalBuffer& local : locals) total += double(local_rows(local, length)) * double(local.width);
  return total;
}

double SectionCode::box_elements(Index length) const {
  double orbit = 1, elements = local_elements(length);
  for (int s = 0; s < section.d; s++) orbit *= double(length) * (s + 1);
  for (const Index each : touched) elements += orbit * double(each);
  return elements;
}

Index SectionCode::block_length(double elements) const {
  Index low = 1, high = section.n;
  while (low < high) {
    const Index middle = low + (high - low + 1) / 2;
    if (box_elements(middle) <= elements)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

Compiled compile(Program program, Index width, Index lanes) {
  Compiled code;
  code.program = std::move(program);
  code.width = width;
  code.lanes = lanes;
  Compiler compiler{code, width};
  code.ops.reserve(code.program.instructions.size());
  for (const Instruction& instruction : code.program.instructions) {
    Op& op = code.ops.emplace_back(Op{&instruction, nullptr, nullptr});
    std::visit([&](const auto& each) { compiler.compile(op, each); }, instruction);
    code.work += op.work;
  }
  for (std::size_t s = 0; s < code.program.sections.size(); s++) {
    code.sections.push_back(compiler.compile_section(code.program.sections[s], s));
    compiler.fuse(code.program.sections[s]);
  }
  compiler.compile_orbits();
  compiler.compile_stages();
  for (const Buffer& buffer : code.program.buffers) {
    const bool operand = buffer.role == Role::input || buffer.role == Role::output;
    if (operand && !buffer.shared) code.operand_size += double(buffer.size);
    code.has_shared_output |= buffer.shared_output();
  }
  return code;
}

}  // namespace brauer
