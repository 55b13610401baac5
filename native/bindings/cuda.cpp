#include "core/cuda.h"

#include <cctype>
#include <cstring>

#include "bindings/convert.h"
#include "bindings/cuda.h"

namespace brauer::bindings {
namespace {

void set(napi_env env, napi_value object, const char* name, std::int64_t number) {
  napi_value value = nullptr;
  napi_create_int64(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

// What is not known is left out.
void set(napi_env env, napi_value object, const char* name, const std::string& text) {
  if (!text.empty()) napi_set_named_property(env, object, name, to_js(env, text.c_str()));
}

// The devices whose names hold a text, letters of either case alike; "cuda:N" is one that is here.
Status find_device(const std::string& text, cuda::DeviceInfo& device) {
  std::string names;
  const auto lower = [](std::string each) {
    for (char& c : each) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return each;
  };
  if (lower(text).rfind("cuda:", 0) == 0) {
    const cuda::Probe probe = cuda::probe();
    const std::string number = text.substr(5);
    for (std::size_t i = 0; i < probe.devices.size(); i++)
      if (std::to_string(i) == number) return device = probe.devices[i].info, Status{};
  }
  // A whole word before a part of one: L4 is no L40S.
  for (const bool whole : {true, false}) {
    for (const cuda::DeviceInfo& each : cuda::known_devices()) {
      const std::string padded = whole ? " " + each.name + " " : each.name;
      const std::string wanted = whole ? " " + text + " " : text;
      if (!text.empty() && lower(padded).find(lower(wanted)) != std::string::npos) return device = each, Status{};
      if (whole) names += (names.empty() ? "" : ", ") + each.name;
    }
  }
  return Status::error(Code::invalid_argument,
                       "explain: device: expected a part of one of " + names + ", received '" + text + "'");
}

}  // namespace

napi_value cuda_estimate(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t count = 5, length = 0;
    napi_value arguments[5] = {}, object = nullptr, array = nullptr;
    napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
    const double* words = nullptr;
    std::int64_t dtype = 0, precision = 0, batch = 0;
    std::string name;
    cuda::DeviceInfo device;
    cuda::Estimate estimates[2];
    Status status = to_numbers(env, arguments[0], "estimate: words", words, length);
    if (status.ok()) status = to_integer(env, arguments[1], "estimate: dtype", 3, dtype);
    if (status.ok()) status = to_text(env, arguments[2], "estimate: device", name);
    if (status.ok()) status = to_integer(env, arguments[3], "estimate: batch", std::int64_t{1} << 53, batch);
    if (status.ok()) status = to_integer(env, arguments[4], "estimate: precision", 2, precision);
    if (status.ok()) status = find_device(name, device);
    if (status.ok())
      status = cuda::estimate(words, length, static_cast<Dtype>(dtype), static_cast<cuda::Precision>(precision), device,
                              batch, estimates[0], estimates[1]);
    if (!status.ok()) return to_js(env, status);
    static_assert(sizeof(cuda::Estimate) == cuda::kEstimateNumbers * sizeof(double));
    double numbers[2 * cuda::kEstimateNumbers];
    std::memcpy(numbers, estimates, sizeof numbers);
    napi_create_object(env, &object);
    napi_set_named_property(env, object, "device", to_js(env, device.name.c_str()));
    napi_create_array_with_length(env, 2 * cuda::kEstimateNumbers, &array);
    for (std::uint32_t i = 0; i < 2 * cuda::kEstimateNumbers; i++) {
      napi_value number = nullptr;
      napi_create_double(env, numbers[i], &number);
      napi_set_element(env, array, i, number);
    }
    napi_set_named_property(env, object, "numbers", array);
    return object;
  });
}

napi_value cuda_info(napi_env env, napi_callback_info) {
  return guarded(env, [&]() -> napi_value {
    const cuda::Probe probe = cuda::probe();
    napi_value object = nullptr, devices = nullptr;
    napi_create_object(env, &object);
    set(env, object, "driver", probe.driver);
    set(env, object, "runtime", probe.runtime);
    set(env, object, "problem", probe.problem);
    napi_create_array_with_length(env, probe.devices.size(), &devices);
    for (std::uint32_t i = 0; i < probe.devices.size(); i++) {
      const auto& [info, problem] = probe.devices[i];
      napi_value each = nullptr;
      napi_create_object(env, &each);
      napi_set_named_property(env, each, "name", to_js(env, info.name.c_str()));
      napi_set_named_property(env, each, "capability",
                              to_js(env, (std::to_string(info.major) + "." + std::to_string(info.minor)).c_str()));
      set(env, each, "multiprocessors", info.multiprocessors);
      set(env, each, "memory", info.memory);
      set(env, each, "problem", problem);
      napi_set_element(env, devices, i, each);
    }
    napi_set_named_property(env, object, "devices", devices);
    return object;
  });
}

}  // namespace brauer::bindings
