#pragma once

#include <cstdint>

#include "cuda/device.h"
#include "cuda/divide.h"

namespace brauer::cuda {

inline constexpr int kRowThreads = 256;
// Elements that a warp moves at a time.
inline constexpr std::int64_t kRowPiece = 1024;

// Rows that lie one after the other in one array, item by item, and in another at items[i] + rows[r]; `row` elements
// each.
struct RowMove {
  const void* from;
  void* to;
  const std::int64_t* items;
  const std::int64_t* rows;
  std::int64_t row;
  std::uint32_t jobs;     // pieces of all rows
  std::uint32_t spreads;  // 1: `to` is where the rows lie apart; 0: `from` is
  Divider pieces_of_row, rows_of_item;
};

// Each move by `blocks` blocks.
struct RowArguments {
  const RowMove* moves;
  Divider blocks;
};

// element_bytes: 2 or 4.
Kernel rows_kernel(int element_bytes);

}  // namespace brauer::cuda
