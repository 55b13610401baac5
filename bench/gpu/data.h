#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/dtype.h"

// What bench/gpu/data.ts writes for the runner, read back. Functions that read throw std::runtime_error.
namespace brauer::gpu {

// A layer of the suite.
struct Case {
  std::string name, title;
  std::int64_t batch = 0, gpu_batch = 0;
  double least_flops = 0;                    // of an item, see bench/minimal-flops.ts
  std::vector<std::string> inputs, outputs;  // orders
};
std::vector<Case> read_suite(const std::string& folder);

// Programs by the names of lib/runtime/compiled.ts: forward, inputGradient, weightGradient.
std::vector<double> read_program(const std::string& folder, const std::string& of, const std::string& map);
// The packed weights of a case.
std::vector<float> read_weights(const std::string& folder, const std::string& of);

// A program with its outputs on the first items of its generated inputs, by the reference backend in float64 on the
// inputs as they are stored.
struct Vector {
  std::string name, map;
  Dtype dtype = Dtype::f32;
  std::int64_t batch = 0;
  std::uint64_t seed = 0;        // of the first operand; the next ones follow
  std::vector<double> expected;  // output after output
};
std::vector<Vector> read_vectors(const std::string& folder);

}  // namespace brauer::gpu
