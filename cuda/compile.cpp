#include "cuda/compile.h"

#include <algorithm>
#include <limits>
#include <map>

#include "cuda/tables.h"

namespace brauer::cuda {
namespace {

constexpr Index kMost = std::numeric_limits<std::int32_t>::max();
// Settings of the loops of a move that are worth a list.
constexpr Index kMostPlaces = 4096;

Index round_up(Index value, Index to) { return (value + to - 1) / to * to; }

bool is_parallel(const Loop& loop) { return loop.out != 0; }

// Joins loops that together move by constant strides, so that fewer divisions find a place.
std::vector<Loop> merge(const std::vector<Loop>& loops) {
  std::vector<Loop> merged;
  for (const Loop& loop : loops) {
    if (loop.extent == 1) continue;
    if (!merged.empty()) {
      Loop& outer = merged.back();
      const bool joins = !outer.alternate && !loop.alternate && outer.out == loop.extent * loop.out &&
                         outer.in == loop.extent * loop.in;
      if (joins) {
        outer.extent *= loop.extent, outer.out = loop.out, outer.in = loop.in;
        continue;
      }
    }
    merged.push_back(loop);
  }
  return merged;
}

}  // namespace

Compiler::Compiler(const Program& program, int element_bytes, std::int64_t box_elements, Compiled& compiled)
    : program_(program),
      vector_(std::uint32_t(16 / element_bytes)),
      box_elements_(box_elements),
      compiled_(compiled),
      uses_(program.buffers.size()) {}

std::int32_t Compiler::narrow(Index value) {
  fits_ = fits_ && value >= -kMost && value <= kMost;
  return fits_ ? std::int32_t(value) : 0;
}

std::uint32_t Compiler::count(Index value) {
  fits_ = fits_ && value >= 0 && value <= kMost;
  return fits_ ? std::uint32_t(value) : 1;
}

At Compiler::at(std::size_t buffer, Index base) { return {std::uint32_t(buffer), narrow(base)}; }

std::uint32_t Compiler::vector_of(Index length, const std::vector<At>& ends, const std::vector<Index>& strides) const {
  const auto whole = [this](Index value) { return value % Index(vector_) == 0; };
  if (!whole(length)) return 1;
  for (const Index stride : strides)
    if (!whole(stride)) return 1;
  for (const At& end : ends) {
    const Placed& placed = compiled_.buffers[end.buffer];
    if (!whole(end.base) || !whole(placed.offset) || !whole(placed.step)) return 1;
  }
  return vector_;
}

void Compiler::place() {
  compiled_.buffers.resize(program_.buffers.size());
  compiled_.scratch = round_up(program_.scratch_size, Index(vector_));
  compiled_.local = round_up(program_.local_size, Index(vector_));
  std::size_t operand = 0;
  for (const Role role : {Role::input, Role::output}) {
    for (std::size_t i = 0; i < program_.buffers.size(); i++) {
      const Buffer& buffer = program_.buffers[i];
      if (buffer.role != role) continue;
      compiled_.buffers[i] = {Placed::In::operand, operand++, 0, buffer.shared ? 0 : buffer.size,
                              buffer.shared_output()};
    }
  }
  for (std::size_t i = 0; i < program_.buffers.size(); i++) {
    const Buffer& buffer = program_.buffers[i];
    if (buffer.role == Role::constant) compiled_.buffers[i] = {Placed::In::constants, 0, buffer.offset, 0};
    if (buffer.role != Role::scratch) continue;
    compiled_.buffers[i] = buffer.local() ? Placed{Placed::In::local, 0, buffer.offset, compiled_.local}
                                          : Placed{Placed::In::scratch, 0, buffer.offset, compiled_.scratch};
  }
  for (const Buffer& buffer : program_.buffers) count(buffer.size);
  count(compiled_.scratch), count(compiled_.local), count(Index(program_.constants.size()));
}

void Compiler::add_op(Kind kind, std::size_t index, std::size_t out) {
  std::vector<Access> accesses = accesses_of(current_);
  bool barrier = false;
  for (const Access& each : accesses)
    barrier |= std::any_of(since_.begin(), since_.end(), [&](const Access& before) { return meet(before, each); });
  if (barrier) since_.clear();
  since_.insert(since_.end(), accesses.begin(), accesses.end());
  tables_.ops.push_back({kind, std::uint32_t(index), barrier, compiled_.buffers[out].shared_output});
  for (const Access& each : accesses) uses_[each.buffer]++, compiled_.buffers[each.buffer].direct = false;
  if (fits_ && program_.buffers[out].role == Role::output && !program_.buffers[out].shared)
    compiled_.buffers[out].direct = uses_[out] == 1 && sets_rows(tables_.ops.back());
}

// Whether an instruction sets what it writes, by vectors of which two or more lie side by side.
bool Compiler::sets_rows(const OpCode& op) const {
  if (op.kind == Kind::product) {
    const ProductCode& product = tables_.products[op.index];
    return product.set && product.vector > 1 && product.cols >= 2 * product.vector;
  }
  if (op.kind == Kind::move) {
    const MoveCode& move = tables_.moves[op.index];
    return move.set && move.vector > 1 && tables_.loops[move.loops + move.parallel - 1].extent.divisor > 1;
  }
  if (op.kind != Kind::orbit) return false;
  const OrbitCode& orbit = tables_.orbits[op.index];
  return orbit.inverse && orbit.set && orbit.vector > 1 && orbit.per_loops.divisor > 1;
}

void Compiler::add(const Zero& zero) {
  ZeroCode code{};
  code.out = at(zero.out, zero.base);
  code.stride = narrow(zero.rows > 1 ? zero.stride : 0);
  code.vector = vector_of(zero.count, {code.out}, {Index(code.stride)});
  const Index vectors = zero.count / Index(code.vector);
  code.work = count(saturating_multiply(zero.rows, vectors));
  // A shared output starts as zero.
  if (compiled_.buffers[zero.out].shared_output) code.work = 0;
  code.per_item = divider(std::max(code.work, 1u));
  code.count = divider(std::max(count(vectors), 1u));
  tables_.zeros.push_back(code);
  add_op(Kind::zero, tables_.zeros.size() - 1, zero.out);
}

void Compiler::add(const Strided& strided) {
  MoveCode code{};
  code.out = at(strided.out, strided.out_base), code.in = at(strided.in, strided.in_base);
  code.scale = strided.scale, code.set = strided.set;
  add_move(code, strided.loops, {{0, 0, 1}});
  add_op(Kind::move, tables_.moves.size() - 1, strided.out);
}

void Compiler::add(const Gather& gather) {
  MoveCode code{};
  code.out = at(gather.out, gather.out_base), code.in = at(gather.in, gather.in_base);
  code.scale = gather.scale;
  const auto first = program_.table.begin() + std::ptrdiff_t(gather.first);
  add_move(code, gather.loops, {first, first + std::ptrdiff_t(gather.count)});
  add_op(Kind::move, tables_.moves.size() - 1, gather.out);
}

void Compiler::add_move(MoveCode code, const std::vector<Loop>& loops, const std::vector<Entry>& entries) {
  // Entries by output, each output's in the order in which they came.
  std::map<Index, std::vector<Entry>> groups;
  for (const Entry& entry : entries) groups[entry.out].push_back(entry);
  code.groups = std::uint32_t(tables_.groups.size()), code.group_count = count(Index(groups.size()));
  std::vector<Index> strides;
  for (const auto& [out, members] : groups) {
    GroupCode group{narrow(out), std::uint32_t(tables_.entries.size()), 0};
    for (const Entry& entry : members) {
      tables_.entries.push_back({narrow(entry.in), float(entry.sign)});
      strides.insert(strides.end(), {entry.out, entry.in});
    }
    group.end = std::uint32_t(tables_.entries.size());
    tables_.groups.push_back(group);
  }

  std::vector<Loop> parallel, reduced;
  for (const Loop& loop : loops) (is_parallel(loop) ? parallel : reduced).push_back(loop);
  std::vector<Index> outs;
  for (const auto& [out, members] : groups) outs.push_back(out);
  code.serial = outs.size() < 2 ? !is_injective(parallel) : !is_injective(parallel, outs);
  if (code.serial) reduced = loops, parallel.clear();
  parallel = merge(parallel), reduced = merge(reduced);
  code.vector = 1;
  if (!parallel.empty() && parallel.back().out == 1 && parallel.back().in == 1 && !parallel.back().alternate) {
    for (std::size_t i = 0; i + 1 < parallel.size(); i++)
      strides.insert(strides.end(), {parallel[i].out, parallel[i].in});
    for (const Loop& loop : reduced) strides.push_back(loop.in);
    code.vector = vector_of(parallel.back().extent, {code.out, code.in}, strides);
  }
  if (code.vector > 1) {
    Loop& last = parallel.back();
    last.extent /= code.vector, last.out = last.in = code.vector;
  }
  Index work = Index(groups.size()), settings = 1;
  for (const Loop& loop : parallel) work = saturating_multiply(work, loop.extent);
  if (reduced.empty()) reduced.push_back({1, 0, 0, false, 0});
  for (std::size_t i = 0; i + 1 < reduced.size(); i++) settings = saturating_multiply(settings, reduced[i].extent);
  code.work = count(work), code.settings = count(settings);
  code.per_item = divider(std::max(code.work, 1u));
  code.loops = std::uint32_t(tables_.loops.size());
  code.parallel = std::uint32_t(parallel.size()), code.reduced = std::uint32_t(reduced.size());
  for (const std::vector<Loop>* each : {&parallel, &reduced})
    for (const Loop& loop : *each)
      tables_.loops.push_back({divider(count(loop.extent)), narrow(loop.out), narrow(loop.in), loop.alternate});
  list_places(code, parallel);
  tables_.moves.push_back(code);
}

void Compiler::list_places(MoveCode& code, const std::vector<Loop>& parallel) {
  Index places = 1;
  for (const Loop& loop : parallel) places = saturating_multiply(places, loop.alternate ? kMost : loop.extent);
  if (parallel.size() < 2 || code.group_count != 1 || places > kMostPlaces || !fits_) return;
  code.places = std::uint32_t(tables_.numbers.size()), code.listed = std::uint32_t(places);
  for (const bool out : {true, false}) {
    for (Index place = 0; place < places; place++) {
      Index rest = place, at = 0;
      for (auto loop = parallel.rbegin(); loop != parallel.rend(); loop++) {
        at += rest % loop->extent * (out ? loop->out : loop->in);
        rest /= loop->extent;
      }
      tables_.numbers.push_back(narrow(at));
    }
  }
}

std::int32_t Compiler::lambda_of(std::size_t buffer) const {
  return program_.buffers[buffer].local() ? std::int32_t(program_.buffers[buffer].lambda) : -1;
}

void Compiler::add(const Mix& mix) {
  const bool forward = mix.form == MixForm::forward;
  const At a = at(mix.a, mix.a_base), b = at(mix.b, mix.b_base), c = at(mix.c, mix.c_base);
  const Index a_row = mix.rows > 1 ? mix.a_stride : mix.inner, c_row = mix.rows > 1 ? mix.c_stride : mix.cols;
  if (mix.form == MixForm::weight) {
    WeightsCode code{};
    code.left = a, code.right = c, code.out = b;
    code.left_row = narrow(a_row), code.right_row = narrow(c_row), code.out_row = narrow(mix.b_stride);
    code.rows = count(mix.rows), code.inner = count(mix.inner), code.cols = count(mix.cols), code.set = mix.set;
    code.serial = mix.inner > 1 && mix.b_stride < mix.cols;
    code.lambda = lambda_of(mix.a);
    code.vector = vector_of(mix.cols, {c, b}, {c_row, mix.b_stride});
    const Index per_row = mix.cols / Index(code.vector);
    code.work = count(saturating_multiply((mix.inner + kWeightRows - 1) / kWeightRows, per_row));
    code.per_row = divider(std::max(count(per_row), 1u)), code.per_item = divider(std::max(code.work, 1u));
    tables_.weights.push_back(code);
    return add_op(Kind::weights, tables_.weights.size() - 1, mix.b);
  }
  ProductCode code{};
  code.left = forward ? a : c, code.right = b, code.out = forward ? c : a;
  code.left_row = narrow(forward ? a_row : c_row), code.out_row = narrow(forward ? c_row : a_row);
  code.right_k = forward ? narrow(mix.b_stride) : 1, code.right_j = forward ? 1 : narrow(mix.b_stride);
  code.rows = count(mix.rows), code.set = mix.set;
  code.inner = count(forward ? mix.inner : mix.cols), code.cols = count(forward ? mix.cols : mix.inner);
  code.serial = mix.rows > 1 && code.out_row < std::int32_t(code.cols);
  code.own = compiled_.buffers[mix.b].step != 0;
  code.lambda = lambda_of(mix.a);
  code.left_vector = vector_of(code.inner, {code.left}, {code.left_row}) > 1;
  code.vector = code.serial ? 1 : vector_of(code.cols, {code.out}, {code.out_row});
  // Right is read by vectors too where its columns lie side by side, else one by one.
  if (code.right_j == 1) code.vector = std::min(code.vector, vector_of(code.cols, {code.right}, {code.right_k}));
  if (code.own && vector_ != 4) code.vector = 1;  // kernels have no other of float64, see run_product
  code.pairs = code.vector == 4 && !code.own && code.right_j == 1 && code.cols >= 2 * code.vector;
  code.col_blocks = code.pairs ? (code.cols / code.vector + 1) / 2 : code.cols / code.vector;
  code.per_row = divider(std::max(code.col_blocks, 1u)), code.per_item = divider(std::max(code.rows, 1u));
  code.per_tile = divider(std::max((code.cols + 63) / 64, 1u));
  tables_.products.push_back(code);
  add_op(Kind::product, tables_.products.size() - 1, forward ? mix.c : mix.a);
}

namespace {
template <class Row>
std::uint32_t append(std::vector<char>& bytes, const std::vector<Row>& rows) {
  const std::size_t at = std::size_t(round_up(Index(bytes.size()), 16)), size = rows.size() * sizeof(Row);
  bytes.resize(at + size);
  if (size > 0) std::memcpy(bytes.data() + at, rows.data(), size);
  return std::uint32_t(at);
}
}  // namespace

std::int64_t Compiler::work_of(const OpCode& op) const {
  switch (op.kind) {
    case Kind::zero:
      return tables_.zeros[op.index].work;
    case Kind::move:
      return tables_.moves[op.index].work;
    case Kind::product:
      return std::int64_t(tables_.products[op.index].rows) * tables_.products[op.index].col_blocks;
    case Kind::weights:
      return tables_.weights[op.index].work;
    case Kind::orbit:
      break;
  }
  return tables_.orbits[op.index].work;
}

void Compiler::finish() {
  std::vector<char>& bytes = compiled_.code;
  bytes.assign(sizeof(CodeTables), 0);
  const CodeTables code{
      append(bytes, tables_.ops),        append(bytes, tables_.zeros),        append(bytes, tables_.moves),
      append(bytes, tables_.products),   append(bytes, tables_.weights),      append(bytes, tables_.orbits),
      append(bytes, tables_.loops),      append(bytes, tables_.groups),       append(bytes, tables_.entries),
      append(bytes, tables_.lambdas),    append(bytes, tables_.compositions), append(bytes, tables_.rows),
      append(bytes, tables_.terms),      append(bytes, tables_.lists),        append(bytes, tables_.shapes),
      append(bytes, tables_.sections),   append(bytes, tables_.numbers),      append(bytes, tables_.words),
      std::uint32_t(tables_.ops.size()), std::uint32_t(bytes.size())};
  std::memcpy(bytes.data(), &code, sizeof(code));
  compiled_.ops = tables_.ops;
  compiled_.constants = tables_.constants;
}

void Compiler::find_terms() {
  taken_.assign(program_.instructions.size(), false);
  for (const Section& section : program_.sections)
    each_term(program_, section, [&](std::size_t orbit, std::size_t strided, OrbitTerm term) {
      terms_[orbit].push_back(std::move(term));
      return taken_[strided] = true;
    });
}

Status Compiler::run() {
  place();
  find_terms();
  tables_.constants = program_.constants;
  std::vector<std::size_t> op_of;  // by instruction, the next one that was not taken
  for (current_ = 0; current_ < program_.instructions.size(); current_++) {
    op_of.push_back(tables_.ops.size());
    if (!taken_[current_]) std::visit([this](const auto& each) { add(each); }, program_.instructions[current_]);
  }
  op_of.push_back(tables_.ops.size());
  for (const OpCode& op : fits_ ? tables_.ops : std::vector<OpCode>()) {
    compiled_.work.push_back(work_of(op));
    compiled_.widest = std::max(compiled_.widest, compiled_.work.back());
  }
  for (const Section& section : program_.sections)
    if (fits_ && can_box(section, op_of[section.first])) add_section(section, op_of[section.first]);
  if (fits_) finish();
  if (fits_ && compiled_.code.size() <= std::size_t(kMost)) return {};
  return Status::error(Code::invalid_argument,
                       "cuda: expected an item and its tables to have less than 2^31 elements, received more");
}

std::size_t Compiled::together(std::size_t op) const {
  std::size_t end = op + 1;
  const auto in_box = [this](std::size_t i) {
    return std::any_of(sections.begin(), sections.end(),
                       [i](const CompiledSection& each) { return each.first <= i && i < each.end; });
  };
  while (end < ops.size() && end < op + kMostTogether && ops[end].kind == ops[op].kind && !ops[end].barrier &&
         !ops[end].sums_items && !ops[op].sums_items && !in_box(end))
    end++;
  return end - op;
}

Status compile(const Program& program, int element_bytes, std::int64_t box_elements, Compiled& compiled) {
  return Compiler(program, element_bytes, box_elements, compiled).run();
}

}  // namespace brauer::cuda
