#pragma once

#include <cstddef>

namespace brauer::emulation {

// A stack of its own and where it stands. A context that describes the stack of a host thread owns nothing.
struct Context {
  void* stack_pointer = nullptr;
  char* stack = nullptr;
  std::size_t stack_bytes = 0;
  void* order = nullptr;       // the thread that ThreadSanitizer takes it for
  void* fake_stack = nullptr;  // AddressSanitizer's
  bool owns = false;
};

bool create_context(Context& context);  // false where there is no memory
void destroy_context(Context& context);
// The next switch to it calls `entry`, which must call `entered` first and must not return.
void start_context(Context& context, void (*entry)());
// The context was left for good in the middle of something: ThreadSanitizer's view of it starts anew.
void abandon_context(Context& context);
void switch_context(Context& from, Context& to);
void entered(Context& self);

}  // namespace brauer::emulation
