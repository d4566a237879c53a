#include "sys/cgroup_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/cgroup_layout.h"

namespace sandpit::sys {
namespace {

using std::chrono::microseconds;

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

// The largest file that is read this way is memory.events or cpu.stat: a few hundred bytes.
using SmallBuffer = std::array<char, 2048>;

std::string_view read_small(int fd, SmallBuffer& buffer) {
  const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), 0);
  return got > 0 ? std::string_view(buffer.data(), static_cast<std::size_t>(got))
                 : std::string_view{};
}

Result<std::string> read_all(int fd, std::string_view what) {
  constexpr std::size_t kMost = std::size_t{64} << 10U;
  std::string text;
  std::array<char, 4096> chunk{};
  while (text.size() < kMost) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error(fmt::format("read {}", what), errno));
    if (got == 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::vector<pid_t> listed(int dir) {
  std::vector<pid_t> pids;
  const auto text = read_at(dir, "cgroup.procs");
  if (!text) return pids;
  for_each_line(*text, [&](std::string_view line) {
    // 0 stands for a process of a pid namespace that is not ours: it can't be named.
    if (const auto pid = parse_number(line); pid && *pid != 0)
      pids.push_back(static_cast<pid_t>(*pid));
  });
  return pids;
}

}  // namespace

Result<UniqueFd> open_at(int dir, const char* name, int flags) {
  UniqueFd fd(::openat(dir, name, flags | O_CLOEXEC));
  if (!fd.valid()) return fail(errno_error(fmt::format("open {}", name), errno));
  return fd;
}

Result<void> write_at(int dir, const char* name, std::string_view value) {
  SP_TRY(const UniqueFd fd, open_at(dir, name, O_WRONLY));
  if (::write(fd.get(), value.data(), value.size()) < 0) {
    return fail(errno_error(fmt::format("write \"{}\" to {}", value, name), errno));
  }
  return {};
}

Result<void> write_number_at(int dir, const char* name, std::uint64_t value) {
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{}) return fail(errno_error(name, EOVERFLOW));
  return write_at(dir, name, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

Result<std::string> read_at(int dir, const char* name) {
  SP_TRY(const UniqueFd fd, open_at(dir, name, O_RDONLY));
  return read_all(fd.get(), name);
}

Result<std::string> read_path(const char* path) { return read_at(AT_FDCWD, path); }

std::optional<std::uint64_t> read_number(int fd) {
  SmallBuffer buffer;
  return parse_number(read_small(fd, buffer));
}

std::optional<std::uint64_t> read_number_at(int dir, const char* name) {
  const auto fd = open_at(dir, name, O_RDONLY);
  return fd ? read_number(fd->get()) : std::nullopt;
}

std::optional<std::uint64_t> read_keyed(int fd, std::string_view key) {
  SmallBuffer buffer;
  return keyed_number(read_small(fd, buffer), key);
}

std::optional<std::uint64_t> read_keyed_at(int dir, const char* name, std::string_view key) {
  const auto fd = open_at(dir, name, O_RDONLY);
  return fd ? read_keyed(fd->get(), key) : std::nullopt;
}

std::optional<std::uint64_t> keyed_number(std::string_view text, std::string_view key) {
  std::optional<std::uint64_t> found;
  for_each_line(text, [&](std::string_view line) {
    if (!found && line.starts_with(key) && line.substr(key.size()).starts_with(' ')) {
      found = parse_number(line.substr(key.size() + 1));
    }
  });
  return found;
}

bool has_word(std::string_view list, std::string_view word) {
  constexpr std::string_view kSpace = " \n\t";
  while (!list.empty()) {
    const auto end = list.find_first_of(kSpace);
    if (list.substr(0, end) == word) return true;
    if (end == std::string_view::npos) return false;
    list.remove_prefix(end + 1);
  }
  return false;
}

unsigned kill_listed(int dir) {
  // A pid read from the list may be another process's by now. A pidfd taken between two readings
  // that both list the pid is either of a member or of a process that has ended.
  std::vector<std::pair<pid_t, UniqueFd>> members;
  for (const pid_t pid : listed(dir)) {
    members.emplace_back(pid, UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))));
  }
  const std::vector<pid_t> still = listed(dir);
  for (const auto& [pid, pidfd] : members) {
    if (pidfd.valid() && std::ranges::find(still, pid) != still.end()) {
      ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    }
  }
  return static_cast<unsigned>(still.size());
}

void kill_until_empty(int dir, std::chrono::milliseconds budget) {
  const auto end = std::chrono::steady_clock::now() + budget;
  microseconds pause{50};
  while (kill_listed(dir) > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, microseconds{5000});
  }
}

Result<void> remove_group(int parent, const char* name, const std::function<void(int dir)>& kill) {
  // A group stays busy for a moment after its last process was reaped: the kernel detaches it
  // later.
  constexpr microseconds kBudget{200'000};
  microseconds slept{0};
  microseconds pause{20};
  UniqueFd dir;
  while (::unlinkat(parent, name, AT_REMOVEDIR) < 0) {
    if (errno == ENOENT) return {};
    if (errno != EBUSY || slept >= kBudget) {
      return fail(errno_error(fmt::format("remove cgroup {}", name), errno));
    }
    if (!dir.valid()) dir = UniqueFd(::openat(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (dir.valid()) kill(dir.get());
    std::this_thread::sleep_for(pause);
    slept += pause;
    pause = std::min(pause * 2, microseconds{20'000});
  }
  return {};
}

}  // namespace sandpit::sys
