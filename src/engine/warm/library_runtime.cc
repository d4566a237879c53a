#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/warm/library.h"

namespace sandpit::warm {
namespace {

template <class Function>
Function* symbol(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));  // NOLINT(*-reinterpret-cast)
}

// CPython opens its program on the main thread, initialised, with its lock let go: its own API may
// be used there (Modules/main.c, pymain_run_file). So the program runs as it would have without us;
// the prelude only warms things up and leaves an os.register_at_fork handler.
int python_state = -1;
void (*python_after_fork)() = nullptr;
void (*python_unlock)(int) = nullptr;

void prepare_python(const char* prelude) {
  auto* const lock = symbol<int()>("PyGILState_Ensure");
  auto* const run = symbol<int(const char*)>("PyRun_SimpleString");
  auto* const before = symbol<void()>("PyOS_BeforeFork");
  if (lock == nullptr || run == nullptr || before == nullptr || prelude[0] == '\0') return;
  python_state = lock();
  python_after_fork = symbol<void()>("PyOS_AfterFork_Child");
  python_unlock = symbol<void(int)>("PyGILState_Release");
  prepare_to_leave();
  // In dictionaries of its own: the program's module stays as it is.
  char code[4600];
  (void)::snprintf(code, sizeof code,
                   "exec(\"f = open('%s'); s = f.read(); f.close(); "
                   "exec(compile(s, '<sandpit>', 'exec'), {'__name__': 'sandpit'})\", {})",
                   prelude);
  (void)run(code);
  before();
}

// What these do at the end of a process nobody can see any more (destructors, finalizers, shutdown
// functions and output are done by then): they take apart what is shared with the template, and so
// copy it page by page. A "return 0" is put in the place of their code.
constexpr const char* kNeedless[] = {
    "php_module_shutdown",  // PHP; php_request_shutdown() has come before
    "ruby_vm_destruct",     // Ruby; after rb_objspace_call_finalizer()
};

void leave_out(const char* name) {
  auto* const function = symbol<void()>(name);
  if (function == nullptr) return;
  constexpr char kReturnZero[] = {'\x31', '\xc0', '\xc3'};  // xor %eax, %eax; ret
  const auto page_size = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  auto* const code = reinterpret_cast<char*>(function);  // NOLINT(*-reinterpret-cast): the code
  const auto offset = reinterpret_cast<std::uintptr_t>(function) % page_size;  // NOLINT(*-cast)
  const std::size_t size = offset + sizeof kReturnZero;
  if (::mprotect(code - offset, size, PROT_READ | PROT_WRITE) < 0) return;
  std::memcpy(code, kReturnZero, sizeof kReturnZero);
  (void)::mprotect(code - offset, size, PROT_READ | PROT_EXEC);
}

// V8 keeps its heap out of forks (MADV_DONTFORK): here that is what they are for.
void fork_all_memory() {
  FILE* const maps = ::fopen("/proc/self/smaps", "re");
  if (maps == nullptr) return;
  char line[512];
  unsigned long first = 0;
  unsigned long end = 0;
  while (::fgets(line, sizeof line, maps) != nullptr) {
    unsigned long a = 0;
    unsigned long b = 0;
    if (::sscanf(line, "%lx-%lx ", &a, &b) == 2) {
      first = a;
      end = b;
    } else if (::strncmp(line, "VmFlags:", 8) == 0 && ::strstr(line, " dc") != nullptr) {
      // NOLINTNEXTLINE(*-reinterpret-cast,performance-no-int-to-ptr): the kernel's own figures
      (void)::madvise(reinterpret_cast<void*>(first), end - first, MADV_DOFORK);
    }
  }
  ::fclose(maps);
}

}  // namespace

void prepare_runtime(const char* prelude, const int* ours, std::size_t count, const char* program) {
  prepare_python(prelude);
  for (const char* name : kNeedless) leave_out(name);
  const bool threads = park_threads() != 0;
  if (const int unknown = note_descriptors(ours, count, program); unknown >= 0) {
    (void)::fprintf(stderr, "descriptor %d can't be renewed in each run\n", unknown);
    ::_exit(125);
  }
  if (threads) fork_all_memory();
}

void revive_runtime() {
  unpark_threads();
  if (python_state < 0) return;
  if (python_after_fork != nullptr) python_after_fork();
  if (python_unlock != nullptr) python_unlock(python_state);
}

}  // namespace sandpit::warm
