#pragma once

#include <cstddef>
#include <cstdint>

#include "core/status.h"

// Memory as executors and arrays take it. What is given back is kept for whoever asks next: a device that is asked for
// memory, or gets it back, first finishes all that it does. How much is kept, and of what else one may know, is in
// core/cuda.h.
namespace brauer::cuda {

// Aligned to 256 bytes, contents undefined; null for no bytes. `out_of_memory` past the limit of the device, or where
// it has no more: then nothing is kept any longer.
Status take(int device, std::size_t bytes, void*& memory);
// Work that used it is done. Null is allowed.
void give(int device, void* memory);

// The same of memory of the host that is pinned.
Status take_pinned(std::size_t bytes, void*& memory);
void give_pinned(void* memory);

// What may still be taken before the limit, 2^62 where there is none.
std::int64_t available(int device);

}  // namespace brauer::cuda
