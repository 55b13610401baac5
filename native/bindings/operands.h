#pragma once

#include <node_api.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "bindings/environment.h"
#include "core/backend.h"

namespace brauer::bindings {

// What a run needs to know about its operands; up to 40 of them without memory from the heap.
struct OperandList {
  std::array<std::byte, 1024> space;
  std::pmr::monotonic_buffer_resource memory{space.data(), space.size()};
  // Not in braces: the address of `memory` would be an element of a list of pointers, and the heap its memory.
  std::pmr::vector<void*> data = std::pmr::vector<void*>(&memory);
  std::pmr::vector<std::size_t> bytes = std::pmr::vector<std::size_t>(&memory);
  std::pmr::vector<napi_value> values = std::pmr::vector<napi_value>(&memory);
};

// Reads a JavaScript array of typed arrays, inputs first, and checks each against the executable: kind, exact length,
// memory that is neither shared, detached nor resizable, alignment, and that no output overlaps another operand.
Status read_operands(napi_env env, const Environment& environment, const Executable& executable, std::int64_t batch,
                     napi_value array, OperandList& list);

}  // namespace brauer::bindings
