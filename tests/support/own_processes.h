// The processes of this test's own Sandbox, among those of others on the same machine.
#pragma once

#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace sandpit::test {

// Call before the Sandbox is made: its launcher inherits the mark.
inline void mark_launcher() { ::setenv("SANDPIT_TEST_OF", std::to_string(::getpid()).c_str(), 1); }

inline std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline pid_t number_after(std::string_view text, std::string_view key) {
  pid_t number = -1;
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return number;
  const std::size_t digits = text.find_first_of("0123456789", at + key.size());
  if (digits != std::string_view::npos) {
    (void)std::from_chars(text.data() + digits, text.data() + text.size(), number);
  }
  return number;
}

// The youngest process below the marked launcher whose "NSpid:" line in /proc/PID/status has
// `depth` numbers and ends in `number`; -1 when there is none.
inline pid_t process_of_launcher(std::size_t depth, pid_t number) {
  const std::string mark = "SANDPIT_TEST_OF=" + std::to_string(::getpid());
  std::map<pid_t, pid_t> parents;
  std::vector<pid_t> candidates;
  std::vector<pid_t> launchers;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const pid_t pid = number_after(entry.path().filename().string(), "");
    if (pid <= 0) continue;
    const std::string status = text_of(entry.path() / "status");
    parents[pid] = number_after(status, "\nPPid:");
    if (status.starts_with("Name:\tsandpit-launch")) {
      if (text_of(entry.path() / "environ").find(mark) != std::string::npos) {
        launchers.push_back(pid);
      }
    }
    const std::size_t at = status.find("\nNSpid:");
    if (at == std::string::npos) continue;
    const std::string line = status.substr(at + 1, status.find('\n', at + 1) - at - 1);
    const auto tabs = static_cast<std::size_t>(std::ranges::count(line, '\t'));
    if (tabs == depth && line.ends_with("\t" + std::to_string(number))) candidates.push_back(pid);
  }
  pid_t youngest = -1;
  for (const pid_t candidate : candidates) {
    pid_t above = candidate;
    for (int i = 0; i < 16 && above > 1; ++i) {
      if (std::ranges::find(launchers, above) != launchers.end()) {
        youngest = std::max(youngest, candidate);
        break;
      }
      above = parents.contains(above) ? parents[above] : -1;
    }
  }
  return youngest;
}

}  // namespace sandpit::test
