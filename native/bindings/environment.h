#pragma once

#include <node_api.h>

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "bindings/runner.h"

namespace brauer::bindings {

// What the addon keeps for one JavaScript environment (the main thread, or a worker); its instance data. There is
// nothing static besides the runner: several environments use the addon at once. Only touched on the environment's own
// thread.
class Environment {
 public:
  // Null when the environment is already on its way out.
  static Environment* create(napi_env env);

  // Starts the job and keeps `operands` alive until `done(status)` has been called on the event loop.
  Status start(const std::shared_ptr<Job>& job, napi_value operands, napi_value done);
  void cancel(std::uint64_t id);

  // Whether an ArrayBuffer can change its length, under a running kernel for instance.
  bool is_resizable(napi_value buffer) const;

 private:
  struct Pending {
    std::shared_ptr<Job> job;
    napi_ref operands, done;
  };

  explicit Environment(napi_env env) : env_(env) {}
  bool prepare();
  void close();
  void deliver();
  void settle(const Job& job);
  void release(const Pending& pending);

  napi_env env_;
  napi_ref resizable_ = nullptr;  // the getter of ArrayBuffer.prototype.resizable; null in engines without it
  napi_threadsafe_function wake_ = nullptr;
  std::shared_ptr<Outbox> outbox_;
  std::unordered_map<std::uint64_t, Pending> pending_;
  std::uint64_t last_id_ = 0;
};

}  // namespace brauer::bindings
