#pragma once

#include <cstddef>

// What the emulation tells a sanitizer. It is compiled without instrumentation, so the build says which one there is:
// BRAUER_EMULATION_TSAN, BRAUER_EMULATION_ASAN.
#if defined(BRAUER_EMULATION_TSAN)
#include <sanitizer/tsan_interface.h>
#endif
#if defined(BRAUER_EMULATION_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace brauer::emulation {

#if defined(BRAUER_EMULATION_TSAN)
inline constexpr bool finds_races = true;
// Everything before `publish` of an address happens before what follows `observe` of it; nothing else orders fibres.
inline void publish(void* sync) { __tsan_release(sync); }
inline void observe(void* sync) { __tsan_acquire(sync); }
inline void* create_order() { return __tsan_create_fiber(0); }
inline void destroy_order(void* order) { __tsan_destroy_fiber(order); }
inline void* current_order() { return __tsan_get_current_fiber(); }
inline void switch_order(void* order) { __tsan_switch_to_fiber(order, __tsan_switch_to_fiber_no_sync); }
#else
inline constexpr bool finds_races = false;
inline void publish(void*) {}
inline void observe(void*) {}
inline void* create_order() { return nullptr; }
inline void destroy_order(void*) {}
inline void* current_order() { return nullptr; }
inline void switch_order(void*) {}
#endif

#if defined(BRAUER_EMULATION_ASAN)
inline constexpr bool guards_memory = true;
inline void forget_stack(void* stack, std::size_t bytes) { __asan_unpoison_memory_region(stack, bytes); }
#else
inline constexpr bool guards_memory = false;
inline void forget_stack(void*, std::size_t) {}
#endif

}  // namespace brauer::emulation
