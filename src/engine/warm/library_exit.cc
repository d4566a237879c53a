// A shorter end for CPython. Most of what its own end does to a forked run is to write to memory
// that it shares with its template: hundreds of pages are copied to be freed a moment later. What a
// program can see of it (joining threads, atexit, flushing, collecting, clearing modules and with
// them calling __del__) happens as always; then the prelude's last object opens kLeavePath, and
// Py_FinalizeEx() is left as if it had come to its end. Its callers know the exit status.
#include <dlfcn.h>
#include <unwind.h>

#include <cstddef>
#include <cstdint>

#include "engine/warm/library.h"

namespace sandpit::warm {
namespace {

// x86-64 psABI, table 3.36: DWARF numbers of the registers that a function must restore.
constexpr int kSaved[] = {3, 6, 12, 13, 14, 15};  // rbx rbp r12 r13 r14 r15
constexpr std::size_t kSavedCount = sizeof kSaved / sizeof *kSaved;

std::uintptr_t finalization = 0;  // Py_FinalizeEx()

// Where the caller of a function goes on after it.
struct Caller {
  std::uintptr_t callee = 0;
  bool callee_seen = false;
  bool found = false;
  // Read by the assembly below, at these offsets.
  struct Registers {
    std::uintptr_t saved[kSavedCount] = {};
    std::uintptr_t stack = 0;
    std::uintptr_t next = 0;
  } registers;
};

_Unwind_Reason_Code look(_Unwind_Context* context, void* argument) {
  auto& caller = *static_cast<Caller*>(argument);
  if (!caller.callee_seen) {
    caller.callee_seen = _Unwind_GetRegionStart(context) == caller.callee;
    return _URC_NO_REASON;
  }
  for (std::size_t i = 0; i < kSavedCount; ++i) {
    caller.registers.saved[i] = _Unwind_GetGR(context, kSaved[i]);
  }
  caller.registers.stack = _Unwind_GetCFA(context);  // the callee's: what its return leaves
  caller.registers.next = _Unwind_GetIP(context);
  caller.found = true;
  return _URC_NORMAL_STOP;
}

// The callee returns 0.
[[noreturn]] void go_on(const Caller::Registers& registers) {
  static_assert(offsetof(Caller::Registers, stack) == 48 &&
                offsetof(Caller::Registers, next) == 56);
  asm volatile(
      "mov 0(%0), %%rbx\n\t"
      "mov 8(%0), %%rbp\n\t"
      "mov 16(%0), %%r12\n\t"
      "mov 24(%0), %%r13\n\t"
      "mov 32(%0), %%r14\n\t"
      "mov 40(%0), %%r15\n\t"
      "mov 48(%0), %%rsp\n\t"
      "xor %%eax, %%eax\n\t"
      "jmp *56(%0)"
      :
      : "c"(&registers)
      : "memory");
  __builtin_unreachable();
}

}  // namespace

void prepare_to_leave() {
  // NOLINTNEXTLINE(*-reinterpret-cast): an address
  finalization = reinterpret_cast<std::uintptr_t>(::dlsym(RTLD_DEFAULT, "Py_FinalizeEx"));
}

void leave_finalization() {
  Caller caller;
  caller.callee = finalization;
  if (caller.callee == 0) return;
  (void)_Unwind_Backtrace(look, &caller);
  if (caller.found) go_on(caller.registers);
}

}  // namespace sandpit::warm
