#include "bindings/run.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "bindings/convert.h"
#include "bindings/environment.h"
#include "bindings/operands.h"
#include "bindings/program_handle.h"

namespace brauer::bindings {
namespace {

constexpr std::int64_t kMostItems = std::int64_t(1) << 53;
constexpr std::int64_t kMostThreads = std::numeric_limits<int>::max();

// Operands of a call of `runSync` that come as arguments, which engines hand over faster than elements of an array.
constexpr std::size_t kMostArguments = 24;

struct Call {
  Environment* environment = nullptr;
  std::shared_ptr<const Executable> executable;
  std::int64_t batch = 0, threads = 0;
  OperandList operands;
  napi_value last = nullptr;  // the argument behind the operands and the threads
};

// (program, batch, operands, threads, last), or, where `loose`, also (program, batch, null, threads, ...operands).
Status read_call(napi_env env, napi_callback_info info, bool loose, Call& call) {
  std::size_t count = 4 + kMostArguments;
  napi_value arguments[4 + kMostArguments];
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, arguments, nullptr, &data);
  call.environment = static_cast<Environment*>(data);
  call.last = arguments[4];
  const Handle<Executable>* const handle = unwrap_program(env, *call.environment, arguments[0]);
  if (handle == nullptr)
    return Status::error(Code::invalid_argument, "run: expected a loaded program, received another value");
  if (!handle->value)
    return Status::error(Code::disposed, "run: expected a loaded program, received one that was disposed of");
  call.executable = handle->value;
  Status status = to_integer(env, arguments[1], "run: batch", kMostItems, call.batch);
  if (status.ok()) status = to_integer(env, arguments[3], "run: threads", kMostThreads, call.threads);
  if (!status.ok()) return status;
  napi_valuetype type = napi_undefined;
  napi_typeof(env, arguments[2], &type);
  Lengths lengths = Lengths::any;
  if (!loose || type != napi_null) {
    status = take_values(env, *call.executable, arguments[2], call.operands);
  } else if (count <= 4 + kMostArguments) {
    call.operands.values.assign(arguments + 4, arguments + std::max<std::size_t>(count, 4));
    lengths = Lengths::fixed;
  }
  if (!status.ok()) return status;
  return read_operands(env, *call.environment, *call.executable, call.batch, lengths, call.operands);
}

// An array of the operands and of `last` of our own: the caller may change theirs while the job runs. Null where it
// does not hold them all, because the environment is ending: a job must not use what nothing keeps.
napi_value copy_array(napi_env env, const std::pmr::vector<napi_value>& values, napi_value last) {
  napi_value array = nullptr;
  napi_create_array_with_length(env, values.size() + 1, &array);
  for (std::size_t i = 0; i <= values.size(); ++i) {
    const napi_value value = i < values.size() ? values[i] : last;
    if (napi_set_element(env, array, static_cast<std::uint32_t>(i), value) != napi_ok) return nullptr;
  }
  return array;
}

}  // namespace

napi_value run_sync(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Call call;
    Status status = read_call(env, info, true, call);
    if (status.ok()) {
      const OperandList& operands = call.operands;
      status = operands.arrays.empty()
                   ? call.executable->run(call.batch, operands.data.data(), static_cast<int>(call.threads), nullptr)
                   : call.executable->run_resident(call.batch, operands.data.data(), operands.resident.get(), nullptr);
    }
    return to_js(env, status);
  });
}

napi_value run_async(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Call call;
    Status status = read_call(env, info, false, call);
    napi_valuetype type = napi_undefined;
    if (status.ok() && (napi_typeof(env, call.last, &type) != napi_ok || type != napi_function)) {
      status = Status::error(Code::invalid_argument,
                             std::string("run: done: expected a function, received ") + type_name(env, call.last));
    }
    if (!status.ok()) return to_js(env, status);
    const auto job = std::make_shared<Job>();
    job->executable = std::move(call.executable);
    job->batch = call.batch;
    job->operands.assign(call.operands.data.begin(), call.operands.data.end());
    job->arrays.assign(call.operands.arrays.begin(), call.operands.arrays.end());
    job->resident = std::move(call.operands.resident);
    job->threads = static_cast<int>(call.threads);
    const auto& values = call.operands.values;
    status =
        call.environment->start(job, copy_array(env, values, call.last), static_cast<std::uint32_t>(values.size()));
    if (!status.ok()) return to_js(env, status);
    // A number in an object rather than a pointer: there is nothing to free, and nothing to get wrong.
    napi_value handle = nullptr, id = nullptr;
    napi_create_object(env, &handle);
    napi_create_double(env, static_cast<double>(job->id), &id);
    napi_set_named_property(env, handle, "job", id);
    return handle;
  });
}

napi_value cancel_run(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    std::size_t count = 1;
    napi_value handle = nullptr, value = nullptr;
    void* environment = nullptr;
    std::int64_t id = 0;
    napi_get_cb_info(env, info, &count, &handle, nullptr, &environment);
    if (napi_get_named_property(env, handle, "job", &value) == napi_ok &&
        to_integer(env, value, "cancel: job", kMostItems, id).ok()) {
      static_cast<Environment*>(environment)->cancel(static_cast<std::uint64_t>(id));
    }
    return nullptr;
  });
}

napi_value idle(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    void* environment = nullptr;
    napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &environment);
    static_cast<Environment*>(environment)->idle();
    return nullptr;
  });
}

}  // namespace brauer::bindings
