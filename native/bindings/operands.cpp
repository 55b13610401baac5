#include "bindings/operands.h"

#include <limits>
#include <string>

#include "bindings/convert.h"

namespace brauer::bindings {
namespace {

const char* kind_name(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array:
      return "Int8Array";
    case napi_uint8_array:
      return "Uint8Array";
    case napi_uint8_clamped_array:
      return "Uint8ClampedArray";
    case napi_int16_array:
      return "Int16Array";
    case napi_uint16_array:
      return "Uint16Array";
    case napi_int32_array:
      return "Int32Array";
    case napi_uint32_array:
      return "Uint32Array";
    case napi_float32_array:
      return "Float32Array";
    case napi_float64_array:
      return "Float64Array";
    case napi_bigint64_array:
      return "BigInt64Array";
    case napi_biguint64_array:
      return "BigUint64Array";
    default:
      return "another typed array";
  }
}

napi_typedarray_type kind_of(const Operand& operand) {
  switch (operand.element_bytes) {
    case 8:
      return napi_float64_array;
    case 4:
      return napi_float32_array;
    default:
      return napi_uint16_array;
  }
}

Status refuse(std::size_t index, const Operand& operand, const std::string& wanted, const std::string& received) {
  return Status::error(Code::invalid_buffer, "run: operand " + std::to_string(index) +
                                                 (operand.output ? " (output)" : " (input)") + ": expected " + wanted +
                                                 ", received " + received);
}

Status wrong_count(std::size_t wanted, const std::string& received) {
  return Status::error(Code::invalid_argument,
                       "run: operands: expected an array of " + std::to_string(wanted) + ", received " + received);
}

std::string counted(const char* kind, std::size_t length) {
  return std::string(kind) + " of " + std::to_string(length) + " elements";
}

std::string bytes_on(int device, std::int64_t bytes) {
  return std::to_string(bytes) + " bytes " + (device < 0 ? "on the host" : "on cuda:" + std::to_string(device));
}

Status read_array(std::size_t index, const Operand& operand, std::int64_t length, int device,
                  const Handle<cuda::DeviceArray>& handle, OperandList& list) {
  const std::int64_t bytes = length * operand.element_bytes;
  if (!handle.value) return refuse(index, operand, "memory that is there", "memory that was disposed of");
  const cuda::DeviceArray& array = *handle.value;
  if (array.device() != device || array.bytes() != bytes)
    return refuse(index, operand, bytes_on(device, bytes), bytes_on(array.device(), array.bytes()));
  if (!list.resident) list.resident = std::make_unique<bool[]>(list.values.size());
  list.resident[index] = true;
  list.arrays.push_back(handle.value);
  list.data[index] = array.data();
  list.bytes[index] = static_cast<std::size_t>(bytes);
  return {};
}

Status read_operand(napi_env env, const Environment& environment, const Executable& executable, std::size_t index,
                    std::int64_t length, Lengths lengths, napi_value value, OperandList& list) {
  const Operand& operand = executable.operand(index);
  const napi_typedarray_type kind = kind_of(operand);
  const auto wanted = [&] { return counted(kind_name(kind), static_cast<std::size_t>(length)); };
  // Engines know kinds of arrays that Node-API cannot name: those leave `type` as it is.
  auto type = static_cast<napi_typedarray_type>(-1);
  std::size_t received = 0;
  void* data = nullptr;
  napi_value buffer = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &received, &data, &buffer, nullptr) != napi_ok) {
    if (const auto* const handle = unwrap_handle(env, *environment.arrays, value))
      return read_array(index, operand, length, executable.device(), *handle, list);
    return refuse(index, operand, wanted(), type_name(env, value));
  }
  if (type != kind) return refuse(index, operand, wanted(), counted(kind_name(type), received));
  bool answer = false;
  napi_is_arraybuffer(env, buffer, &answer);
  if (!answer) return refuse(index, operand, wanted(), std::string(kind_name(type)) + " over a SharedArrayBuffer");
  // Over detached memory there are no elements.
  if (received == 0 && napi_is_detached_arraybuffer(env, buffer, &answer) == napi_ok && answer)
    return refuse(index, operand, wanted(), std::string(kind_name(type)) + " over a detached buffer");
  if (lengths == Lengths::any && environment.is_resizable(buffer))
    return refuse(index, operand, wanted(), std::string(kind_name(type)) + " over a resizable buffer");
  if (received != static_cast<std::size_t>(length))
    return refuse(index, operand, wanted(), counted(kind_name(type), received));
  if (received != 0 &&
      reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(operand.element_bytes) != 0) {
    return refuse(index, operand, "memory aligned to " + std::to_string(operand.element_bytes) + " bytes",
                  "other memory");
  }
  list.data[index] = data;
  list.bytes[index] = received * static_cast<std::size_t>(operand.element_bytes);
  return {};
}

Status check_overlap(const Executable& executable, const OperandList& list) {
  for (std::size_t i = 0; i < list.data.size(); ++i) {
    if (!executable.operand(i).output || list.bytes[i] == 0) continue;
    const auto first = reinterpret_cast<std::uintptr_t>(list.data[i]);
    for (std::size_t j = 0; j < list.data.size(); ++j) {
      const auto other = reinterpret_cast<std::uintptr_t>(list.data[j]);
      if (i == j || list.bytes[j] == 0 || first >= other + list.bytes[j] || other >= first + list.bytes[i]) continue;
      return refuse(i, executable.operand(i), "memory of its own",
                    "memory that operand " + std::to_string(j) + " uses too");
    }
  }
  return {};
}

}  // namespace

Status take_values(napi_env env, const Executable& executable, napi_value array, OperandList& list) {
  const std::size_t count = executable.operand_count();
  bool is_array = false;
  std::uint32_t received = 0;
  napi_is_array(env, array, &is_array);
  if (!is_array || napi_get_array_length(env, array, &received) != napi_ok) return wrong_count(count, "another value");
  if (received != count) return wrong_count(count, "one of " + std::to_string(received));
  list.values.assign(count, nullptr);
  // All elements before any pointer: an element may be an accessor, whose code could detach a buffer already looked at.
  for (std::size_t i = 0; i < count; ++i) {
    if (napi_get_element(env, array, static_cast<std::uint32_t>(i), &list.values[i]) != napi_ok) {
      return Status::error(Code::invalid_argument,
                           "run: operands: expected an array of typed arrays, received one that throws");
    }
  }
  return {};
}

Status read_operands(napi_env env, const Environment& environment, const Executable& executable, std::int64_t batch,
                     Lengths lengths, OperandList& list) {
  const std::size_t count = executable.operand_count();
  if (list.values.size() != count) return wrong_count(count, "one of " + std::to_string(list.values.size()));
  list.data.assign(count, nullptr);
  list.bytes.assign(count, 0);
  for (std::size_t i = 0; i < count; ++i) {
    const Operand& operand = executable.operand(i);
    const std::int64_t items = operand.shared ? 1 : batch;
    if (operand.size != 0 && items > std::numeric_limits<std::int64_t>::max() / operand.element_bytes / operand.size) {
      return Status::error(
          Code::invalid_argument,
          "run: batch: expected one whose operands have below 2^63 bytes, received " + std::to_string(batch));
    }
    Status status = read_operand(env, environment, executable, i, items * operand.size, lengths, list.values[i], list);
    if (!status.ok()) return status;
  }
  return check_overlap(executable, list);
}

}  // namespace brauer::bindings
