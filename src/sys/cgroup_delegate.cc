#include "sys/cgroup_delegate.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/units.h"
#include "sys/cgroup.h"
#include "sys/cgroup_file.h"

namespace sandpit::sys {
namespace {

using Clock = std::chrono::steady_clock;

Error refusal(std::string message) {
  return Error{.message = std::move(message),
               .hint = "systemd-run --user --scope -p Delegate=yes -- sandpit …"};
}

Milliseconds until(Clock::time_point end) {
  return std::max(Milliseconds(0), std::chrono::duration_cast<Milliseconds>(end - Clock::now()));
}

// busctl with both outputs in one pipe; what it says is the reason when it fails.
Result<pid_t> spawn(const std::vector<std::string>& command, const UniqueFd& output) {
  std::vector<char*> argv;
  argv.reserve(command.size() + 1);
  // posix_spawn takes char* for historic reasons and writes to none of them.
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, output.get(), 2);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(errno_error("start " + command[0], error));
  return pid;
}

// Everything up to the end of the output or of the time.
std::string read_until(const UniqueFd& fd, Clock::time_point end) {
  std::string text;
  std::array<char, 512> chunk{};
  for (;;) {
    pollfd ready{.fd = fd.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(until(end).count())) <= 0) break;
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got <= 0) break;
    if (text.size() < 4096) text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<void> run_busctl(const std::vector<std::string>& command, Clock::time_point end) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) return fail(errno_error("pipe2", errno));
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  SP_TRY(const pid_t pid, spawn(command, writer));
  writer.reset();
  const std::string said = read_until(reader, end);

  int status = 0;
  pid_t reaped = ::waitpid(pid, &status, WNOHANG);
  while (reaped == 0 && until(end).count() > 0) {
    std::this_thread::sleep_for(Milliseconds(1));
    reaped = ::waitpid(pid, &status, WNOHANG);
  }
  if (reaped == 0) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
    return fail(refusal("systemd did not answer in time"));
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(refusal(fmt::format("systemd refused a delegated scope: {}",
                                    said.empty() ? "busctl failed" : said)));
  }
  return {};
}

}  // namespace

std::string find_busctl(std::span<const std::string_view> directories) {
  for (const std::string_view directory : directories) {
    std::string path = fmt::format("{}/busctl", directory);
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

// StartTransientUnit(name, mode, properties a(sv), auxiliary units a(sa(sv))): see
// org.freedesktop.systemd1(5).
std::vector<std::string> delegation_command(const std::string& busctl, SystemdBus bus,
                                            const std::string& scope, pid_t pid) {
  return {busctl,
          bus == SystemdBus::kUser ? "--user" : "--system",
          "--quiet",
          "call",
          "org.freedesktop.systemd1",
          "/org/freedesktop/systemd1",
          "org.freedesktop.systemd1.Manager",
          "StartTransientUnit",
          "ssa(sv)a(sa(sv))",
          scope,
          "fail",
          "2",
          "PIDs",
          "au",
          "1",
          fmt::format("{}", pid),
          "Delegate",
          "b",
          "true",
          "0"};
}

Result<void> delegate_with(std::span<const std::string_view> directories, Milliseconds timeout) {
  const auto end = Clock::now() + timeout;
  const std::string busctl = find_busctl(directories);
  if (busctl.empty()) {
    return fail(Error{.message = "no busctl on this host, so systemd can't be asked for a cgroup",
                      .hint = "apt install systemd",
                      .errno_value = ENOENT});
  }
  const auto bus = ::geteuid() == 0 ? SystemdBus::kSystem : SystemdBus::kUser;
  const pid_t self = ::getpid();
  const std::string scope = fmt::format("sandpit-{}.scope", self);
  SP_TRY_VOID(run_busctl(delegation_command(busctl, bus, scope, self), end));
  // The answer is a job: systemd moves the process a moment later.
  for (;;) {
    const auto group = read_path("/proc/self/cgroup");
    if (group && group->find("/" + scope) != std::string::npos) return {};
    if (until(end).count() == 0) break;
    std::this_thread::sleep_for(Milliseconds(1));
  }
  return fail(
      refusal(fmt::format("systemd accepted {} but did not move this process in time", scope)));
}

Result<void> delegate_by_systemd(Milliseconds timeout) {
  constexpr std::array<std::string_view, 2> kDirectories{"/usr/bin", "/bin"};
  return delegate_with(kDirectories, timeout);
}

}  // namespace sandpit::sys
