#pragma once

#include <vector>

#include "core/box.h"
#include "core/terms.h"
#include "cpu/tile.h"

namespace brauer {

// The multi-indices of one composition in a box, as the kernel takes them. Strands and terms are counted from the
// corner of the box, so that boxes of one shape share their runs.
struct OrbitRuns {
  std::vector<Index> steps, strands_at, rows_at, terms_at;
};

// Runs of the boxes that a thread has met lately.
class RunsCache {
 public:
  struct Entry {
    std::uint64_t plan = 0;
    Index lengths[kMaxStrands];
    int d, same;
    std::vector<OrbitRuns> runs;
  };

  // The entry of a plan's boxes of that shape; with `plan` 0 when it is still to be filled.
  Entry& find(std::uint64_t plan, const Box& box);

 private:
  std::vector<Entry> entries_;
  std::size_t oldest_ = 0;
};

// What an orbit instruction needs beside its fields: its loops merged, the contiguous ones as a run of channels, and
// where the matrix of each composition starts.
struct OrbitPlan {
  std::uint64_t id = 0;  // of all plans of the process, from 1 on
  Index channels = 1;
  std::vector<OrbitLoop> loops;
  std::vector<std::size_t> matrices;  // by code, in the constants
  Index largest = 1;                  // rows of the largest matrix
  std::vector<OrbitTerm> terms;
  // By code: the terms of each row, those of row k end at term_end[k + 1].
  struct RowTerms {
    std::vector<int> end;
    std::vector<std::pair<std::size_t, Index>> which;  // a term, and its step from one multi-index of a run to the next
  };
  std::vector<RowTerms> row_terms;
  // By code, of all multi-indices, where they are few; else they are made for each box.
  std::vector<OrbitRuns> whole;
};

OrbitPlan plan_orbit(const Orbit& orbit);

// Takes over a term if it can; to be called before `complete_orbit`.
bool take_term(OrbitPlan& plan, OrbitTerm term);
void complete_orbit(const Orbit& orbit, OrbitPlan& plan);

// Appends the lines of a box of its strands.
template <class T>
void box_spans(const Orbit& orbit, const OrbitPlan& plan, const T* strands, const Box& box,
               std::vector<Ahead::Span>& spans);

// The orbit instruction over the multi-indices of a box, or of all (null); the rows of the box are numbered from 0.
template <class T>
void run_orbit(const Orbit& orbit, const OrbitPlan& plan, Tile<T>& tile, const Box* box);

}  // namespace brauer
