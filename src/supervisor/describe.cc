#include "supervisor/describe.h"

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include "base/errno_text.h"
#include "base/unique_fd.h"
#include "engine/jail/child.h"
#include "engine/jail/jail.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "supervisor/supervisor.h"

namespace sandpit {
namespace {

void fill_usage(const RunFacts& facts, Outcome& outcome) {
  const sys::CgroupUsage& usage = facts.usage;
  outcome.wall_time = facts.wall_time;
  outcome.user_time = usage.user.value_or(facts.end.user_time);
  outcome.system_time = usage.system.value_or(facts.end.system_time);
  outcome.cpu_time =
      usage.cpu.value_or(std::max(facts.sampled_cpu, facts.end.user_time + facts.end.system_time));
  outcome.peak_memory =
      usage.memory_peak.value_or(std::max(facts.sampled_memory, facts.end.largest_process));
  outcome.files = facts.files;
}

bool grants_writing(const Plan& plan) {
  return std::ranges::any_of(plan.mounts, [](const Mount& mount) {
    return (mount.flags & kMountGranted) != 0 && (mount.flags & kMountReadOnly) == 0;
  });
}

void fill_enforcement(const RunFacts& facts, Outcome& outcome) {
  for (const Enforcement& row : facts.plan.enforcement) {
    std::string text = mechanisms_text(row);
    if (row.limit == "disk" && grants_writing(facts.plan)) {
      text += " (not of paths granted read-write)";
    }
    outcome.enforcement[row.limit] = text;
  }
  outcome.enforcement["namespaces"] = facts.plan.network == NetworkMode::kHost
                                          ? "user+pid+mount+ipc+uts+cgroup"
                                          : "user+pid+mount+net+ipc+uts+cgroup";
  outcome.enforcement["seccomp"] = facts.plan.syscall_profile;
  outcome.enforcement["landlock"] = facts.plan.landlock.empty()
                                        ? "none (degraded)"
                                        : fmt::format("abi {}", facts.plan.landlock_abi);
  if (facts.proc_missing) outcome.enforcement["proc"] = "none (degraded)";
}

// What init or the program's side said before it gave up.
void describe_launch_failure(const RunFacts& facts, Outcome& outcome) {
  using jail::LaunchStep;
  const jail::ChildMessage& failure = *facts.launch_failure;
  const Plan& plan = facts.plan;
  const std::string reason = errno_text(failure.errno_value);
  const auto detail = static_cast<std::size_t>(std::max(failure.detail, 0));
  outcome.status = Status::kSandboxError;
  if (failure.step == LaunchStep::kInput && (failure.errno_value == ENOSPC)) {
    outcome.status = Status::kRefused;
    outcome.message = fmt::format(
        "{} does not fit: the disk limit is {} and {} files (--disk, max_disk_mb, max_inodes)",
        detail < plan.inputs.size() ? plan.inputs[detail].name : "the source",
        human(plan.limits.disk), plan.limits.inodes);
    return;
  }
  if (failure.step == LaunchStep::kExec) {
    outcome.message =
        fmt::format("can't execute {}: {}", plan.argv.empty() ? "" : plan.argv.front(), reason);
    // Text, an empty file, a program of another machine: the file is at fault, not the sandbox.
    if (failure.errno_value == ENOEXEC) {
      outcome.status = Status::kRefused;
      outcome.message +=
          " (it is no program of this machine; a source runs with `sandpit run "
          "--runtime NAME`)";
    } else if (failure.errno_value == E2BIG) {
      outcome.status = Status::kRefused;
      outcome.message +=
          " (one argument or variable may have 128 KiB, all together a quarter of --stack and at "
          "most 6 MiB: execve(2))";
    }
    return;
  }
  if (failure.step == LaunchStep::kWorkingDirectory &&
      (failure.errno_value == ENOENT || failure.errno_value == ENOTDIR)) {
    outcome.status = Status::kRefused;
    outcome.message = fmt::format(
        "can't start in {}: {} inside (--read and --write show more of "
        "the host there)",
        plan.cwd, reason);
    return;
  }
  std::string what = jail::to_string(failure.step);
  if (failure.step == LaunchStep::kMount && failure.detail >= 0 && detail < plan.mounts.size()) {
    what += " " + plan.mounts[detail].target;
  } else if (failure.step == LaunchStep::kLandlock && failure.detail >= 0 &&
             detail < plan.landlock.size()) {
    what += " rule for " + plan.landlock[detail].path;
  } else if (failure.step == LaunchStep::kWorkingDirectory) {
    what += " " + plan.cwd;
  }
  outcome.message = fmt::format("the sandbox could not be set up: {}: {}", what, reason);
  if (failure.step == LaunchStep::kProc && failure.errno_value == EPERM) {
    outcome.message +=
        " (something is mounted over this host's /proc: `sandpit doctor` names it; allow_degraded "
        "= [\"proc\"] runs without)";
  }
}

std::string describe_memory(const RunFacts& facts) {
  std::string text = fmt::format("memory limit of {} exceeded", human(facts.plan.limits.memory));
  if (facts.files.count() > 0) text += fmt::format("; {} of it in files", human(facts.files));
  return text;
}

bool ended_by_cpu(const RunFacts& facts, const Outcome& outcome) {
  if (facts.reason == KillReason::kCpuTime) return true;
  // The per-process backstop (RLIMIT_CPU) was faster than the timer.
  const bool signaled = WIFSIGNALED(facts.wait_status) && facts.wait_status != -1;
  const int signal = signaled ? WTERMSIG(facts.wait_status) : 0;
  return (signal == SIGKILL || signal == SIGXCPU) && outcome.cpu_time >= facts.plan.limits.cpu_time;
}

// Whoever looks for what did it wants to know whether init was killed or gave up by itself.
std::string init_text(int status) {
  if (status == -1) return {};
  return WIFEXITED(status) ? fmt::format(" (its init exited with {})", WEXITSTATUS(status))
                           : fmt::format(" (its init: {})", signal_name(WTERMSIG(status)));
}

void describe_end(const RunFacts& facts, Outcome& outcome) {
  if (facts.usage.oom_kills > 0 || facts.reason == KillReason::kMemory) {
    outcome.status = Status::kMemoryExceeded;
    outcome.signal = SIGKILL;
    outcome.message = describe_memory(facts);
  } else if (ended_by_cpu(facts, outcome)) {
    outcome.status = Status::kCpuTimeExceeded;
    outcome.signal = SIGKILL;
    outcome.message =
        fmt::format("CPU time limit of {} exceeded",
                    human(std::chrono::duration_cast<Microseconds>(facts.plan.limits.cpu_time)));
  } else if (facts.reason == KillReason::kWallTime ||
             (facts.wait_status == -1 && facts.reason == KillReason::kNone &&
              facts.wall_time >= facts.plan.limits.wall_time)) {
    // The second: we were stopped, and init's own clock has ended the run.
    outcome.status = Status::kWallTimeExceeded;
    outcome.signal = SIGKILL;
    outcome.message =
        fmt::format("time limit of {} exceeded",
                    human(std::chrono::duration_cast<Microseconds>(facts.plan.limits.wall_time)));
  } else if (facts.reason == KillReason::kCancelled) {
    outcome.status = Status::kSignaled;
    outcome.signal = SIGKILL;
    outcome.message = facts.kill_message;
  } else if (facts.wait_status == -1) {
    outcome.status = Status::kSignaled;
    outcome.signal = SIGKILL;
    outcome.message = "the sandbox was killed from outside" + init_text(facts.end.init_status);
  } else if (WIFEXITED(facts.wait_status)) {
    outcome.status = Status::kExited;
    outcome.exit_code = WEXITSTATUS(facts.wait_status);
  } else {
    outcome.status = Status::kSignaled;
    outcome.signal = WTERMSIG(facts.wait_status);
    outcome.message = fmt::format("killed by {}", signal_name(outcome.signal));
  }
}

// What the program came up against. Open files are the kernel's to refuse, and it tells nobody; the
// size of one file shows where the signal ended the program.
void fill_limits_reached(const RunFacts& facts, Outcome& outcome) {
  const Limits& limits = facts.plan.limits;
  const auto reached = [&](const char* limit, std::string detail, const char* option,
                           std::uint64_t count = 1) {
    outcome.limits_reached.push_back(
        {.limit = limit, .detail = std::move(detail), .hint = option, .count = count});
  };
  if (outcome.status == Status::kMemoryExceeded) {
    reached("memory", fmt::format("limit {}", human(limits.memory)), "--memory");
  }
  if (outcome.status == Status::kCpuTimeExceeded) {
    reached("cpu_time", fmt::format("limit {}", human(Microseconds(limits.cpu_time))),
            "--cpu-time");
  }
  if (outcome.status == Status::kWallTimeExceeded) {
    reached("wall_time", fmt::format("limit {}", human(Microseconds(limits.wall_time))),
            "--timeout");
  }
  if (const std::uint64_t denied = facts.usage.pids_denied; denied > 0) {
    reached("processes",
            fmt::format("{} refused, limit {}", denied == 1 ? "one" : fmt::format("{}", denied),
                        limits.processes),
            "--processes", denied);
  }
  if (outcome.status == Status::kSignaled && outcome.signal == SIGXFSZ) {
    reached("file_size", fmt::format("limit {}", human(limits.file_size)), "--file-size");
  }
  if (facts.volume_full != VolumeFull::kNo) {
    const bool files = facts.volume_full == VolumeFull::kFiles;
    reached(
        files ? "inodes" : "disk",
        fmt::format("full at the end, limit {} and {} files", human(limits.disk), limits.inodes),
        files ? "max_inodes in [resource_limits]" : "--disk");
  }
  if (outcome.stdout_truncated || outcome.stderr_truncated) {
    reached("output",
            fmt::format("{} bytes written to {}, limit {}",
                        outcome.stdout_truncated ? outcome.stdout_bytes : outcome.stderr_bytes,
                        outcome.stdout_truncated ? "stdout" : "stderr", human(limits.output)),
            "--output-limit");
  }
}

}  // namespace

jail::Jail::End told_end(const jail::ChildMessage& message) {
  static constexpr std::int64_t kMost = std::int64_t{1} << 50;  // 36 years; in KiB an exbibyte
  const auto within = [](std::int64_t value) { return std::clamp<std::int64_t>(value, 0, kMost); };
  return {
      .user_time = Microseconds(within(message.user_us)),
      .system_time = Microseconds(within(message.system_us)),
      .largest_process = ByteCount::kib(static_cast<std::uint64_t>(within(message.largest_kib)))};
}

void describe_run(const RunFacts& facts, Outcome& outcome) {
  outcome.runtime = facts.plan.runtime;
  outcome.runtime_version = facts.plan.runtime_version;
  outcome.engine = facts.plan.engine;
  outcome.warnings = facts.plan.warnings;
  fill_usage(facts, outcome);
  fill_enforcement(facts, outcome);
  if (facts.launch_failure != nullptr) {
    describe_launch_failure(facts, outcome);
  } else {
    describe_end(facts, outcome);
    fill_limits_reached(facts, outcome);
  }
}

ByteCount volume_bytes(const UniqueFd& volume) {
  struct statfs status{};
  if (!volume.valid() || ::fstatfs(volume.get(), &status) < 0) return {};
  return ByteCount::bytes((status.f_blocks - status.f_bfree) *
                          static_cast<std::uint64_t>(status.f_bsize));
}

VolumeFull volume_full(const UniqueFd& volume) {
  struct statfs status{};
  if (!volume.valid() || ::fstatfs(volume.get(), &status) < 0) return VolumeFull::kNo;
  if (status.f_bavail == 0) return VolumeFull::kBytes;
  return status.f_ffree == 0 ? VolumeFull::kFiles : VolumeFull::kNo;
}

long online_processors() { return std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)); }

std::string human(ByteCount bytes) {
  static constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes.count());
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.4g} {}", value, kUnits[unit]);
}

std::string human(Microseconds time) {
  if (time < std::chrono::seconds(1))
    return fmt::format("{:.4g} ms", static_cast<double>(time.count()) / 1e3);
  return fmt::format("{:.4g} s", static_cast<double>(time.count()) / 1e6);
}

}  // namespace sandpit
