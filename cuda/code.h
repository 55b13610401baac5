#pragma once

#include <cstdint>

#include "cuda/divide.h"

// A program as kernels read it: tables of plain structs in one block of memory, made once per program by
// cuda/compile.h. Strides, bases and places are in elements and fit 32 bits within an item; items lie further apart.
namespace brauer::cuda {

enum class Kind : std::uint32_t { zero, move, product, weights, orbit };

// An instruction: which of the table of its kind. barrier: it touches what an earlier one wrote, or writes what one
// read, since the last barrier.
struct OpCode {
  Kind kind;
  std::uint32_t index;
  std::uint32_t barrier;
  std::uint32_t sums_items;  // its output is shared: it adds over the items
};

// One operand: element `base` of a buffer.
struct At {
  std::uint32_t buffer;
  std::int32_t base;
};

// rows × count zeros, `stride` apart.
struct ZeroCode {
  At out;
  std::int32_t stride;
  std::uint32_t vector;  // elements that are written at once
  std::uint32_t work;    // of an item, in vectors
  Divider per_item, count;
};

struct LoopCode {
  Divider extent;
  std::int32_t out, in;
  std::uint32_t alternate;
};

// The entries [first, end) of a group add to one output: in += `in`, times `sign`.
struct GroupCode {
  std::int32_t out;
  std::uint32_t first, end;
};
struct EntryCode {
  std::int32_t in;
  float sign;
};

// `strided` and `gather`: out[base + group + Σ t·out] (+)= scale · Σ over the group's entries and the reduced loops.
// The elements that one worker writes are an output of `parallel` loops, the innermost one last, by vectors.
struct MoveCode {
  At out, in;
  double scale;
  std::uint32_t set;
  std::uint32_t vector;  // elements that are moved at once
  std::uint32_t serial;  // settings of the loops may meet in an element: one worker per item takes all in order
  std::uint32_t work;    // outputs of an item, in vectors
  Divider per_item;      // by work
  std::uint32_t loops;   // first of `parallel`, then `reduced`, in the table
  std::uint32_t parallel, reduced;
  std::uint32_t settings;  // of the reduced loops but the last
  std::uint32_t groups, group_count;
  std::uint32_t places, listed;  // numbers: where each of so many settings of the parallel loops leads, out and then in
};

// out[r, j] (+)= Σ_k left[r, k] · right[k, j]; the rows of all items are one list where `right` is the same for all.
struct ProductCode {
  At left, right, out;
  std::int32_t left_row, right_k, right_j, out_row;
  std::uint32_t rows, inner, cols;
  std::uint32_t set;
  std::uint32_t serial;       // rows of out overlap
  std::uint32_t own;          // each item has a `right` of its own
  std::uint32_t left_vector;  // rows of left may be read by vectors
  std::int32_t lambda;        // whose rows these are, in a box; -1: not of one
  std::uint32_t vector;       // columns of right and out
  std::uint32_t pairs;        // a worker takes two vectors of columns
  std::uint32_t col_blocks;   // vectors of columns, or pairs of them
  Divider per_row, per_item;  // by col_blocks, by rows
  Divider per_tile;           // by the 64 columns that a warp takes at once on tensor cores
};

// out[k, j] (+)= Σ_r left[r, k] · right[r, j].
struct WeightsCode {
  At left, right, out;
  std::int32_t left_row, right_row, out_row;
  std::uint32_t rows, inner, cols;
  std::uint32_t set, serial;
  std::int32_t lambda;
  std::uint32_t vector;
  std::uint32_t work;  // blocks of kWeightRows rows and a vector of columns of out
  Divider per_row, per_item;
};

inline constexpr int kMaxD = 8;

struct LambdaCode {
  At rows;
  std::int32_t row_stride, unit_stride;
  std::uint32_t dimension;
};

// A composition: its rearrangements, its matrix and how many copies of each lambda it has.
struct CompositionCode {
  std::uint32_t columns;
  std::uint32_t words;   // first of columns · d bytes: the place in the ascending index that strand p takes
  std::uint32_t rows;    // first of as many rows, in the order of the matrix
  std::uint32_t matrix;  // in the constants
  std::uint32_t kostka;  // first of a number per lambda
  std::uint32_t terms;  // column c adds the terms whose numbers stand from numbers[terms + c] to numbers[terms + c + 1]
};
struct RowCode {
  std::uint32_t lambda;
  std::int32_t offset;  // of the copy and the unit
};

// What an inverse orbit adds to its strands: scale · in[base + Σ strides · values], see core/terms.h.
struct TermCode {
  At in;
  std::int32_t strides[kMaxD];
  double scale;
};

// The multi-indices of one composition, in lexicographic order. What a multi-index needs, its record, are numbers: a
// place on the strands for each column, one for each term of a column, then one in the rows for each row. Number i of
// multi-index m is numbers[first + i·count + m]: lanes side by side read side by side.
struct ListCode {
  std::uint32_t start, end;  // places: one for each multi-index, or for each of its `chunks`
  std::uint32_t first, count;
  std::uint32_t columns;
  Divider chunks;        // of kChunk sums each, where there are too many columns for the registers of one worker
  std::uint32_t matrix;  // in the constants; for chunks kChunk factors for each column, chunk after chunk
  std::uint32_t rows;    // the number of a record with which its rows begin
  std::uint32_t corner;  // in a box's corners, of which there are as many as numbers before the rows
  std::uint32_t starts;  // numbers: of each column where its terms begin in a record, and where the last one's end
  std::uint32_t scales;  // in the constants, of the terms of a record
};
inline constexpr int kChunk = 12;
// Columns whose sums one worker has in registers all at once.
BRAUER_BOTH bool has_direct(std::uint32_t columns) { return columns <= 4 || columns == 6; }

// The transform over strands, see lib/program/program.ts.
struct OrbitCode {
  At strands;
  At rows, added;  // what records count from: the rows of the first lambda, the first term
  std::int32_t strides[kMaxD];
  std::uint32_t inverse, set, serial, vector;
  std::uint32_t d, n;
  std::uint32_t lists, list_count;      // one per composition that occurs, those of most columns first; none: the rest
  std::uint32_t number;                 // of the orbits of its section
  std::uint32_t lambdas, lambda_count;  // in the table
  std::uint32_t compositions;           // first of 2^(d-1)
  std::uint32_t terms, term_count;
  std::uint32_t loops, loop_count;  // LoopCode: out = stride of the strands, in = first of a stride per lambda
  std::uint32_t indices;            // of d > 2: first of a record per ascending multi-index
  Divider per_loops;                // by the settings of the loops
  std::uint32_t work;
  Divider per_item;
};

// Boxes (core/box.h) whose multi-indices and rows are numbered alike.
struct ShapeCode {
  std::uint32_t orbits;  // numbers: for each orbit of the section its first list and how many there are
  std::uint32_t rows;    // first of a number of rows per lambda
};
// Instructions [first, end) that run box by box.
struct SectionCode {
  std::uint32_t first, end;
  // Numbers: the shape of each box, then for each orbit where its corners begin in the numbers, or -1. A corner is the
  // place from which a record counts; there are none where each box has a shape, and lists, of its own.
  std::uint32_t boxes, box_count;
  std::uint32_t shapes, orbits;
};

// Where the tables begin, in bytes from this header.
struct CodeTables {
  std::uint32_t ops, zeros, moves, products, weights, orbits;
  std::uint32_t loops, groups, entries, lambdas, compositions, rows, terms, lists, shapes, sections;
  std::uint32_t numbers;  // std::int32_t: strides, Kostka numbers, records of multi-indices
  std::uint32_t words;    // std::uint8_t
  std::uint32_t op_count, bytes;
};

template <class Row>
BRAUER_BOTH const Row* table(const CodeTables* code, std::uint32_t at) {
  return reinterpret_cast<const Row*>(reinterpret_cast<const char*>(code) + at);
}

inline constexpr int kWeightRows = 4;
inline constexpr std::uint32_t kMostTogether = 16;  // instructions of one launch

}  // namespace brauer::cuda
