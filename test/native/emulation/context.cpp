#include "emulation/context.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "emulation/sanitizers.h"

// Saves what a call must preserve on the old stack and restores it from the new one. swapcontext would also save the
// signal mask, by a system call.
#if defined(__APPLE__)
#define SYMBOL "_brauer_emulation_switch"
#else
#define SYMBOL "brauer_emulation_switch"
#endif
#if defined(__x86_64__)
__asm__(".text\n.globl " SYMBOL "\n" SYMBOL
        ":\n"
        "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
        "movq %rsp, (%rdi)\nmovq %rsi, %rsp\n"
        "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n");
#elif defined(__aarch64__)
__asm__(".text\n.globl " SYMBOL "\n.p2align 2\n" SYMBOL
        ":\n"
        "sub sp, sp, #160\n"
        "stp x19, x20, [sp]\nstp x21, x22, [sp, #16]\nstp x23, x24, [sp, #32]\nstp x25, x26, [sp, #48]\n"
        "stp x27, x28, [sp, #64]\nstp x29, x30, [sp, #80]\n"
        "stp d8, d9, [sp, #96]\nstp d10, d11, [sp, #112]\nstp d12, d13, [sp, #128]\nstp d14, d15, [sp, #144]\n"
        "mov x9, sp\nstr x9, [x0]\nmov sp, x1\n"
        "ldp x19, x20, [sp]\nldp x21, x22, [sp, #16]\nldp x23, x24, [sp, #32]\nldp x25, x26, [sp, #48]\n"
        "ldp x27, x28, [sp, #64]\nldp x29, x30, [sp, #80]\n"
        "ldp d8, d9, [sp, #96]\nldp d10, d11, [sp, #112]\nldp d12, d13, [sp, #128]\nldp d14, d15, [sp, #144]\n"
        "add sp, sp, #160\nret\n");
#else
#error "the emulated device switches stacks on x86-64 and on 64-bit Arm only"
#endif
extern "C" void brauer_emulation_switch(void** save, void* load);

namespace brauer::emulation {

namespace {

constexpr std::size_t stack_size = finds_races || guards_memory ? 256 << 10 : 128 << 10;

// Who was left by the latest switch: AddressSanitizer tells the bounds of its stack only afterwards.
[[maybe_unused]] Context* left = nullptr;

}  // namespace

bool create_context(Context& context) {
  const auto page = std::size_t(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, stack_size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  mprotect(memory, page, PROT_NONE);  // an overflow stops there
  context.stack = static_cast<char*>(memory) + page;
  context.stack_bytes = stack_size;
  context.order = create_order();
  context.owns = true;
  return true;
}

void destroy_context(Context& context) {
  if (!context.owns) return;
  destroy_order(context.order);
  forget_stack(context.stack, context.stack_bytes);
  const auto page = std::size_t(sysconf(_SC_PAGESIZE));
  munmap(context.stack - page, context.stack_bytes + page);
  context = {};
}

void start_context(Context& context, void (*entry)()) {
  auto* top = reinterpret_cast<std::uintptr_t*>(context.stack + context.stack_bytes);
#if defined(__x86_64__)
  // As after a call: the return address, here none, at 8 modulo 16.
  *--top = 0;
  *--top = reinterpret_cast<std::uintptr_t>(entry);
  for (int i = 0; i < 6; i++) *--top = 0;
#else
  top -= 20;
  for (int i = 0; i < 20; i++) top[i] = 0;
  top[11] = reinterpret_cast<std::uintptr_t>(entry);
#endif
  context.stack_pointer = top;
  context.fake_stack = nullptr;
}

void abandon_context(Context& context) {
  destroy_order(context.order);
  context.order = create_order();
  forget_stack(context.stack, context.stack_bytes);
}

void switch_context(Context& from, Context& to) {
#if defined(BRAUER_EMULATION_ASAN)
  left = &from;
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.stack_bytes);
#endif
  switch_order(to.order);
  brauer_emulation_switch(&from.stack_pointer, to.stack_pointer);
  entered(from);
}

void entered([[maybe_unused]] Context& self) {
#if defined(BRAUER_EMULATION_ASAN)
  const void* stack = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(self.fake_stack, &stack, &bytes);
  if (!left->owns) {
    left->stack = static_cast<char*>(const_cast<void*>(stack));
    left->stack_bytes = bytes;
  }
#endif
}

}  // namespace brauer::emulation
