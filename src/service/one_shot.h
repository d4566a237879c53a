// One run in this very process: the command line is its own launcher. The process must be
// single-threaded.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "sandpit/outcome.h"
#include "sandpit/sandbox.h"
#include "service/pipeline.h"
#include "sys/cgroup.h"

namespace sandpit {

// What this host offers, as seen by this process. Probe once, before prepare(). On cgroup v2 as an
// ordinary user it may first move this process to a delegated scope of its own.
struct Host {
  sys::CgroupHost cgroups;
  HostFacts facts;
};
[[nodiscard]] Host probe_host();

struct OneShotIo {
  Stdin input;  // StdinStream is not possible here
  // Bytes as they come, up to the output limit's head; the tail at the end. Answers whether the
  // reader is still there: after kGone the program's end of that pipe is closed, so that it gets
  // SIGPIPE as in a plain pipeline.
  enum class Reader : std::uint8_t { kThere, kGone };
  std::function<Reader(OutputStream, std::string_view)> output;
  // Descriptors that `output` writes to: it is called when they can take 4096 bytes without
  // blocking, so that a reader who has stopped does not stop the clock as well.
  int stdout_sink = 1;
  int stderr_sink = 2;
  bool capture = false;  // keep the output in the Outcome (--json)
  std::string out_dir;   // --out
  // A compile step went well; its messages may be worth showing before the program starts.
  std::function<void(const Outcome&)> compiled;
  int interrupt_fd =
      -1;  // when readable (a signalfd of the caller's): kill the tree, message "interrupted"
};

// Never fails: what went wrong before the program started is an Outcome with status kSandboxError
// and a message.
[[nodiscard]] Outcome run_one_shot(Prepared prepared, OneShotIo io, const Host& host);

}  // namespace sandpit
