#pragma once

#include <string>
#include <vector>

#include "core/status.h"

// Planted faults. Each is run with the fault and, as its twin, without; all else is the same.
namespace brauer::cuda {

// Which sanitizer ends the process where accesses are not looked at one by one.
enum class Sanitizer { none, address, undefined, thread };

// What finds it: the emulated device in every build, or where accesses are looked at one by one.
enum class Net { always, accesses };

struct PlantedFault {
  const char* name;
  Status (*run)(bool planted);
  const char* message;  // part of what the status must say
  Net net = Net::always;
  Sanitizer sanitizer = Sanitizer::none;
};

std::vector<PlantedFault> kernel_faults();  // in kernels
std::vector<PlantedFault> host_faults();    // in the calls of the host

}  // namespace brauer::cuda
