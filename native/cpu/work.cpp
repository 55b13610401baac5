#include "cpu/work.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace brauer {
namespace {

struct Counter {
  const Compiled& code;
  WorkCounts& work;

  double vectors(double elements) const { return std::ceil(elements / double(code.width)); }

  void count(const Op&, const Zero& zero) const { work.moves += double(zero.rows) * vectors(double(zero.count)); }

  void count(const Op& op, const Strided&) const { work.moves += nest(*op.nest); }

  void count(const Op& op, const Gather& gather) const { work.moves += nest(*op.nest) * double(gather.count); }

  // Rows of a nest in vectors; elements where they do not lie side by side.
  double nest(const Nest& nest) const {
    const double elements = volume(nest), run = double(nest.run.extent);
    if (nest.across) return vectors(elements);
    const bool solid = nest.run.out == 1 && (nest.run.in == 1 || nest.run.in == 0);
    if (solid) return elements / run * vectors(run);
    // Squares are transposed in registers, with twice the vectors.
    for (int i = 0; i < nest.outer_count; i++)
      if (nest.run.out == 1 && nest.outer[i].in == 1) return 2 * vectors(elements);
    return elements;
  }

  void count(const Op&, const Mix& mix) const {
    const double rows = double(mix.rows), inner = double(mix.inner), cols = double(mix.cols);
    if (mix.lanes > 1) {
      work.products += rows * inner * cols * vectors(double(mix.lanes));
      work.sums += rows * (mix.form == MixForm::forward ? cols : inner) * vectors(double(mix.lanes));
    } else if (mix.form == MixForm::forward) {
      product_by_rows(rows, inner, cols);
    } else if (mix.form == MixForm::input) {
      product_by_rows(rows, cols, inner);
    } else {
      product(inner, rows, cols);
    }
  }

  // Few columns are summed in the lanes of vectors along the rows.
  void product_by_rows(double rows, double inner, double cols) const {
    if (cols > 1 && cols * double(kDotPart) > double(code.width)) return product(rows, inner, cols);
    work.products += rows * cols * vectors(inner);
    work.sums += rows * cols * std::ceil(inner / 256);
  }

  void product(double rows, double inner, double cols) const {
    work.products += rows * inner * vectors(cols);
    work.sums += rows * vectors(cols) * std::ceil(inner / 256);
  }

  void count(const Op& op, const Orbit& orbit) const {
    const OrbitPlan& plan = *op.orbit;
    double settings = 1;
    for (const OrbitLoop& loop : plan.loops) settings *= double(loop.extent);
    const double row = settings * vectors(double(plan.channels));
    for (int c = 0; c < codes(orbit.d); c++) {
      const double m = double(rearrangements(c, orbit.d)), indices = double(choose(orbit.n, parts(c)));
      work.rows += indices * m * row;
      work.transforms += indices * m * m * row;
      work.moves += indices * double(plan.row_terms[std::size_t(c)].which.size()) * row;
      // The last value runs within a call of the kernel.
      work.runs += settings * (parts(c) > 1 ? double(choose(orbit.n, parts(c) - 1)) : 1);
    }
  }
};

// Elements of a buffer that an instruction reads or writes.
struct Touched {
  std::size_t buffer;
  double elements;
};

std::vector<Touched> touched(const Op& op) {
  struct Visitor {
    const Op& op;
    std::vector<Touched> operator()(const Zero& zero) const {
      return {{zero.out, double(zero.rows) * double(zero.count)}};
    }
    std::vector<Touched> operator()(const Strided& strided) const {
      return {{strided.in, volume(*op.nest)}, {strided.out, volume(*op.nest)}};
    }
    std::vector<Touched> operator()(const Gather& gather) const {
      const double elements = volume(*op.nest) * double(gather.count);
      return {{gather.in, elements}, {gather.out, elements}};
    }
    std::vector<Touched> operator()(const Mix& mix) const {
      const double rows = double(mix.rows) * double(mix.lanes);
      return {{mix.a, rows * double(mix.inner)}, {mix.c, rows * double(mix.cols)}};
    }
    std::vector<Touched> operator()(const Orbit& orbit) const {
      double elements = double(op.orbit->channels) * std::pow(double(orbit.n), orbit.d);
      for (const OrbitLoop& loop : op.orbit->loops) elements *= double(loop.extent);
      std::vector<Touched> all = {{orbit.strands, elements}};
      for (const OrbitRows& rows : orbit.lambdas) all.push_back({rows.buffer, elements});
      return all;
    }
  };
  return std::visit(Visitor{op}, *op.source);
}

}  // namespace

double far_elements(const Compiled& code, double near) {
  double sum = 0;
  for (const Op& op : code.ops) {
    if (op.fused) continue;
    for (const Touched& each : touched(op)) {
      const Buffer& buffer = code.program.buffers[each.buffer];
      // What boxes hold for themselves stays in the cache, and what the items share mostly does.
      if (buffer.shared || buffer.section >= 0 || double(buffer.size) <= near) continue;
      sum += std::min(each.elements, double(buffer.size));
    }
  }
  return sum;
}

WorkCounts item_work(const Compiled& code) {
  WorkCounts work{};
  const Counter counter{code, work};
  for (const Op& op : code.ops) {
    if (op.fused) continue;
    work.steps++;
    std::visit([&](const auto& instruction) { counter.count(op, instruction); }, *op.source);
  }
  if (code.lanes > 1) work.moves += 2 * counter.vectors(code.operand_size);
  return work;
}

}  // namespace brauer
