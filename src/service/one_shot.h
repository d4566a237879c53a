// One run in this very process: the command line is its own launcher. The process must be single-threaded.
#pragma once

#include <functional>

#include "base/result.h"
#include "sandpit/outcome.h"
#include "sandpit/sandbox.h"
#include "service/pipeline.h"

namespace sandpit {

struct OneShotIo {
  Stdin input;                 // StdinStream is not possible here
  // Bytes as they come, up to the output limit's head; the tail at the end. Answers whether the reader is still there: after
  // kGone the program's end of that pipe is closed, so that it gets SIGPIPE as in a plain pipeline.
  enum class Reader : std::uint8_t { kThere, kGone };
  std::function<Reader(OutputStream, std::string_view)> output;
  bool capture = false;        // keep the output in the Outcome as well (--json)
  std::string out_dir;         // --out
  int interrupt_fd = -1;       // when readable (a signalfd of the caller's): kill the tree, message "interrupted"
};

// What this host offers, as seen by this process: call once, before prepare(). On v2 as an ordinary user it may first move this
// process to a delegated scope of its own.
[[nodiscard]] HostFacts probe_host_facts();

// Never fails: what went wrong before the program started is an Outcome with status kSandboxError and a message.
[[nodiscard]] Outcome run_one_shot(Prepared prepared, OneShotIo io);

}  // namespace sandpit
