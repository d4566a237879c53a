// What the tests of the library's front door share: a Sandbox on this host, its launcher, programs,
// and what is left behind.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sandpit/sandbox.h"
#include "support/host_state.h"

namespace sandpit::test {

inline std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// As generous as a loaded machine needs; the tests' own limits are far above.
inline bool eventually(const std::function<bool()>& holds,
                       std::chrono::seconds patience = std::chrono::seconds(30)) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

inline Config test_config() {
  Config config = Config::defaults();
  // An ordinary user's host may have no cgroup; the tests here are not about limits.
  if (::geteuid() != 0) config.settings().security.allow_degraded = {"all"};
  config.settings().limits.wall_time = Milliseconds(120'000);
  config.settings().limits.cpu_time = Milliseconds(60'000);
  return config;
}

inline Request shell(std::string text) {
  Request request;
  request.source = SourceText{.text = std::move(text), .name = "main.sh"};
  return request;
}

inline Request python(std::string text) {
  Request request;
  request.source = SourceText{.text = std::move(text), .name = "main.py"};
  return request;
}

// Processes whose `file` in /proc ("cmdline", "environ") holds the word.
inline std::vector<pid_t> processes_with(const std::string& file, const std::string& word) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (!std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c) != 0; })) continue;
    if (slurp(entry.path() / file).find(word) != std::string::npos)
      found.push_back(std::stoi(name));
  }
  return found;
}

inline std::string unique_word() {
  static int count = 0;
  return fmt::format("sandpit-mark-{}-{}", ::getpid(), ++count);
}

// Launchers with the mark in their environment. The inits of their jails have the same name; what
// tells them apart is that those have a second number in a pid namespace of their own.
inline std::vector<pid_t> launchers_with(const std::string& mark) {
  std::vector<pid_t> found = processes_with("environ", mark);
  std::erase_if(found, [](pid_t pid) {
    const std::string status = slurp(fmt::format("/proc/{}/status", pid));
    return !status.starts_with("Name:\tsandpit-launch\n") ||
           status.find(fmt::format("\nNSpid:\t{}\n", pid)) == std::string::npos;
  });
  return found;
}

// Sandboxes made here mark their launchers' environment, so that a test finds its own among those
// of others.
class MarkedSandbox {
 public:
  explicit MarkedSandbox(Config config = test_config()) : mark_(unique_word()) {
    ::setenv("SANDPIT_TEST_MARK", mark_.c_str(), 1);
    auto made = Sandbox::create(std::move(config));
    ::unsetenv("SANDPIT_TEST_MARK");
    if (made) {
      sandbox_.emplace(std::move(*made));
    } else {
      error_ = made.error().to_string();
    }
  }
  [[nodiscard]] bool valid() const { return sandbox_.has_value(); }
  [[nodiscard]] const std::string& error() const { return error_; }
  Sandbox* operator->() { return &*sandbox_; }
  void destroy() { sandbox_.reset(); }
  // 0 when it has ended.
  [[nodiscard]] pid_t launcher() const {
    const std::vector<pid_t> found = launchers_with(mark_);
    return found.empty() ? 0 : found.front();
  }

 private:
  std::string mark_;
  std::optional<Sandbox> sandbox_;
  std::string error_;
};

inline std::size_t descriptors_of(pid_t pid) {
  std::error_code error;
  return static_cast<std::size_t>(std::distance(
      std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid), error), {}));
}

// Cgroups of dead owners that were not there before.
inline std::vector<std::string> new_cgroups(const HostState& before) {
  std::vector<std::string> left;
  std::ranges::set_difference(host_state().cgroups, before.cgroups, std::back_inserter(left));
  return left;
}

// Runs `body` in a process of its own, where it may change dispositions and masks or be killed.
// What it returns, empty when all is well.
inline std::string in_a_host_process(const std::function<std::string()>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return "pipe2";
  const pid_t pid = ::fork();
  if (pid == 0) {
    const std::string said = body();
    (void)!::write(ends[1], said.data(), said.size());
    ::_exit(said.empty() ? 0 : 1);
  }
  ::close(ends[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (said.empty() && status != 0)
    said = fmt::format("the host process ended with wait status {:#x}", status);
  return said;
}

}  // namespace sandpit::test
