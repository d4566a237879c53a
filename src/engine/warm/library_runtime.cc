#include <dlfcn.h>
#include <string.h>

#include <cstddef>
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
  if (lock == nullptr || run == nullptr || before == nullptr) return;
  python_state = lock();
  char code[4400] = "exec(compile(open('";
  ::strcat(code, prelude);
  ::strcat(code, "').read(), '<sandpit>', 'exec'), {'__name__': 'sandpit'})");
  (void)run(code);
  before();
}

}  // namespace

void prepare_runtime(const char* prelude) { prepare_python(prelude); }

void revive_runtime() {
  if (python_state < 0) return;
  if (auto* const after = symbol<void()>("PyOS_AfterFork_Child"); after != nullptr) after();
  if (auto* const unlock = symbol<void(int)>("PyGILState_Release"); unlock != nullptr) {
    unlock(python_state);
  }
}

}  // namespace sandpit::warm
