#pragma once

#include <string>
#include <vector>

#include "core/backend.h"
#include "cpu/kernels.h"

namespace brauer {

// An instruction set that is compiled in.
struct Implementation {
  const KernelTable* table;
  bool available;
};

// Best first. The last one, portable, is always available.
const std::vector<Implementation>& implementations();

// The table named by BRAUER_CPU_ISA, else the first available one. Null with an error when the named one is unknown or
// cannot run here: another one is never taken in silence.
const KernelTable* choose_implementation(std::string& error);

}  // namespace brauer
