// Starts a command as cheaply as the C library can (posix_spawn: no copy of our memory), reads its
// output to the end, reaps it and times all of it. The same code for the bare command and for every
// peer, so that what it costs itself cancels out.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sandpit::bench {

using Nanoseconds = std::chrono::nanoseconds;

struct Finished {
  Nanoseconds elapsed{
      0};          // from before the pipe is made until the process is reaped and its output read
  int status = 0;  // as of wait(2)
  std::string output;  // standard output
  bool timed_out = false;
};

class Command {
 public:
  // `mount_namespace` (a /proc/PID/ns/mnt, empty: ours) is entered before the clock starts and left
  // after it stops.
  static Result<Command> create(std::vector<std::string> argv, const std::string& mount_namespace,
                                std::chrono::seconds patience);
  // Standard input is /dev/null.
  [[nodiscard]] Result<Finished> run();
  // What the last run wrote to standard error, for messages.
  [[nodiscard]] std::string last_error_text() const;

 private:
  Command() = default;
  Result<Finished> run_here();

  std::vector<std::string> argv_;
  std::chrono::seconds patience_{0};
  UniqueFd null_;
  UniqueFd error_file_;  // a memfd: a second pipe to read would cost every contender a poll
  UniqueFd own_namespace_;
  UniqueFd other_namespace_;
};

}  // namespace sandpit::bench
