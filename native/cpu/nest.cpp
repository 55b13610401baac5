#include "cpu/nest.h"

#include <algorithm>
#include <cstdlib>

namespace brauer {
namespace {

// Elements per kernel call, so that a cancelled run stops within a millisecond.
constexpr double kCallElements = 1 << 20;

Index pieces(double elements) { return elements < kCallElements ? Index(kCallElements / elements) : 1; }

// Loops that alternate come first: the kernels take none.
bool stands_before(const Step& a, const Step& b) {
  return a.alternate != b.alternate ? a.alternate : std::llabs(a.out) > std::llabs(b.out);
}

void insert_sorted(Step* steps, int& count, const Step& step) {
  int at = count++;
  for (; at > 0 && stands_before(step, steps[at - 1]); at--) steps[at] = steps[at - 1];
  steps[at] = step;
}

void insert_sorted(Sum* sums, int& count, const Sum& sum) {
  int at = count++;
  for (; at > 0 && std::llabs(sums[at - 1].in) < std::llabs(sum.in); at--) sums[at] = sums[at - 1];
  sums[at] = sum;
}

void merge_sums(Nest& nest) {
  int kept = 0;
  for (int i = 0; i < nest.sum_count; i++) {
    const Sum sum = nest.sums[i];
    if (kept > 0 && nest.sums[kept - 1].in == sum.in * sum.extent)
      nest.sums[kept - 1] = {nest.sums[kept - 1].extent * sum.extent, sum.in};
    else
      nest.sums[kept++] = sum;
  }
  nest.sum_count = kept;
}

void merge_outer(Nest& nest) {
  int kept = 0;
  for (int i = 0; i < nest.outer_count; i++) {
    const Step& step = nest.outer[i];
    Step* last = kept > 0 ? &nest.outer[kept - 1] : nullptr;
    if (last && !last->alternate && !step.alternate && last->out == step.out * step.extent &&
        last->in == step.in * step.extent)
      *last = {last->extent * step.extent, step.out, step.in, false};
    else
      nest.outer[kept++] = step;
  }
  nest.outer_count = kept;
}

void remove_outer(Nest& nest, int at) {
  std::copy(nest.outer + at + 1, nest.outer + nest.outer_count, nest.outer + at);
  nest.outer_count--;
}

// The loop that makes the longest work of a vector: one source element for many, else contiguous writes, else reads.
int best_run(const Nest& nest) {
  int best = -1, best_rank = 4;
  for (int i = nest.outer_count - 1; i >= 0; i--) {
    const Step& step = nest.outer[i];
    if (step.alternate) continue;
    const int rank = step.out == 1 && step.in == 0 ? 0 : step.out == 1 ? 1 : step.in == 1 ? 2 : 3;
    if (rank < best_rank) best = i, best_rank = rank;
  }
  return best;
}

}  // namespace

Nest make_nest(const Loop* loops, std::size_t count, Index width) {
  Nest nest;
  const Loop* channels = nullptr;  // the free loop of contiguous rows
  for (std::size_t i = 0; i < count; i++) {
    const Loop& loop = loops[i];
    if (loop.extent == 1) continue;
    if (loop.out == 0 && loop.in == 0)
      nest.scale *= loop.alternate ? double(loop.extent & 1) : double(loop.extent);
    else if (loop.alternate)
      insert_sorted(nest.outer, nest.outer_count, {loop.extent, loop.out, loop.in, true});
    else if (loop.out == 0)
      insert_sorted(nest.sums, nest.sum_count, {loop.extent, loop.in});
    else if (!channels && loop.out == 1 && loop.in == 1 && loop.strands == 0)
      channels = &loop;
    else
      insert_sorted(nest.outer, nest.outer_count, {loop.extent, loop.out, loop.in, false});
  }
  if (channels) nest.run.extent = channels->extent;
  merge_sums(nest);
  merge_outer(nest);
  if (nest.sum_count > 0) {
    nest.across = nest.sums[nest.sum_count - 1].in == nest.run.extent && nest.run.extent * 2 <= width;
    if (nest.across) return nest;
  }
  if (!channels) {
    // With sums the run must be contiguous; without, any loop will do.
    const int at = best_run(nest);
    if (at >= 0 && (nest.sum_count == 0 || (nest.outer[at].out == 1 && nest.outer[at].in == 1))) {
      nest.run = nest.outer[at];
      remove_outer(nest, at);
      merge_outer(nest);
    }
  }
  while (nest.outer_count > 0 && nest.run.out == 1 && nest.run.in == 1) {
    const Step& last = nest.outer[nest.outer_count - 1];
    if (last.alternate || last.out != nest.run.extent || last.in != nest.run.extent) break;
    nest.run.extent *= last.extent;
    nest.outer_count--;
  }
  return nest;
}

double volume(const Nest& nest) {
  double elements = double(nest.run.extent);
  for (int i = 0; i < nest.outer_count; i++) elements *= double(nest.outer[i].extent);
  for (int i = 0; i < nest.sum_count; i++) elements *= double(nest.sums[i].extent);
  return elements;
}

namespace {

// out (+)= factor · nest over `items` items.
template <class T>
void run_nest(const Nest& nest, Tile<T>& tile, T* out, const T* in, Index items, Index out_step, Index in_step,
              double factor, bool set) {
  const Kernels<T>& kernels = *tile.kernels;
  Step outer[kMaxLoops + 2];
  int count = nest.outer_count;
  std::copy(nest.outer, nest.outer + count, outer);

  // Two levels for the kernel: the innermost loop and the items, or the two innermost loops of one item.
  Step level1{1, 0, 0, false}, level2{items, out_step, in_step, false};
  if (count > 0 && !outer[count - 1].alternate) level1 = outer[--count];
  if (items == 1 && count > 0 && !outer[count - 1].alternate) level2 = outer[--count];

  double terms = 1;
  for (int i = 0; i < nest.sum_count; i++) terms *= double(nest.sums[i].extent);
  // A call that would take too long is cut: level 2 is stepped through here, level 1 and the run go in pieces. Pieces
  // of level 1 keep enough columns for rows that the kernel joins.
  if (terms * double(nest.run.extent) * double(level1.extent) * double(level2.extent) > kCallElements) {
    outer[count++] = level2;
    level2.extent = 1;
  }
  const Index piece = std::max(pieces(terms), Index(4096));
  const Index piece1 = std::max(pieces(terms * double(nest.run.extent)), (256 + nest.run.extent - 1) / nest.run.extent);
  const double work = std::min(terms, kCallElements) * double(level2.extent);

  Index at[kMaxLoops + 2] = {};
  bool negative = false;
  int reduced = 0;  // loops with out = 0 that are past their first step
  const double scale = nest.scale * factor;
  for (;;) {
    const T signed_scale = T(negative ? -scale : scale);
    const bool overwrite = set && reduced == 0;
    for (Index r = 0; r < level1.extent; r += piece1) {
      const Index rows = std::min(piece1, level1.extent - r);
      for (Index e = 0; e < nest.run.extent; e += piece) {
        const Index extent = std::min(piece, nest.run.extent - e);
        if (tile.poll.spend(work * double(rows) * double(extent))) return;
        T* to = out + r * level1.out + e * nest.run.out;
        const T* from = in + r * level1.in + e * nest.run.in;
        if (nest.sum_count == 0)
          kernels.map({to, from, level2.extent, level2.out, level2.in, rows, level1.out, level1.in, extent,
                       nest.run.out, nest.run.in, signed_scale, overwrite});
        else
          kernels.reduce({to, from, level2.extent, level2.out, level2.in, rows, level1.out, level1.in, extent,
                          nest.sums, nest.sum_count, nest.across, overwrite, signed_scale, tile.poll.stop()});
      }
    }
    int level = count - 1;
    for (; level >= 0; level--) {
      const Step& step = outer[level];
      out += step.out, in += step.in;
      negative ^= step.alternate;
      if (++at[level] < step.extent) {
        if (step.out == 0 && at[level] == 1) reduced++;
        break;
      }
      out -= step.out * step.extent, in -= step.in * step.extent;
      negative ^= step.alternate && (step.extent & 1);
      if (step.out == 0 && step.extent > 1) reduced--;
      at[level] = 0;
    }
    if (level < 0) return;
  }
}

// Over a shared output the items are one more sum, and `set` means that the sum starts anew with the call, as it always
// does.
template <class T>
void run_based(const std::vector<Loop>& loops, const Nest& nest, Tile<T>& tile, std::size_t out_buffer,
               std::size_t in_buffer, Index out_base, Index in_base, double factor, bool set, bool shared) {
  T* out = tile.base[out_buffer] + out_base;
  const T* in = tile.base[in_buffer] + in_base;
  const Index in_step = tile.step[in_buffer];
  if (!shared || tile.items == 1)
    return run_nest(nest, tile, out, in, tile.items, tile.step[out_buffer], in_step, factor, set && !shared);
  Loop all[kMaxLoops + 1];
  all[0] = {tile.items, 0, in_step, false, 0};
  std::copy(loops.begin(), loops.end(), all + 1);
  run_nest(make_nest(all, loops.size() + 1, tile.kernels->width), tile, out, in, 1, 0, 0, factor, false);
}

}  // namespace

template <class T>
void run_strided(const Strided& strided, const Nest& nest, Tile<T>& tile, Index out_shift, Index in_shift,
                 bool negative, bool shared) {
  run_based(strided.loops, nest, tile, strided.out, strided.in, strided.out_base + out_shift,
            strided.in_base + in_shift, negative ? -strided.scale : strided.scale, strided.set, shared);
}

template <class T>
void run_gather(const Gather& gather, const Entry* table, const Nest& nest, Tile<T>& tile, Index out_shift,
                Index in_shift, bool negative, bool shared) {
  for (std::size_t i = gather.first; i < gather.first + gather.count && !tile.poll.stopped; i++) {
    const double scale = gather.scale * double(table[i].sign);
    run_based(gather.loops, nest, tile, gather.out, gather.in, gather.out_base + table[i].out + out_shift,
              gather.in_base + table[i].in + in_shift, negative ? -scale : scale, false, shared);
  }
}

template void run_strided(const Strided&, const Nest&, Tile<float>&, Index, Index, bool, bool);
template void run_strided(const Strided&, const Nest&, Tile<double>&, Index, Index, bool, bool);
template void run_gather(const Gather&, const Entry*, const Nest&, Tile<float>&, Index, Index, bool, bool);
template void run_gather(const Gather&, const Entry*, const Nest&, Tile<double>&, Index, Index, bool, bool);

}  // namespace brauer
