#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

void prepare_python(const char* prelude) {
  auto* const lock = symbol<int()>("PyGILState_Ensure");
  auto* const run = symbol<int(const char*)>("PyRun_SimpleString");
  auto* const before = symbol<void()>("PyOS_BeforeFork");
  if (lock == nullptr || run == nullptr || before == nullptr || prelude[0] == '\0') return;
  python_state = lock();
  // In dictionaries of its own: the program's module stays as it is.
  char code[4600];
  (void)::snprintf(code, sizeof code,
                   "exec(\"f = open('%s'); s = f.read(); f.close(); "
                   "exec(compile(s, '<sandpit>', 'exec'), {'__name__': 'sandpit'})\", {})",
                   prelude);
  (void)run(code);
  before();
}

// The end of PHP's process, after the request's: destructors, shutdown functions and output are done
// by then. What is left takes apart what is shared with the template, page by page: a return
// instruction is put in its place.
void prepare_php() {
  auto* const end = symbol<void()>("php_module_shutdown");
  if (end == nullptr) return;
  constexpr char kReturn = '\xc3';
  const auto page_size = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  // NOLINTNEXTLINE(*-reinterpret-cast): the code itself
  auto* const code = reinterpret_cast<char*>(end);
  // NOLINTNEXTLINE(*-reinterpret-cast)
  char* const page = code - reinterpret_cast<std::uintptr_t>(end) % page_size;
  if (::mprotect(page, page_size, PROT_READ | PROT_WRITE) < 0) return;
  *code = kReturn;
  (void)::mprotect(page, page_size, PROT_READ | PROT_EXEC);
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

void prepare_runtime(const char* prelude) {
  prepare_python(prelude);
  prepare_php();
  if (park_threads() == 0) return;
  note_descriptors();
  fork_all_memory();
}

void revive_runtime() {
  unpark_threads();
  if (python_state < 0) return;
  if (auto* const after = symbol<void()>("PyOS_AfterFork_Child"); after != nullptr) after();
  if (auto* const unlock = symbol<void(int)>("PyGILState_Release"); unlock != nullptr) {
    unlock(python_state);
  }
}

}  // namespace sandpit::warm
