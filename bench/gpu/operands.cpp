#include "gpu/operands.h"

#include <cmath>
#include <cstring>
#include <numeric>

#include "core/parallel.h"
#include "gpu/generator.h"

namespace brauer::gpu {
namespace {

double load(Dtype dtype, const void* data, std::int64_t at) {
  switch (dtype) {
    case Dtype::f64:
      return static_cast<const double*>(data)[at];
    case Dtype::f32:
      return static_cast<const float*>(data)[at];
    case Dtype::f16:
      return f16_to_float(static_cast<const std::uint16_t*>(data)[at]);
    case Dtype::bf16:
      return bf16_to_float(static_cast<const std::uint16_t*>(data)[at]);
  }
  return 0;
}

void store(Dtype dtype, void* data, std::int64_t at, double value) {
  switch (dtype) {
    case Dtype::f64:
      static_cast<double*>(data)[at] = value;
      return;
    case Dtype::f32:
      static_cast<float*>(data)[at] = float(value);
      return;
    case Dtype::f16:
      static_cast<std::uint16_t*>(data)[at] = float_to_f16(float(value));
      return;
    case Dtype::bf16:
      static_cast<std::uint16_t*>(data)[at] = float_to_bf16(float(value));
      return;
  }
}

double rounded(Dtype dtype, double value) {
  switch (dtype) {
    case Dtype::f64:
      return value;
    case Dtype::f32:
      return float(value);
    case Dtype::f16:
      return f16_to_float(float_to_f16(float(value)));
    case Dtype::bf16:
      return bf16_to_float(float_to_bf16(float(value)));
  }
  return 0;
}

Dtype shared_type(Dtype dtype) { return dtype == Dtype::f64 ? Dtype::f64 : Dtype::f32; }

}  // namespace

Dtype stored_type(const Operand& operand, Dtype dtype) { return operand.shared ? shared_type(dtype) : dtype; }

HostOperands::HostOperands(const Executable& executable, Dtype dtype, std::vector<std::int64_t> items)
    : executable_(executable), dtype_(dtype), items_(std::move(items)) {
  for (std::size_t i = 0; i < executable.operand_count(); i++) {
    const auto bytes = std::size_t(count(i) * executable.operand(i).element_bytes);
    memory_.emplace_back(new char[bytes + 1]);
    std::memset(memory_.back().get(), 0xff, bytes);
    pointers_.push_back(memory_.back().get());
  }
}

std::int64_t HostOperands::count(std::size_t operand) const {
  const Operand& of = executable_.operand(operand);
  return of.size * (of.shared ? 1 : batch());
}

double HostOperands::value(std::size_t operand, std::int64_t at) const {
  return load(stored_type(executable_.operand(operand), dtype_), pointers_[operand], at);
}

void HostOperands::fill(std::uint64_t seed, Dtype as, const std::vector<float>* weights) {
  for (std::size_t i = 0; i < executable_.operand_count(); i++) {
    const Operand& of = executable_.operand(i);
    if (of.output) continue;
    const Dtype to = stored_type(of, dtype_), through = stored_type(of, as);
    check(parallel_for(0, count(i), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t at = begin; at < end; at++) {
        const std::int64_t index = of.shared ? at : items_[std::size_t(at / of.size)] * of.size + at % of.size;
        const double value =
            of.shared && weights ? (*weights)[std::size_t(at)] : input_at(seed + i, std::uint64_t(index));
        store(to, pointers_[i], at, rounded(through, value));
      }
      return Status{};
    }));
  }
}

double Distance::value() const { return std::sqrt(difference / (norm > 0 ? norm : 1)); }

std::vector<std::int64_t> first_items(std::int64_t batch) {
  std::vector<std::int64_t> items(static_cast<std::size_t>(batch));
  std::iota(items.begin(), items.end(), 0);
  return items;
}

}  // namespace brauer::gpu
