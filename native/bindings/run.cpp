#include "bindings/run.h"

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

struct Call {
  Environment* environment = nullptr;
  std::shared_ptr<const Executable> executable;
  std::int64_t batch = 0, threads = 0;
  OperandList operands;
  napi_value done = nullptr;
};

Status read_call(napi_env env, napi_callback_info info, Call& call) {
  std::size_t count = 5;
  napi_value arguments[5] = {};
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, arguments, nullptr, &data);
  call.environment = static_cast<Environment*>(data);
  call.done = arguments[4];
  const ProgramHandle* const handle = unwrap_program(env, arguments[0]);
  if (handle == nullptr)
    return Status::error(Code::invalid_argument, "run: expected a loaded program, received another value");
  if (!handle->executable)
    return Status::error(Code::disposed, "run: expected a loaded program, received one that was disposed of");
  call.executable = handle->executable;
  Status status = to_integer(env, arguments[1], "run: batch", kMostItems, call.batch);
  if (status.ok()) status = to_integer(env, arguments[3], "run: threads", kMostThreads, call.threads);
  if (status.ok())
    status = read_operands(env, *call.environment, *call.executable, call.batch, arguments[2], call.operands);
  return status;
}

// An array of the operands of our own: the caller may change theirs while the job runs.
napi_value copy_array(napi_env env, const std::pmr::vector<napi_value>& values) {
  napi_value array = nullptr;
  napi_create_array_with_length(env, values.size(), &array);
  for (std::size_t i = 0; i < values.size(); ++i)
    napi_set_element(env, array, static_cast<std::uint32_t>(i), values[i]);
  return array;
}

}  // namespace

napi_value run_sync(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    Call call;
    Status status = read_call(env, info, call);
    if (status.ok()) {
      status = call.executable->run(call.batch, call.operands.data.data(), static_cast<int>(call.threads), nullptr);
    }
    return to_js(env, status);
  });
}

napi_value run_async(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Call call;
    Status status = read_call(env, info, call);
    if (!status.ok()) return to_js(env, status);
    const auto job = std::make_shared<Job>();
    job->executable = std::move(call.executable);
    job->batch = call.batch;
    job->operands.assign(call.operands.data.begin(), call.operands.data.end());
    job->threads = static_cast<int>(call.threads);
    status = call.environment->start(job, copy_array(env, call.operands.values), call.done);
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

}  // namespace brauer::bindings
