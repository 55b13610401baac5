#pragma once

#include <node_api.h>

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "bindings/handle.h"
#include "bindings/runner.h"
#include "core/cuda.h"

namespace brauer::bindings {

// What the addon keeps for one JavaScript environment (the main thread, or a worker); its instance data. There is
// nothing static besides the runner: several environments use the addon at once. Only touched on the environment's own
// thread.
class Environment {
 public:
  // Null when the environment is already on its way out, or there is no memory.
  static Environment* create(napi_env env);

  // Starts the job. `kept` is an array: of what has to stay alive until the job is done, and at `last` of the function
  // `done(status)`, which is then called on the event loop.
  Status start(const std::shared_ptr<Job>& job, napi_value kept, std::uint32_t last);
  void cancel(std::uint64_t id);
  // The environment's thread has nothing more to do for now. From `start` until then it counts as busy.
  void idle();

  // Whether an ArrayBuffer can change its length, under a running kernel for instance.
  bool is_resizable(napi_value buffer) const;

  const std::shared_ptr<Handles<Executable>> programs = std::make_shared<Handles<Executable>>();
  const std::shared_ptr<Handles<cuda::DeviceArray>> arrays = std::make_shared<Handles<cuda::DeviceArray>>();

 private:
  struct Pending {
    std::shared_ptr<Job> job;
    napi_ref kept;
    std::uint32_t last;
  };

  explicit Environment(napi_env env) : env_(env) {}
  static Environment* try_create(napi_env env);
  bool prepare();
  void close();
  void deliver();
  void settle(const Job& job);

  napi_env env_;
  napi_ref resizable_ = nullptr;  // the getter of ArrayBuffer.prototype.resizable; null in engines without it
  napi_threadsafe_function wake_ = nullptr;
  std::shared_ptr<Outbox> outbox_;
  std::unordered_map<std::uint64_t, Pending> pending_;
  std::uint64_t last_id_ = 0;
};

}  // namespace brauer::bindings
