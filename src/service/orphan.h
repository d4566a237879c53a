// Starts a program of ours without disturbing the process that we are a guest in: its wait calls
// and its SIGCHLD handler don't see it. Safe from several threads.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sandpit {

struct Orphan {
  std::string path;
  const char* name = "";             // its argv[0]; there are no arguments
  std::span<const int> descriptors;  // become 3, 4, … in it
  char* const* environment = nullptr;
};

// As a grandchild, with empty signal mask and default dispositions: init, or the host when it is
// a subreaper, reaps it. Answers its pidfd. kSandbox when it can't be started.
[[nodiscard]] Result<UniqueFd> start_orphan(const Orphan& orphan);

}  // namespace sandpit
