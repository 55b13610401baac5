#pragma once

#include <node_api.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "core/status.h"

// Values from and to JavaScript. Every function here leaves a pending JavaScript exception alone: a null or false
// result then only says that there is nothing to return.
namespace brauer::bindings {

inline napi_value to_js(napi_env env, const char* text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

// {code, message}; undefined for success.
inline napi_value to_js(napi_env env, const Status& status) {
  napi_value object = nullptr;
  if (status.ok()) return object;
  if (napi_create_object(env, &object) != napi_ok) return nullptr;
  napi_set_named_property(env, object, "code", to_js(env, code_name(status.code)));
  napi_set_named_property(env, object, "message", to_js(env, status.message.c_str()));
  return object;
}

inline const char* type_name(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  if (value == nullptr || napi_typeof(env, value, &type) != napi_ok) return "nothing";
  switch (type) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return "a boolean";
    case napi_number:
      return "a number";
    case napi_string:
      return "a string";
    case napi_function:
      return "a function";
    case napi_bigint:
      return "a bigint";
    case napi_symbol:
      return "a symbol";
    default:
      return "an object that is no typed array";
  }
}

// An integer of [0, most]; otherwise a status that names `what`.
inline Status to_integer(napi_env env, napi_value value, const char* what, std::int64_t most, std::int64_t& result) {
  double number = std::nan("");
  const bool is_number = napi_get_value_double(env, value, &number) == napi_ok;
  if (is_number && number >= 0 && number <= static_cast<double>(most) && number == std::floor(number)) {
    result = static_cast<std::int64_t>(number);
    return {};
  }
  char received[32];
  std::snprintf(received, sizeof received, "%.17g", number);
  return Status::error(Code::invalid_argument, std::string(what) + ": expected an integer from 0 to " +
                                                   std::to_string(most) + ", received " +
                                                   (is_number ? received : type_name(env, value)));
}

// The numbers of a Float64Array; otherwise a status that names `what`.
inline Status to_numbers(napi_env env, napi_value value, const char* what, const double*& numbers, std::size_t& count) {
  bool is_array = false, is_buffer = false;
  napi_typedarray_type type = napi_int8_array;
  void* data = nullptr;
  napi_value buffer = nullptr;
  napi_is_typedarray(env, value, &is_array);
  if (is_array) {
    napi_get_typedarray_info(env, value, &type, &count, &data, &buffer, nullptr);
    napi_is_arraybuffer(env, buffer, &is_buffer);
  }
  if (type != napi_float64_array || !is_buffer)
    return Status::error(
        Code::invalid_argument,
        std::string(what) + ": expected a Float64Array of memory that is not shared, received another value");
  numbers = static_cast<const double*>(data);
  return {};
}

// Text; otherwise a status that names `what`.
inline Status to_text(napi_env env, napi_value value, const char* what, std::string& text) {
  std::size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok)
    return Status::error(Code::invalid_argument,
                         std::string(what) + ": expected a string, received " + type_name(env, value));
  text.resize(length + 1);
  napi_get_value_string_utf8(env, value, text.data(), text.size(), &length);
  text.resize(length);
  return {};
}

// Runs `body` so that no C++ exception reaches Node.
template <typename Body>
napi_value guarded(napi_env env, Body&& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return to_js(env, Status::error(Code::out_of_memory, "addon: expected memory for bookkeeping, received none"));
  } catch (const std::exception& error) {
    return to_js(env, Status::error(Code::internal, std::string("addon: ") + error.what()));
  }
}

}  // namespace brauer::bindings
