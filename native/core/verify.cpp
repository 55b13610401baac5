#include <algorithm>
#include <string>

#include "core/program.h"

namespace brauer {
namespace {

// The least and the greatest offset that a nest forms. Saturates far outside every buffer, never wraps.
struct Range {
  Index low, high;

  explicit Range(Index base) : low(base), high(base) {}

  void steps(Index extent, Index stride) {
    if (extent <= 0) return;
    const Index reach = saturating_multiply(extent - 1, stride < 0 ? -stride : stride);
    if (stride < 0)
      low = std::max(low - reach, -2 * kMaxIndex);
    else
      high = std::min(high + reach, 2 * kMaxIndex);
  }
};

class Verifier {
 public:
  explicit Verifier(const Program& program) : program_(program) {}

  Status run() {
    check_buffers();
    check_sections();
    for (std::size_t i = 0; i < program_.instructions.size() && ok(); i++) {
      where_ = "instruction " + std::to_string(i);
      section_ = section_of(i);
      std::visit([&](const auto& instruction) { check(instruction); }, program_.instructions[i]);
    }
    if (ok()) check_local_sizes();
    return std::move(status_);
  }

 private:
  bool ok() const { return status_.ok(); }

  void expect(bool condition, const std::string& expected) {
    if (condition || !ok()) return;
    status_ = Status::error(Code::invalid_program, "program: " + where_ + ": expected " + expected);
  }

  void check_buffers() {
    for (std::size_t i = 0; i < program_.buffers.size() && ok(); i++) {
      const Buffer& buffer = program_.buffers[i];
      where_ = "buffer " + std::to_string(i);
      if (buffer.role == Role::constant) inside(buffer, Index(program_.constants.size()), "`constants`");
      if (buffer.role == Role::scratch) {
        expect(!buffer.shared, "scratch of item scope");
        inside(buffer, buffer.local() ? program_.local_size : program_.scratch_size, "its arena");
      }
      if (!buffer.local()) continue;
      expect(buffer.role == Role::scratch, "a local buffer to be scratch");
      expect(buffer.section < Index(program_.sections.size()), "the number of a section");
      expect(buffer.width >= 1, "a row width of at least 1");
    }
  }

  void inside(const Buffer& buffer, Index end, const char* whole) {
    expect(buffer.offset <= end && buffer.size <= end - buffer.offset, std::string("a buffer inside ") + whole);
  }

  // Sections in the order of their first instructions, for the overlap check and for `section_of`.
  void check_sections() {
    const std::size_t instructions = program_.instructions.size();
    for (std::size_t i = 0; i < program_.sections.size(); i++) {
      const Section& section = program_.sections[i];
      where_ = "section " + std::to_string(i);
      expect(section.first <= instructions && section.count <= instructions - section.first, "instructions in range");
      if (section.count > 0) order_.push_back(i);
    }
    if (!ok()) return;
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) { return first(a) < first(b); });
    for (std::size_t k = 1; k < order_.size(); k++) {
      where_ = "section " + std::to_string(order_[k]);
      expect(first(order_[k - 1]) + program_.sections[order_[k - 1]].count <= first(order_[k]),
             "no overlap with another section");
    }
  }

  std::size_t first(std::size_t section) const { return program_.sections[section].first; }

  Index section_of(std::size_t instruction) const {
    const auto after = std::upper_bound(order_.begin(), order_.end(), instruction,
                                        [&](std::size_t at, std::size_t section) { return at < first(section); });
    if (after == order_.begin()) return -1;
    const std::size_t candidate = *(after - 1);
    return instruction - first(candidate) < program_.sections[candidate].count ? Index(candidate) : -1;
  }

  const Buffer* buffer(std::size_t index) {
    expect(index < program_.buffers.size(), "a buffer index below " + std::to_string(program_.buffers.size()));
    return ok() ? &program_.buffers[index] : nullptr;
  }

  const Buffer* read(std::size_t index) {
    const Buffer* found = buffer(index);
    if (found) expect(!found->shared_output(), "nothing to read a shared output");
    return ok() ? found : nullptr;
  }

  const Buffer* write(std::size_t index) {
    const Buffer* found = buffer(index);
    if (found)
      expect(found->role == Role::output || found->role == Role::scratch, "an output or scratch to be written");
    return ok() ? found : nullptr;
  }

  void bounds(const Buffer& buffer, const Range& range) {
    expect(range.low >= 0 && range.high < buffer.size, "offsets within a buffer of " + std::to_string(buffer.size) +
                                                           " elements, received " + std::to_string(range.low) + " to " +
                                                           std::to_string(range.high));
  }

  void not_local(const Buffer& buffer) { expect(!buffer.local(), "a local buffer to be used by orbit and mix only"); }

  void check(const Zero& zero) {
    const Buffer* out = write(zero.out);
    if (!out) return;
    not_local(*out);
    Range range(zero.base);
    range.steps(zero.rows, zero.stride);
    range.steps(zero.count, 1);
    bounds(*out, range);
  }

  void check_nest(const std::vector<Loop>& loops, std::size_t out_index, std::size_t in_index, Index out_base,
                  Index in_base, const Range& out_offsets, const Range& in_offsets) {
    const Buffer* out = write(out_index);
    const Buffer* in = read(in_index);
    if (!out || !in) return;
    expect(out_index != in_index, "different buffers to be read and written");
    not_local(*out);
    not_local(*in);
    Range outs = out_offsets, ins = in_offsets;
    outs.low += out_base, outs.high += out_base, ins.low += in_base, ins.high += in_base;
    for (const Loop& loop : loops) {
      outs.steps(loop.extent, loop.out);
      ins.steps(loop.extent, loop.in);
    }
    bounds(*out, outs);
    bounds(*in, ins);
    if (section_ >= 0) check_strands(loops, program_.sections[std::size_t(section_)]);
  }

  void check_strands(const std::vector<Loop>& loops, const Section& section) {
    const std::uint32_t all = (1u << section.d) - 1;
    std::uint32_t driven = 0;
    for (const Loop& loop : loops) {
      if (loop.strands == 0) continue;
      expect((loop.strands & ~all) == 0, "strands of the section");
      expect((loop.strands & driven) == 0, "no strand to drive two loops");
      expect(loop.extent == section.n, "a strand's loop of extent " + std::to_string(section.n));
      driven |= loop.strands;
    }
    expect(driven == all, "every strand to drive a loop");
  }

  void check(const Strided& strided) {
    check_nest(strided.loops, strided.out, strided.in, strided.out_base, strided.in_base, Range(0), Range(0));
  }

  void check(const Gather& gather) {
    const std::size_t entries = program_.table.size();
    expect(gather.first <= entries && gather.count <= entries - gather.first, "entries within the table");
    if (!ok()) return;
    Range out(0), in(0);
    for (std::size_t i = 0; i < gather.count; i++) {
      const Entry& entry = program_.table[gather.first + i];
      if (i == 0) out = Range(entry.out), in = Range(entry.in);
      out.low = std::min(out.low, entry.out), out.high = std::max(out.high, entry.out);
      in.low = std::min(in.low, entry.in), in.high = std::max(in.high, entry.in);
    }
    check_nest(gather.loops, gather.out, gather.in, gather.out_base, gather.in_base, out, in);
  }

  void check(const Mix& mix) {
    const std::size_t written = mix.form == MixForm::forward ? mix.c : mix.form == MixForm::input ? mix.a : mix.b;
    const Buffer* operands[3];
    const std::size_t indices[3] = {mix.a, mix.b, mix.c};
    for (int i = 0; i < 3; i++) {
      operands[i] = indices[i] == written ? write(indices[i]) : read(indices[i]);
      if (!operands[i]) return;
    }
    expect(mix.a != mix.b && mix.b != mix.c && mix.a != mix.c, "three different buffers");
    matrix(*operands[0], mix.a_base, mix.rows, mix.a_stride, mix.inner);
    matrix(*operands[1], mix.b_base, mix.inner, mix.b_stride, mix.cols);
    matrix(*operands[2], mix.c_base, mix.rows, mix.c_stride, mix.cols);
    not_local(*operands[1]);
    const Buffer &a = *operands[0], &c = *operands[2];
    if (!ok() || (!a.local() && !c.local())) return;
    expect(a.section == section_ && c.section == section_ && a.lambda == c.lambda,
           "a and c local to this section and one lambda");
    if (!ok()) return;
    local_matrix(a, mix.a_base, mix.rows, mix.a_stride, mix.inner);
    local_matrix(c, mix.c_base, mix.rows, mix.c_stride, mix.cols);
  }

  void matrix(const Buffer& buffer, Index base, Index rows, Index stride, Index count) {
    Range range(base);
    range.steps(rows, stride);
    range.steps(count, 1);
    bounds(buffer, range);
  }

  // The executor renumbers the rows of local buffers box by box, so each access must stay within whole rows.
  void local_matrix(const Buffer& buffer, Index base, Index rows, Index stride, Index count) {
    expect(base < buffer.width && count <= buffer.width - base, "columns within a local row");
    expect(stride == buffer.width, "the row stride of a local buffer to be its width");
    expect(rows == buffer.size / buffer.width, "all rows of a lambda");
  }

  void check(const Orbit& orbit) {
    if (section_ >= 0) {
      const Section& section = program_.sections[std::size_t(section_)];
      expect(orbit.n == section.n && orbit.d == section.d, "an orbit of the section's n and d");
    }
    const Buffer* strands = orbit.inverse ? write(orbit.strands) : read(orbit.strands);
    if (!strands) return;
    expect(!strands->shared_output(), "a shared output not to be written by an orbit");
    not_local(*strands);
    Range range(orbit.base);
    for (int s = 0; s < orbit.d; s++) range.steps(orbit.n, orbit.strides[std::size_t(s)]);
    for (const OrbitLoop& loop : orbit.loops) range.steps(loop.extent, loop.strands);
    bounds(*strands, range);
    check_matrices(orbit);
    for (std::size_t k = 0; k < orbit.lambdas.size() && ok(); k++) check_rows(orbit, k);
  }

  void check_matrices(const Orbit& orbit) {
    Index elements = 0;
    for (int code = 0; code < codes(orbit.d); code++) {
      const Index m = rearrangements(code, orbit.d);
      Index rows = 0;
      for (const OrbitRows& lambda : orbit.lambdas)
        rows = saturating_add(rows, saturating_multiply(lambda.kostka[std::size_t(code)], lambda.dimension));
      expect(rows == m, "kostka numbers that add up to " + std::to_string(m) + " rearrangements");
      elements += m * m;
    }
    const std::size_t count = program_.constants.size();
    expect(orbit.matrices <= count && elements <= Index(count - orbit.matrices), "matrices inside `constants`");
  }

  void check_rows(const Orbit& orbit, std::size_t k) {
    const OrbitRows& rows = orbit.lambdas[k];
    const Buffer* found = orbit.inverse ? read(rows.buffer) : write(rows.buffer);
    if (!found) return;
    expect(!found->shared_output(), "a shared output not to be written by an orbit");
    expect(rows.buffer != orbit.strands, "different buffers to be read and written");
    const Index count = orbit_rows(orbit.n, rows.kostka);
    Range row(rows.base);
    row.steps(rows.dimension, rows.unit_stride);
    for (const OrbitLoop& loop : orbit.loops) row.steps(loop.extent, loop.rows[k]);
    Range range = row;
    range.steps(count, rows.row_stride);
    if (count > 0) bounds(*found, range);
    if (!found->local() || !ok()) return;
    expect(found->section == section_ && found->lambda == Index(k), "a local buffer of this section and lambda");
    expect(rows.row_stride == found->width && row.low >= 0 && row.high < found->width,
           "an orbit within the rows of its local buffer");
  }

  // Rows of a box are counted from the kostka numbers, so those of one lambda must agree in a whole section, and a
  // buffer that only a mix touches must have the rows of its lambda as well.
  void check_local_sizes() {
    std::vector<std::vector<const std::vector<Index>*>> lambdas(program_.sections.size());
    for (std::size_t s = 0; s < program_.sections.size(); s++) {
      const Section& section = program_.sections[s];
      for (std::size_t i = section.first; i < section.first + section.count; i++) {
        const auto* orbit = std::get_if<Orbit>(&program_.instructions[i]);
        if (!orbit) continue;
        for (std::size_t k = 0; k < orbit->lambdas.size(); k++) {
          if (lambdas[s].size() == k) lambdas[s].push_back(&orbit->lambdas[k].kostka);
          where_ = "instruction " + std::to_string(i);
          expect(*lambdas[s][k] == orbit->lambdas[k].kostka, "the same kostka numbers in every orbit of a section");
        }
      }
    }
    for (std::size_t i = 0; i < program_.buffers.size() && ok(); i++) {
      const Buffer& buffer = program_.buffers[i];
      if (!buffer.local()) continue;
      where_ = "buffer " + std::to_string(i);
      const auto& known = lambdas[std::size_t(buffer.section)];
      expect(buffer.lambda < Index(known.size()), "the lambda of an orbit in its section");
      if (!ok()) return;
      const Index rows =
          orbit_rows(program_.sections[std::size_t(buffer.section)].n, *known[std::size_t(buffer.lambda)]);
      expect(saturating_multiply(rows, buffer.width) == buffer.size, "a local buffer of rows times width elements");
    }
  }

  const Program& program_;
  Status status_;
  std::string where_;
  Index section_ = -1;
  std::vector<std::size_t> order_;
};

}  // namespace

Status verify(const Program& program) { return Verifier(program).run(); }

}  // namespace brauer
