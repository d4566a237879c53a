#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/warm/library.h"
#include "engine/warm/run_image.h"

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

// V8 seeds Math.random of each context, and more, from a generator of the whole isolate, which has
// been used when the template is ready: every run would go on from there. The flag --random-seed,
// which the prelude has for builds without these symbols, gives all contexts and worker threads of
// a run the same numbers.
void* (*v8_isolate)() = nullptr;
void* (*v8_generator)(void* isolate) = nullptr;
void (*v8_seed)(void* generator, std::int64_t seed) = nullptr;

void find_v8() {
  v8_isolate = symbol<void*()>("_ZN2v87Isolate10GetCurrentEv");
  v8_generator = symbol<void*(void*)>("_ZN2v88internal7Isolate23random_number_generatorEv");
  v8_seed = symbol<void(void*, std::int64_t)>("_ZN2v84base21RandomNumberGenerator7SetSeedEl");
  if (v8_generator == nullptr || v8_seed == nullptr) v8_isolate = nullptr;
  if (v8_isolate != nullptr && ::setenv(kSeededVariable, "1", 1) < 0) v8_isolate = nullptr;
}

void seed_v8() {
  void* const isolate = v8_isolate == nullptr ? nullptr : v8_isolate();
  if (isolate == nullptr) return;
  std::int64_t seed = 0;
  const int device = ::open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  if (::read(device, &seed, sizeof seed) != static_cast<ssize_t>(sizeof seed)) ::_exit(125);
  ::close(device);
  v8_seed(v8_generator(isolate), seed);
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
  find_v8();
  const bool threads = park_threads() != 0;
  if (const int unknown = note_descriptors(ours, count, program); unknown >= 0) {
    (void)::fprintf(stderr, "descriptor %d can't be renewed in each run\n", unknown);
    ::_exit(125);
  }
  if (threads) fork_all_memory();
}

void revive_runtime() {
  seed_v8();
  unpark_threads();
  if (python_state < 0) return;
  if (python_after_fork != nullptr) python_after_fork();
  if (python_unlock != nullptr) python_unlock(python_state);
}

}  // namespace sandpit::warm
