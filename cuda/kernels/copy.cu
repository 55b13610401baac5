/* copy.cu   to[i] = from[i]

   one block per run of 4 vectors of 16 bytes for each thread, the blocks strided over the array */
#include "cuda/kernel.h"
#include "cuda/kernels/copy.h"

namespace brauer::cuda {
namespace {

using Word = Vector<std::uint32_t, 4>;
constexpr int kThreads = 256, kUnroll = 4;

struct CopyArgument {
  Word* to;
  const Word* from;
  std::int64_t words;
};

BRAUER_KERNEL(kThreads, 4) void copy_kernel(CopyArgument argument) {
  const std::int64_t step = block_count() * thread_count() * kUnroll;
  for (std::int64_t first = block_index() * thread_count() * kUnroll + thread_index(); first < argument.words;
       first += step) {
    // All loads before all stores: four are in flight.
    Word words[kUnroll];
    BRAUER_UNROLL
    for (int i = 0; i < kUnroll; ++i)
      if (const std::int64_t at = first + i * thread_count(); at < argument.words) words[i] = argument.from[at];
    BRAUER_UNROLL
    for (int i = 0; i < kUnroll; ++i)
      if (const std::int64_t at = first + i * thread_count(); at < argument.words) argument.to[at] = words[i];
  }
}

}  // namespace

Kernel copy_kernel_of_device() { return kernel_of("copy", copy_kernel); }

Status launch_copy(Stream* stream, void* to, const void* from, std::size_t bytes, std::int64_t blocks) {
  if (bytes == 0) return {};
  const CopyArgument argument = {static_cast<Word*>(to), static_cast<const Word*>(from),
                                 static_cast<std::int64_t>(bytes / sizeof(Word))};
  return launch(stream, copy_kernel_of_device(), {blocks, kThreads, 0}, &argument);
}

}  // namespace brauer::cuda
