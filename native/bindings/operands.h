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
  // The operands that lie on a device, which stay there as long as this; and by operand, whether it is one of them,
  // null where none is.
  std::vector<std::shared_ptr<const cuda::DeviceArray>> arrays;
  std::unique_ptr<bool[]> resident;
};

// Takes the elements of a JavaScript array as the operands of an executable.
Status take_values(napi_env env, const Executable& executable, napi_value array, OperandList& list);

// Whether memory that can change its length is looked for, which takes a call of JavaScript for each operand. A run on
// the calling thread is safe without: nothing can change the length meanwhile.
enum class Lengths { fixed, any };

// Checks the values of a list, inputs first, against the executable: kind, exact length, memory that is neither shared,
// detached nor resizable, alignment, and that no output overlaps another operand.
Status read_operands(napi_env env, const Environment& environment, const Executable& executable, std::int64_t batch,
                     Lengths lengths, OperandList& list);

}  // namespace brauer::bindings
