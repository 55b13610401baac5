#pragma once

#include <cstddef>
#include <string>

#include "emulation/grid.h"
#include "emulation/sanitizers.h"
#include "emulation/shadow.h"

// Every access to memory that kernels and streams make is looked at here: is it inside something, aligned, ordered.
namespace brauer::emulation {

// Under a sanitizer the accesses are its own.
inline constexpr bool checks_accesses = !finds_races && !guards_memory;

// By a copy or fill of a stream. Returns what is wrong, nothing if nothing is.
Text check_stream_access(const Work& work, int device, const void* memory, std::size_t bytes, bool write);

// An asynchronous copy is issued, and lands: in between nobody may touch its destination.
void check_copy_issued(const AsyncCopy& copy);
void check_copy_landed(const AsyncCopy& copy);

// Threads that have met: what each did before, all of them know. `lanes` are of one block.
void order_lanes(Lane* const* lanes, std::size_t count);

std::string describe_place(const void* pc);  // " (file:line)" of an instruction, as far as it can be found out

}  // namespace brauer::emulation
