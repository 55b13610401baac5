/* rows.cu   packed[(i·R + r)·row + c] = spread[items[i] + rows[r] + c], or back

   one warp per piece of a row, the warps of a few blocks strided over the pieces of a move */
#include "cuda/kernels/rows.h"

#include "cuda/kernel.h"

namespace brauer::cuda {
namespace {

template <class Word>
BRAUER_KERNEL(kRowThreads, 4)
void rows(RowArguments a) {
  const auto number = quotient(a.blocks, std::uint32_t(block_index()));
  const auto block = std::uint32_t(block_index()) - number * a.blocks.divisor;
  const auto warps = std::uint32_t(thread_count()) / 32, lane = std::uint32_t(thread_index()) % 32;
  const RowMove move = a.moves[number];
  for (std::uint32_t job = block * warps + std::uint32_t(thread_index()) / 32; job < move.jobs;
       job += a.blocks.divisor * warps) {
    const std::uint32_t line = quotient(move.pieces_of_row, job);
    const std::uint32_t item = quotient(move.rows_of_item, line);
    const std::int64_t first = std::int64_t(job - line * move.pieces_of_row.divisor) * kRowPiece;
    const std::int64_t packed = std::int64_t(line) * move.row;
    const std::int64_t spread = move.items[item] + move.rows[line - item * move.rows_of_item.divisor];
    Word* const to = static_cast<Word*>(move.to) + (move.spreads != 0 ? spread : packed);
    const Word* const from = static_cast<const Word*>(move.from) + (move.spreads != 0 ? packed : spread);
    const std::int64_t end = first + kRowPiece < move.row ? first + kRowPiece : move.row;
    for (std::int64_t c = first + lane; c < end; c += 32) to[c] = from[c];
  }
}

}  // namespace

Kernel rows_kernel(int element_bytes) {
  return element_bytes == 2 ? kernel_of("rows", rows<std::uint16_t>) : kernel_of("rows", rows<std::uint32_t>);
}

}  // namespace brauer::cuda
