#pragma once

#include <node_api.h>

#include <memory>
#include <unordered_set>
#include <utility>

namespace brauer::bindings {

template <class T>
struct Handle;
// The handles of one kind that an environment has given out. Shared with each of them: which of them goes first is not
// ours to say.
template <class T>
using Handles = std::unordered_set<const Handle<T>*>;

// What an opaque object of binding.d.ts holds: freed by `dispose` or by the garbage collector.
template <class T>
struct Handle {
  std::shared_ptr<const T> value;  // null once disposed of
  std::int64_t bytes = 0;          // told to the garbage collector, which sees only a small object
  std::shared_ptr<Handles<T>> listed;

  void free(napi_env env) {
    if (!value) return;
    value.reset();
    std::int64_t total = 0;
    napi_adjust_external_memory(env, -bytes, &total);
  }
};

// An object around a value; null when the environment is ending.
template <class T>
napi_value wrap_handle(napi_env env, std::shared_ptr<const T> value, std::int64_t bytes,
                       const std::shared_ptr<Handles<T>>& listed) {
  auto handle = std::make_unique<Handle<T>>(Handle<T>{std::move(value), bytes, listed});
  const auto drop = [](napi_env finalizing, void* data, void*) {
    const std::unique_ptr<Handle<T>> dropped(static_cast<Handle<T>*>(data));
    dropped->listed->erase(dropped.get());
    dropped->free(finalizing);
  };
  listed->insert(handle.get());
  napi_value object = nullptr;
  if (napi_create_object(env, &object) != napi_ok ||
      napi_wrap(env, object, handle.get(), drop, nullptr, nullptr) != napi_ok) {
    listed->erase(handle.get());
    return nullptr;
  }
  std::int64_t total = 0;
  napi_adjust_external_memory(env, handle.release()->bytes, &total);
  return object;
}

// The handle in a value; null for a value that is none. Another addon's object holds something else: only what is
// listed is ours. (A type tag takes longer to compare.)
template <class T>
Handle<T>* unwrap_handle(napi_env env, const Handles<T>& listed, napi_value value) {
  void* data = nullptr;
  if (napi_unwrap(env, value, &data) != napi_ok) return nullptr;
  auto* const handle = static_cast<Handle<T>*>(data);
  return listed.contains(handle) ? handle : nullptr;
}

}  // namespace brauer::bindings
