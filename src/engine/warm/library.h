// libsandpit_warm.so, preloaded into a template: see run_image.h. Linked into nothing else.
// Everything here runs in somebody else's process: no allocation, no C++ library, no symbol but the
// interposed ones is visible.
#pragma once

#include <csetjmp>

#include "engine/warm/run_image.h"

// For the interpreter to see; everything else of this library is hidden.
#define SP_INTERPOSE extern "C" __attribute__((visibility("default")))

namespace sandpit::warm {

// The template's own facts, for its runs.
struct TemplateState {
  int control = -1;
  int init = -1;
  int networks[kMostNetworks] = {};  // its own network namespaces, -1: not made yet
  std::uint64_t signal_mask = 0;        // before it became a template; the runs go on with it
  unsigned long child_action[4] = {};   // struct kernel_sigaction of SIGCHLD, likewise
};

// Starts one run. Comes back twice: in the template with kTemplate, and in the run's program, which
// has everything of its own by then, with kProgram and the descriptor of its record.
enum class Side : int { kTemplate = 0, kProgram = 1 };
struct Forked {
  Side side = Side::kTemplate;
  int record = -1;
};
[[nodiscard]] Forked fork_run(TemplateState& state, RunImage& image);

// What an interpreter needs in the template before the first fork, and in each program after it:
// library_runtime.cc. `prelude`: for those whose own open of the program is the trigger.
void prepare_runtime(const char* prelude);
void revive_runtime();

}  // namespace sandpit::warm
