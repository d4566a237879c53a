// The functions of include/sandpit/outcome.h.
#include "sandpit/outcome.h"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>

#include <csignal>
#include <cstring>
#include <string>

namespace sandpit {

const char* to_string(Status status) {
  switch (status) {
    case Status::kExited:
      return "exited";
    case Status::kSignaled:
      return "signaled";
    case Status::kWallTimeExceeded:
      return "wall_time_exceeded";
    case Status::kCpuTimeExceeded:
      return "cpu_time_exceeded";
    case Status::kMemoryExceeded:
      return "memory_exceeded";
    case Status::kOutputExceeded:
      return "output_exceeded";
    case Status::kCompileFailed:
      return "compile_failed";
    case Status::kTrapped:
      return "trapped";
    case Status::kRefused:
      return "refused";
    case Status::kSandboxError:
      return "sandbox_error";
  }
  return "sandbox_error";
}

int exit_status(const Outcome& outcome) {
  switch (outcome.status) {
    case Status::kExited:
      return outcome.exit_code;
    case Status::kSignaled:
      return 128 + outcome.signal;
    case Status::kWallTimeExceeded:
    case Status::kCpuTimeExceeded:
      return 124;
    case Status::kMemoryExceeded:
      return 137;
    case Status::kOutputExceeded:
      return 153;
    case Status::kCompileFailed:
      return 65;
    case Status::kTrapped:
      return 134;
    case Status::kRefused:
      return 126;
    case Status::kSandboxError:
      return 125;
  }
  return 125;
}

std::string signal_name(int signal) {
  if (signal <= 0) return {};
  // The two below SIGRTMIN are glibc's own (SIGCANCEL, SIGSETXID): they have no name.
  if (signal == SIGRTMIN) return "SIGRTMIN";
  if (signal == SIGRTMAX) return "SIGRTMAX";
  if (signal > SIGRTMIN && signal < SIGRTMAX) return fmt::format("SIGRTMIN+{}", signal - SIGRTMIN);
  const char* name = ::sigabbrev_np(signal);  // glibc 2.32
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("SIG{}", signal);
}

}  // namespace sandpit
