#include "runtime/version.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX's, for kill and sigset_t
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "sandpit/units.h"

namespace sandpit {
namespace {

constexpr std::size_t kMostOutput = 4096;

struct Child {
  pid_t pid = -1;
  UniqueFd output;
};

std::vector<char*> c_strings(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  // posix_spawn takes char* const* for historical reasons and does not write.
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::optional<Child> spawn(const std::vector<std::string>& argv) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  Child child{.pid = -1, .output = UniqueFd(ends[0])};
  const UniqueFd write_end(ends[1]);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions, "/");
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  // A group of its own, so that the whole of it can be killed.
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  const std::vector<std::string> environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C",
                                                "HOME=/"};
  const int error = ::posix_spawn(&child.pid, argv.front().c_str(), &actions, &attributes,
                                  c_strings(argv).data(), c_strings(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return std::nullopt;
  return child;
}

// Until end of file, the limit or the deadline. Answers whether it ended by itself.
bool collect(int fd, std::chrono::steady_clock::time_point deadline, std::string& text) {
  std::array<char, 1024> buffer{};
  while (text.size() < kMostOutput) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd poll_fd{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&poll_fd, 1, static_cast<int>(left.count()));
    if (ready == 0) return false;
    if (ready < 0 && errno != EINTR) return false;
    if (ready < 0) continue;
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count == 0) return true;
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

std::string output_of(const std::vector<std::string>& argv, Milliseconds timeout) {
  if (argv.empty()) return {};
  std::optional<Child> child = spawn(argv);
  if (!child) return {};
  std::string text;
  const bool ended = collect(child->output.get(), std::chrono::steady_clock::now() + timeout, text);
  // Also after its end of file: it may have closed its output and gone on.
  ::kill(-child->pid, SIGKILL);
  // ECHILD when the host program ignores SIGCHLD: the kernel has reaped it then.
  while (::waitpid(child->pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (!ended) return {};
  text.resize(std::min(text.size(), kMostOutput));
  return text;
}

std::string version_in(std::string_view output, std::string_view after) {
  const std::size_t found = output.find(after);
  if (found == std::string_view::npos) return {};
  const std::string_view rest = output.substr(found + after.size());
  return std::string(rest.substr(0, rest.find_first_of(" \t\r\n,;\"()")));
}

}  // namespace sandpit
