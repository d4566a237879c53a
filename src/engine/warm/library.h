// libsandpit_warm.so, preloaded into a template: see run_image.h. Linked into nothing else.
// Everything here runs in somebody else's process: no allocation, no C++ library, no symbol but the
// interposed ones is visible.
#pragma once

#include <sys/types.h>

#include <csetjmp>
#include <cstddef>
#include <cstdint>

#include "engine/warm/run_image.h"
#include "sys/raw.h"

// For the interpreter to see; everything else of this library is hidden.
#define SP_INTERPOSE extern "C" __attribute__((visibility("default")))

namespace sandpit::warm {

// What the kernel knows of a thread only because glibc has told it.
struct ThreadRegistration {
  void* robust_list = nullptr;
  std::size_t robust_size = 0;
  int* id = nullptr;  // cleared by the kernel at the thread's end (set_tid_address(2))
};

// The template's own facts, for its runs.
struct TemplateState {
  int control = -1;
  int init = -1;
  int networks[kMostNetworks] = {};     // its own network namespaces, -1: not made yet
  std::uint64_t signal_mask = 0;        // before it became a template; the runs go on with it
  sys::raw::KernelAction child_action;  // of SIGCHLD, likewise
  ThreadRegistration registration;      // of the main thread
  int nonblocking[3] = {};  // O_NONBLOCK of the standard streams, as the interpreter has set it
};

// Starts one run. Comes back twice: in the template with kTemplate, and in the run's program, which
// has everything of its own by then, with kProgram and the descriptor of its record.
enum class Side : int { kTemplate = 0, kProgram = 1 };
struct Forked {
  Side side = Side::kTemplate;
  int record = -1;
};
[[nodiscard]] Forked fork_run(TemplateState& state, RunImage& image);

// A child with all that the interpreter consists of, its parked threads included.
// `registration`: of the calling thread, which the child then registers for itself.
[[nodiscard]] pid_t fork_whole(const ThreadRegistration& registration);

// glibc's fork(2), past the one that this library puts before it.
using ForkFunction = pid_t();
[[nodiscard]] ForkFunction* real_fork();

// NUL-terminated: the program's path, then the run's arguments (RunImage::record).
struct Words {
  const char* bytes = nullptr;
  std::size_t size = 0;
};

// library_once.cc: waits for a run, at a trigger. The words are in `block`; the record is open.
struct Started {
  Words words;
  int record = -1;
};
[[nodiscard]] Started wait_once(int control, const char* work_dir, char* block, std::size_t room);

// Waits here, if this is the place; then this is a run's program, and its words are known.
[[nodiscard]] bool waited_at(const char* place);
[[nodiscard]] Words words_of_run();

// What an interpreter needs in the template before the first fork, and in each program after it:
// library_runtime.cc. `prelude`: for those whose own open of the program is the trigger.
// `ours`: descriptors that are no run's. `program`: where the template has one, for its rehearsal.
void prepare_runtime(const char* prelude, const int* ours, std::size_t count, const char* program);
void revive_runtime();

// library_memory.cc. In the template, before the first fork: has the program at this path run by a
// child, and removes it. True in the child, which goes on as a run does.
[[nodiscard]] bool rehearse(const char* program);
// In each run's program: makes the memory that the rehearsal has touched.
void touch_memory();

// library_exit.cc. Called below Py_FinalizeEx(), goes on with its caller as if it had returned 0;
// comes back where there is none. prepare_to_leave(): before, in the template.
void prepare_to_leave();
void leave_finalization();

// library_threads.cc. Stops every other thread for good, once; answers how many there were. Each
// program starts them again, after everything else.
std::size_t park_threads();
[[nodiscard]] bool has_parked_threads();
void unpark_threads();

// library_descriptors.cc. Remembers what there is to renew, once, but for the descriptors in
// `except`; answers one that can't be renewed, or -1. Each program renews them; false with errno.
// The program itself (`program`: its path), which an interpreter may have opened and not yet read,
// is renewed when it is there.
[[nodiscard]] int note_descriptors(const int* except, std::size_t count, const char* program);
[[nodiscard]] bool renew_descriptors();
void renew_program();

[[nodiscard]] ThreadRegistration registration_of_this_thread();
void register_this_thread(const ThreadRegistration& registration);

}  // namespace sandpit::warm
