#include "bindings/environment.h"

#include <utility>

#include "bindings/convert.h"
#include "core/parallel.h"

namespace brauer::bindings {

Environment* Environment::create(napi_env env) {
  try {
    return try_create(env);
  } catch (const std::exception&) {
    return nullptr;
  }
}

Environment* Environment::try_create(napi_env env) {
  std::unique_ptr<Environment> environment(new Environment(env));
  if (!environment->prepare()) return nullptr;
  const auto drop = [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); };
  if (napi_set_instance_data(env, environment.get(), drop, nullptr) != napi_ok) return nullptr;
  Environment* const kept = environment.release();
  // Hooks run last in, first out: this one must come before that of the thread-safe function made in `prepare`, which
  // frees what the jobs notify.
  napi_add_env_cleanup_hook(
      env, [](void* data) { static_cast<Environment*>(data)->close(); }, kept);
  return kept;
}

bool Environment::prepare() {
  const auto deliver_all = [](napi_env env, napi_value, void* context, void*) {
    if (env != nullptr) static_cast<Environment*>(context)->deliver();  // null: teardown, and the context may be gone
  };
  if (napi_create_threadsafe_function(env_, nullptr, nullptr, to_js(env_, "brauer"), 0, 1, nullptr, nullptr, this,
                                      deliver_all, &wake_) != napi_ok) {
    return false;
  }
  napi_unref_threadsafe_function(env_, wake_);  // only jobs keep the process alive
  outbox_ =
      std::make_shared<Outbox>([wake = wake_] { napi_call_threadsafe_function(wake, nullptr, napi_tsfn_nonblocking); });

  // The getter itself, because a property of the buffer could be anybody's code, run between our checks.
  napi_value getter = nullptr;
  const char* const source = "Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'resizable')?.get";
  if (napi_run_script(env_, to_js(env_, source), &getter) != napi_ok) return false;
  napi_valuetype type = napi_undefined;
  napi_typeof(env_, getter, &type);
  return type != napi_function || napi_create_reference(env_, getter, 1, &resizable_) == napi_ok;
}

bool Environment::is_resizable(napi_value buffer) const {
  napi_value getter = nullptr, answer = nullptr;
  bool resizable = false;
  if (resizable_ == nullptr || napi_get_reference_value(env_, resizable_, &getter) != napi_ok) return false;
  if (napi_call_function(env_, buffer, getter, 0, nullptr, &answer) == napi_ok)
    napi_get_value_bool(env_, answer, &resizable);
  return resizable;
}

Status Environment::start(const std::shared_ptr<Job>& job, napi_value kept, std::uint32_t last) {
  job->id = ++last_id_;
  job->outbox = outbox_;
  if (!outbox_->busy.exchange(true, std::memory_order_relaxed)) claim_processor();
  Pending& pending = pending_.emplace(job->id, Pending{job, nullptr, last}).first->second;
  Status status;
  if (napi_create_reference(env_, kept, 1, &pending.kept) != napi_ok)
    status = Status::error(Code::internal, "run: expected a reference to the operands, received none");
  else
    status = Runner::get().submit(job);
  if (!status.ok()) {
    if (pending.kept != nullptr) napi_delete_reference(env_, pending.kept);
    pending_.erase(job->id);
  } else if (pending_.size() == 1) {
    napi_ref_threadsafe_function(env_, wake_);
  }
  return status;
}

void Environment::idle() {
  if (outbox_->busy.exchange(false, std::memory_order_relaxed)) yield_processor();
}

void Environment::cancel(std::uint64_t id) {
  const auto place = pending_.find(id);
  if (place != pending_.end()) Runner::get().cancel(place->second.job);
}

void Environment::deliver() {
  idle();  // what called `start` has ended
  std::shared_ptr<Job> job = Runner::get().collect(*outbox_);
  while (job) {
    settle(*job);
    job = std::exchange(job->next, nullptr);
  }
}

void Environment::settle(const Job& job) {
  const auto place = pending_.find(job.id);
  if (place == pending_.end()) return;
  const Pending pending = std::move(place->second);
  pending_.erase(place);
  if (pending_.empty()) napi_unref_threadsafe_function(env_, wake_);
  napi_value kept = nullptr, done = nullptr, global = nullptr, error = nullptr;
  napi_get_reference_value(env_, pending.kept, &kept);
  napi_get_element(env_, kept, pending.last, &done);
  napi_delete_reference(env_, pending.kept);
  napi_get_global(env_, &global);
  napi_value status = to_js(env_, job.status);
  if (status == nullptr) napi_get_undefined(env_, &status);
  napi_call_function(env_, global, done, 1, &status, nullptr);
  // The callback's own exception must not keep the next job's callback from being called.
  bool thrown = false;
  if (napi_is_exception_pending(env_, &thrown) == napi_ok && thrown &&
      napi_get_and_clear_last_exception(env_, &error) == napi_ok) {
    napi_fatal_exception(env_, error);
  }
}

void Environment::close() {
  idle();
  Runner::get().close(*outbox_);
  for (const auto& [id, pending] : pending_) napi_delete_reference(env_, pending.kept);
  pending_.clear();
}

}  // namespace brauer::bindings
