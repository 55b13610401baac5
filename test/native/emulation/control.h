#pragma once

#include <cstdint>

// What tests ask of the emulated device.
namespace brauer::emulation {

// When an asynchronous copy lands: any moment between being issued and being awaited is legal.
enum class Landing { earliest, latest };

struct Settings {
  std::uint64_t seed = 1;       // orders of blocks, threads and streams
  unsigned char poison = 0xff;  // memory that nobody wrote is full of it; 0xff makes NaN, 0x3b small numbers
  Landing landing = Landing::latest;
};

Settings settings();
void configure(const Settings& settings);

}  // namespace brauer::emulation
