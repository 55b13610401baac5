#pragma once

#include <memory>

#include "core/backend.h"
#include "cpu/kernels.h"

namespace brauer {

// What `load` takes from the machine and the environment; tests choose it.
struct ExecutorOptions {
  const KernelTable* kernels;
  double tile_bytes;                // scratch and operands of one tile, also of one box
  int threads;                      // of a run that asks for the default
  std::int64_t expected_batch = 1;  // items of a usual run
  double parallel_work = 1 << 14;   // of a run below which it keeps to one thread; see Op::work
};

std::unique_ptr<Executable> load(const double* words, std::size_t count, Dtype dtype, const ExecutorOptions& options,
                                 Status& status) noexcept;

}  // namespace brauer
