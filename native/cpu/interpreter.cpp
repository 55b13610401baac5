#include "cpu/interpreter.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "cpu/mix.h"

namespace brauer {
namespace {

template <class T>
void run_zero(const Zero& zero, Tile<T>& tile) {
  T* out = tile.base[zero.out] + zero.base;
  const bool solid = zero.stride == zero.count || zero.rows == 1;
  for (Index t = 0; t < tile.items; t++, out += tile.step[zero.out]) {
    const Index rows = solid ? 1 : zero.rows, count = solid ? zero.rows * zero.count : zero.count;
    for (Index r = 0; r < rows; r++) {
      if (tile.poll.spend(double(count) / 4)) return;
      std::memset(out + r * zero.stride, 0, std::size_t(count) * sizeof(T));
    }
  }
}

const std::vector<Loop>* loops_of(const Instruction& instruction) {
  if (const auto* strided = std::get_if<Strided>(&instruction)) return &strided->loops;
  if (const auto* gather = std::get_if<Gather>(&instruction)) return &gather->loops;
  return nullptr;
}

}  // namespace

template <class T>
void Interpreter<T>::run_op(std::size_t index, Tile<T>& tile) const {
  const Op& op = code.ops[index];
  if (op.fused) return;
  switch (op.source->index()) {
    case 0:
      // Shared outputs are zeroed once per call by the executor.
      if (!op.shared) run_zero(std::get<Zero>(*op.source), tile);
      return;
    case 1:
      return run_strided(std::get<Strided>(*op.source), *op.nest, tile, 0, 0, false, op.shared);
    case 2:
      return run_gather(std::get<Gather>(*op.source), code.program.table.data(), *op.nest, tile, 0, 0, false,
                        op.shared);
    case 3: {
      const Mix& mix = std::get<Mix>(*op.source);
      return run_mix(mix, transposed[index], op.blas, tile, 0, mix.rows, op.shared);
    }
    default: {
      const Orbit& orbit = std::get<Orbit>(*op.source);
      return run_orbit<T>(orbit, *op.orbit, tile, nullptr);
    }
  }
}

template <class T>
void Interpreter<T>::run_stage(const Stage& stage, Tile<T>& tile) const {
  for (std::size_t i = stage.first; i < stage.first + stage.count && !tile.poll.stopped; i++) run_op(i, tile);
}

// A strided or gather instruction with loop i limited to steps low[i] … high[i] − 1.
template <class T>
void Interpreter<T>::run_loops(const Op& op, const std::vector<Loop>& loops, const Index* low, const Index* high,
                               Tile<T>& tile) const {
  Loop limited[kMaxLoops];
  Index out = 0, in = 0;
  bool negative = false;
  for (std::size_t i = 0; i < loops.size(); i++) {
    limited[i] = loops[i];
    limited[i].extent = high[i] - low[i];
    out += low[i] * loops[i].out, in += low[i] * loops[i].in;
    negative ^= loops[i].alternate && (low[i] & 1);
  }
  const Nest nest = make_nest(limited, loops.size(), tile.kernels->width);
  if (const auto* strided = std::get_if<Strided>(op.source))
    run_strided(*strided, nest, tile, out, in, negative, op.shared);
  else
    run_gather(std::get<Gather>(*op.source), code.program.table.data(), nest, tile, out, in, negative, op.shared);
}

template <class T>
void Interpreter<T>::run_part(std::size_t index, Index part, Index parts, Tile<T>& tile) const {
  const Op& op = code.ops[index];
  const auto range = [&](Index extent) {
    return std::pair<Index, Index>(extent * part / parts, extent * (part + 1) / parts);
  };
  if (const auto* mix = std::get_if<Mix>(op.source)) {
    const auto [first, last] = range(mix->rows);
    return run_mix(*mix, transposed[index], op.blas, tile, first, last - first, op.shared);
  }
  const std::vector<Loop>& loops = *loops_of(*op.source);
  Index low[kMaxLoops] = {}, high[kMaxLoops];
  for (std::size_t i = 0; i < loops.size(); i++) high[i] = loops[i].extent;
  const auto split = std::size_t(op.split);
  std::tie(low[split], high[split]) = range(loops[split].extent);
  if (low[split] < high[split]) run_loops(op, loops, low, high, tile);
}

// What the products of a box fetch: what its inverse orbits will write, and what the next box reads.
template <class T>
Ahead Interpreter<T>::fetch_box(const SectionCode& section, const Blocks& blocks, Index number, const Box& box,
                                Tile<T>& tile) const {
  tile.spans->clear();
  double pieces = 0;
  const auto [first, count, n, d] = section.section;
  const bool next = number + 1 < blocks.boxes();
  const Box after = next ? blocks.box(number + 1) : box;
  for (const bool inverse : {true, false}) {
    for (std::size_t i = first; i < first + count; i++) {
      if (const auto* orbit = std::get_if<Orbit>(code.ops[i].source); orbit && orbit->inverse == inverse) {
        if (inverse || next)
          box_spans<T>(*orbit, *code.ops[i].orbit, tile.base[orbit->strands], inverse ? box : after, *tile.spans);
      } else if (const auto* mix = std::get_if<Mix>(code.ops[i].source); mix && inverse) {
        pieces += box_pieces(*mix, box_rows(box, *section.local(mix->a).kostka));
      }
    }
  }
  double bytes = 0;
  for (const Ahead::Span& span : *tile.spans) bytes += double(span.end - span.next);
  return ahead_of(*tile.spans, bytes / std::max(pieces, 1.0));
}

template <class T>
void Interpreter<T>::run_box(const SectionCode& section, const Blocks& blocks, Index number, Tile<T>& tile) const {
  const Box box = blocks.box(number);
  Ahead ahead = fetch_box(section, blocks, number, box, tile);
  tile.ahead = &ahead;
  for (std::size_t i = section.section.first; i < section.section.first + section.section.count && !tile.poll.stopped;
       i++) {
    const Op& op = code.ops[i];
    if (op.fused) continue;
    if (const auto* orbit = std::get_if<Orbit>(op.source)) {
      run_orbit(*orbit, *op.orbit, tile, &box);
      continue;
    }
    if (const auto* mix = std::get_if<Mix>(op.source)) {
      run_mix(*mix, transposed[i], op.blas, tile, 0, box_rows(box, *section.local(mix->a).kostka), op.shared);
      continue;
    }
    // Every way to give the box's ranges to the strands; a loop of several strands runs where their ranges are one.
    const std::vector<Loop>& loops = *loops_of(*op.source);
    Index lows[kMaxStrands];
    std::copy(box.low, box.low + box.d, lows);
    do {
      Index low[kMaxLoops], high[kMaxLoops];
      bool empty = false;
      for (std::size_t k = 0; k < loops.size(); k++) {
        low[k] = 0, high[k] = loops[k].extent;
        bool driven = false;
        for (int s = 0; s < box.d; s++) {
          if (!(loops[k].strands >> s & 1)) continue;
          empty |= driven && low[k] != lows[s];
          low[k] = lows[s], high[k] = std::min(blocks.n, lows[s] + blocks.length);
          driven = true;
        }
      }
      if (!empty) run_loops(op, loops, low, high, tile);
    } while (std::next_permutation(lows, lows + box.d));
  }
  tile.ahead = nullptr;
}

template struct Interpreter<float>;
template struct Interpreter<double>;

}  // namespace brauer
