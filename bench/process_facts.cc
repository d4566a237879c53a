#include "bench/process_facts.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sandpit::bench {
namespace {

namespace fs = std::filesystem;

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// "Pss:       123 kB" -> 123
std::optional<std::uint64_t> kib_field(const std::string& text, const std::string& key) {
  const auto at = text.find(key + ":");
  if (at == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(at + key.size() + 1));
  std::uint64_t value = 0;
  if (!(rest >> value)) return std::nullopt;
  return value;
}

std::optional<ProcessEntry> read_process(pid_t pid) {
  const std::string text = read_text(fmt::format("/proc/{}/stat", pid));
  // The name may hold spaces and parentheses: it ends at the last one.
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return std::nullopt;
  ProcessEntry entry{.pid = pid, .name = text.substr(open + 1, close - open - 1)};
  std::istringstream rest(text.substr(close + 1));
  if (!(rest >> entry.state >> entry.parent)) return std::nullopt;
  return entry;
}

bool is_run_group(const fs::path& path) { return path.filename().string().starts_with("sandpit-"); }

// Calls `visit` for every cgroup directory; groups of others may vanish while we look.
template <class Visit>
void each_group(Visit visit) {
  std::error_code error;
  auto entry = fs::recursive_directory_iterator(
      "/sys/fs/cgroup", fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_symlink(ignored) || !entry->is_directory(ignored)) continue;
    visit(entry->path());
  }
}

std::uint64_t entries_in(const fs::path& directory, std::string_view prefix) {
  std::error_code error;
  std::uint64_t count = 0;
  for (auto entry = fs::directory_iterator(directory, error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (entry->path().filename().string().starts_with(prefix)) ++count;
  }
  return count;
}

}  // namespace

std::vector<ProcessEntry> all_processes() {
  std::vector<ProcessEntry> result;
  std::error_code error;
  for (auto entry = fs::directory_iterator("/proc", error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    pid_t pid = 0;
    const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (failure != std::errc{} || end != name.data() + name.size()) continue;
    if (auto process = read_process(pid)) result.push_back(std::move(*process));
  }
  return result;
}

std::vector<ProcessEntry> descendants(const std::vector<ProcessEntry>& all, pid_t root) {
  std::set<pid_t> inside{root};
  std::vector<ProcessEntry> result;
  // Pids are not ordered by age: repeat until nothing is added.
  for (bool added = true; added;) {
    added = false;
    for (const ProcessEntry& process : all) {
      if (inside.contains(process.pid) || !inside.contains(process.parent)) continue;
      inside.insert(process.pid);
      result.push_back(process);
      added = true;
    }
  }
  return result;
}

std::optional<pid_t> new_launcher(const std::vector<ProcessEntry>& before) {
  std::set<pid_t> old;
  for (const ProcessEntry& process : before) old.insert(process.pid);
  std::set<pid_t> found;
  const auto now = all_processes();
  for (const ProcessEntry& process : now) {
    if (process.name == "sandpit-launch" && !old.contains(process.pid)) found.insert(process.pid);
  }
  for (const ProcessEntry& process : now) {
    if (found.contains(process.pid) && !found.contains(process.parent)) return process.pid;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> pss_kib(pid_t pid) {
  return kib_field(read_text(fmt::format("/proc/{}/smaps_rollup", pid)), "\nPss");
}

std::optional<std::uint64_t> resident_kib(pid_t pid) {
  return kib_field(read_text(fmt::format("/proc/{}/status", pid)), "\nVmRSS");
}

std::optional<std::uint64_t> open_descriptors(pid_t pid) {
  std::error_code error;
  const fs::directory_iterator entry(fmt::format("/proc/{}/fd", pid), error);
  if (error) return std::nullopt;
  // Reading our own directory needs a descriptor itself.
  return static_cast<std::uint64_t>(std::distance(begin(entry), end(entry))) -
         (pid == ::getpid() ? 1U : 0U);
}

std::optional<std::uint64_t> mount_count(pid_t pid) {
  const std::string text = read_text(fmt::format("/proc/{}/mountinfo", pid));
  if (text.empty()) return std::nullopt;
  return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

std::optional<std::uint64_t> charged_kib() {
  std::optional<std::uint64_t> sum;
  each_group([&sum](const fs::path& group) {
    if (!is_run_group(group)) return;
    for (const char* file : {"memory.usage_in_bytes", "memory.current"}) {
      std::uint64_t bytes = 0;
      if (std::ifstream(group / file) >> bytes) sum = sum.value_or(0) + bytes / 1024;
    }
  });
  return sum;
}

std::map<std::string, std::uint64_t> leftovers(pid_t launcher) {
  std::map<std::string, std::uint64_t> result;
  const auto put = [&result](const char* name, std::optional<std::uint64_t> value) {
    if (value) result[name] = *value;
  };
  const auto processes = all_processes();
  put("host: descriptors", open_descriptors(::getpid()));
  put("host: resident KiB", resident_kib(::getpid()));
  put("host: mounts", mount_count(::getpid()));
  if (launcher != 0) {
    put("launcher: descriptors", open_descriptors(launcher));
    put("launcher: resident KiB", resident_kib(launcher));
    put("launcher: mounts", mount_count(launcher));
    const auto below = descendants(processes, launcher);
    put("launcher: processes below", below.size());
    std::uint64_t workers = 0;
    std::uint64_t descriptors = 0;
    std::uint64_t resident = 0;
    for (const ProcessEntry& process : below) {
      if (!process.name.starts_with("wasm-worker")) continue;
      ++workers;
      descriptors += open_descriptors(process.pid).value_or(0);
      resident += resident_kib(process.pid).value_or(0);
    }
    if (workers != 0) {
      put("wasm workers", workers);
      put("wasm workers: descriptors", descriptors);
      put("wasm workers: resident KiB", resident);
    }
  }
  std::uint64_t groups = 0;
  std::uint64_t run_groups = 0;
  each_group([&](const fs::path& group) {
    ++groups;
    if (is_run_group(group)) ++run_groups;
  });
  put("cgroup directories", groups);
  put("cgroup directories of runs", run_groups);
  put("zombies", std::ranges::count(processes, 'Z', &ProcessEntry::state));
  put("processes of sandpit", std::ranges::count_if(processes, [](const ProcessEntry& process) {
        return process.name.starts_with("sandpit");
      }));
  put("slot files", entries_in("/run/sandpit/slots", ""));
  put("temporary files", entries_in("/tmp", "sandpit"));
  return result;
}

}  // namespace sandpit::bench
