// What a run could leave behind on the host: compared before and after by the tests.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace sandpit::test {

struct HostState {
  std::set<std::string>
      cgroups;  // this user's sandpit-N.DEVICE.INODE in any controller, with nobody in slot N
  std::size_t descriptors = 0;  // of this process
  std::size_t mounts = 0;       // of this process's namespace
  std::size_t children = 0;     // of this process
  bool operator==(const HostState&) const = default;
  [[nodiscard]] std::string text() const {
    return fmt::format("{} cgroups ({}), {} descriptors, {} mounts, {} children", cgroups.size(),
                       cgroups.empty() ? "" : *cgroups.begin(), descriptors, mounts, children);
  }
};

// A held slot belongs to a run that lives, of another test say: no leftover.
inline bool slot_is_held(const std::string& number) {
  std::string state = "/run/sandpit";
  if (::geteuid() != 0) {
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe)
    state = runtime != nullptr ? fmt::format("{}/sandpit", runtime)
                               : fmt::format("/tmp/sandpit-{}", ::geteuid());
  }
  const UniqueFd lock(::open((state + "/slots/" + number).c_str(), O_RDWR | O_CLOEXEC));
  return lock.valid() && ::flock(lock.get(), LOCK_EX | LOCK_NB) < 0;
}

// The number of the slot whose group has this name; empty for other names.
inline std::string slot_of_group(const std::string& name) {
  if (!name.starts_with("sandpit-")) return {};
  const std::size_t end = name.find_first_not_of("0123456789", 8);
  return end != std::string::npos && name[end] == '.' ? name.substr(8, end - 8) : std::string();
}

// Somebody else may be running tests at the same time.
inline bool is_our_group(const std::filesystem::path& path) {
  struct stat info{};
  return !slot_of_group(path.filename()).empty() && ::stat(path.c_str(), &info) == 0 &&
         info.st_uid == ::geteuid();
}

inline void find_cgroups(const std::filesystem::path& directory, std::set<std::string>& found,
                         int depth) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (!entry.is_directory(error) || entry.is_symlink(error)) continue;
    // Of a suite that runs beside this test (sandpit_tests.py), with launchers that come and go.
    if (entry.path().filename().string().starts_with("suite-")) continue;
    if (is_our_group(entry.path()) && !slot_is_held(slot_of_group(entry.path().filename())))
      found.insert(entry.path());
    if (depth > 0) find_cgroups(entry.path(), found, depth - 1);
  }
}

inline HostState host_state() {
  HostState state;
  find_cgroups("/sys/fs/cgroup", state.cgroups, 4);
  for ([[maybe_unused]] const auto& fd : std::filesystem::directory_iterator("/proc/self/fd"))
    ++state.descriptors;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) ++state.mounts;
  std::ifstream children("/proc/thread-self/children");
  for (std::string pid; children >> pid;) ++state.children;
  return state;
}

// Removal of a cgroup may lag behind the end of its processes: waits a little for the expected
// state.
inline HostState settled_state(const HostState& expected) {
  HostState now = host_state();
  for (int i = 0; i < 100 && !(now == expected); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    now = host_state();
  }
  return now;
}

}  // namespace sandpit::test
