#pragma once

#include <cmath>
#include <cstring>
#include <memory>
#include <string>

#include "check.h"
#include "core/backend.h"
#include "core/dtype.h"
#include "generate.h"
#include "naive.h"

// An executable's runs against the naive interpreter, for the tests of every executor.
namespace compare {

using namespace brauer;

struct Case {
  std::string name;
  Program program;
  std::vector<double> words;
};

inline double to_double(Dtype dtype, const void* data, Index i) {
  switch (dtype) {
    case Dtype::f32:
      return static_cast<const float*>(data)[i];
    case Dtype::f64:
      return static_cast<const double*>(data)[i];
    case Dtype::f16:
      return f16_to_float(static_cast<const std::uint16_t*>(data)[i]);
    default:
      return bf16_to_float(static_cast<const std::uint16_t*>(data)[i]);
  }
}

inline void from_double(Dtype dtype, void* data, Index i, double value) {
  switch (dtype) {
    case Dtype::f32:
      static_cast<float*>(data)[i] = float(value);
      return;
    case Dtype::f64:
      static_cast<double*>(data)[i] = value;
      return;
    case Dtype::f16:
      static_cast<std::uint16_t*>(data)[i] = float_to_f16(float(value));
      return;
    default:
      static_cast<std::uint16_t*>(data)[i] = float_to_bf16(float(value));
      return;
  }
}

// Operands of one run, each in an allocation of exactly its size, so that AddressSanitizer sees one element too far.
struct Operands {
  std::vector<std::unique_ptr<unsigned char[]>> data;
  std::vector<std::size_t> bytes;
  std::vector<void*> pointers;
};

inline Dtype stored(const Operand& operand, Dtype dtype) {
  return operand.shared && dtype != Dtype::f64 ? Dtype::f32 : dtype;
}

inline Operands allocate(const Executable& executable, Index batch) {
  Operands operands;
  for (std::size_t i = 0; i < executable.operand_count(); i++) {
    const Operand& operand = executable.operand(i);
    const auto size = std::size_t((operand.shared ? 1 : batch) * operand.size * operand.element_bytes);
    operands.data.push_back(std::make_unique<unsigned char[]>(size));
    std::memset(operands.data.back().get(), 0xff, size);  // NaN: outputs are undefined before the run
    operands.bytes.push_back(size);
    operands.pointers.push_back(operands.data.back().get());
  }
  return operands;
}

// Items [first, first + batch) of the inputs of a larger batch. Integers are exact in every dtype, reals are not.
inline void fill(const Executable& executable, Dtype dtype, Operands& operands, Index first, Index batch, bool reals,
                 std::uint64_t seed) {
  for (std::size_t i = 0; i < executable.operand_count(); i++) {
    const Operand& operand = executable.operand(i);
    if (operand.output) continue;
    for (Index item = 0; item < (operand.shared ? 1 : batch); item++) {
      build::Random random(seed * 1000 + i * 100 + std::uint64_t(operand.shared ? 0 : first + item));
      for (Index e = 0; e < operand.size; e++) {
        const double value = reals ? random.real() : double(random.between(-2, 2));
        from_double(stored(operand, dtype), operands.pointers[i], item * operand.size + e, value);
      }
    }
  }
}

// The naive result, and the same with every factor replaced by its absolute value: the scale of rounding errors.
inline void reference(const Case& test, const Executable& executable, Dtype dtype, Index batch,
                      const Operands& operands, bool absolute, naive::Memory& memory) {
  Program program = test.program;
  if (absolute) {
    for (double& value : program.constants) value = std::fabs(value);
    for (Entry& entry : program.table) entry.sign = std::llabs(entry.sign);
    for (Instruction& instruction : program.instructions) {
      if (auto* s = std::get_if<Strided>(&instruction)) {
        s->scale = std::fabs(s->scale);
        for (Loop& loop : s->loops) loop.alternate = false;
      } else if (auto* g = std::get_if<Gather>(&instruction)) {
        g->scale = std::fabs(g->scale);
        for (Loop& loop : g->loops) loop.alternate = false;
      }
    }
  }
  memory.buffers.assign(program.buffers.size(), {});
  std::size_t operand = 0;
  for (std::size_t b = 0; b < program.buffers.size(); b++) {
    if (program.buffers[b].role != Role::input) continue;
    const Operand& o = executable.operand(operand);
    const Index count = (o.shared ? 1 : batch) * o.size;
    for (Index e = 0; e < count; e++) {
      const double value = to_double(stored(o, dtype), operands.pointers[operand], e);
      memory.buffers[b].push_back(absolute ? std::fabs(value) : value);
    }
    operand++;
  }
  naive::Interpreter(program, batch, memory).run();
}

// One run against the naive one. label: what is run, for messages. tolerance: of an element relative to the sum of the
// absolute values behind it; 0 for that of the dtype.
inline void with_naive(const Case& test, const Executable& executable, Dtype dtype, int threads, Index batch,
                       bool reals, const std::string& label, double tolerance = 0) {
  Operands operands = allocate(executable, batch);
  fill(executable, dtype, operands, 0, batch, reals, 7);
  naive::Memory expected, size;
  reference(test, executable, dtype, batch, operands, false, expected);
  reference(test, executable, dtype, batch, operands, true, size);
  const Status status = executable.run(batch, operands.pointers.data(), threads, nullptr);
  if (!CHECK_WITH(status.ok(), label + " " + status.message)) return;
  if (tolerance == 0)
    tolerance = dtype == Dtype::f64 ? 1e-14 : dtype == Dtype::f32 ? 4e-6 : dtype == Dtype::f16 ? 2e-3 : 1e-2;
  std::size_t operand = 0;
  for (const Role role : {Role::input, Role::output}) {
    for (std::size_t b = 0; b < test.program.buffers.size(); b++) {
      if (test.program.buffers[b].role != role) continue;
      const Operand& o = executable.operand(operand);
      for (std::size_t e = 0; e < expected.buffers[b].size() && role == Role::output; e++) {
        const double got = to_double(stored(o, dtype), operands.pointers[operand], Index(e)),
                     want = expected.buffers[b][e];
        if (dtype == Dtype::f16 && std::fabs(want) > 6e4) continue;
        if (std::fabs(got - want) <= tolerance * size.buffers[b][e]) continue;
        CHECK_WITH(false, label + " buffer " + std::to_string(b) + " element " + std::to_string(e) + ": expected " +
                              std::to_string(want) + ", received " + std::to_string(got));
        return;
      }
      operand++;
    }
  }
  CHECK(true);
}

// Bits of one run of items [first, first + batch), outputs only.
inline std::vector<std::vector<unsigned char>> outputs(const Case& test, const Executable& executable, Dtype dtype,
                                                       int threads, Index first, Index batch) {
  Operands operands = allocate(executable, batch);
  fill(executable, dtype, operands, first, batch, true, 11);
  const Status status = executable.run(batch, operands.pointers.data(), threads, nullptr);
  CHECK_WITH(status.ok(), test.name + " " + status.message);
  std::vector<std::vector<unsigned char>> result;
  for (std::size_t i = 0; i < executable.operand_count(); i++)
    if (executable.operand(i).output)
      result.emplace_back(operands.data[i].get(), operands.data[i].get() + operands.bytes[i]);
  return result;
}

inline Case random_case(std::uint64_t seed, bool shared) {
  Case test{"seed " + std::to_string(seed) + (shared ? " shared" : ""), build::Generator(seed, shared).make(), {}};
  test.words = build::encode(test.program);
  return test;
}

// The total of many positive numbers keeps its digits (2048² of them, as in S(2048)).
inline Case long_sum(Index n, Index channels) {
  Program program{};
  program.buffers = {build::buffer(Role::input, false, n * n * channels), build::buffer(Role::output, false, channels)};
  program.instructions.push_back(Strided{
      1, 0, 0, 0, 1, true, {{n, 0, n * channels, false, 0}, {n, 0, channels, false, 0}, {channels, 1, 1, false, 0}}});
  return {"long sum", program, build::encode(program)};
}
inline void check_long_sum(const Executable& executable, Index n, Index channels, const std::string& label) {
  Operands operands = allocate(executable, 1);
  auto* x = static_cast<float*>(operands.pointers[0]);
  std::vector<double> total(std::size_t(channels), 0);
  build::Random random(3);
  for (Index i = 0; i < n * n * channels; i++)
    total[std::size_t(i % channels)] += (x[i] = float(0.5 + 0.5 * random.real()));
  const Status status = executable.run(1, operands.pointers.data(), 1, nullptr);
  CHECK(status.ok());
  for (Index c = 0; c < channels; c++) {
    const double error = static_cast<float*>(operands.pointers[1])[c] / total[std::size_t(c)] - 1;
    CHECK_WITH(std::fabs(error) < 1e-6,
               label + " channels " + std::to_string(channels) + " error " + std::to_string(error * 1e9) + "e-9");
  }
}

}  // namespace compare
