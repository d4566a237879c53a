// What /proc, /sys/fs/cgroup and /run say about processes and leftovers: the growth and memory
// tables are made of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sandpit::bench {

struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';
  std::string name;
};

[[nodiscard]] std::vector<ProcessEntry> all_processes();
// Every process below `root`, without it.
[[nodiscard]] std::vector<ProcessEntry> descendants(const std::vector<ProcessEntry>& all,
                                                    pid_t root);
// The launcher of a Sandbox that this process has just made: the one that was not in `before`, is
// called sandpit-launch and is no child of another one.
[[nodiscard]] std::optional<pid_t> new_launcher(const std::vector<ProcessEntry>& before);

[[nodiscard]] std::optional<std::uint64_t> pss_kib(pid_t pid);  // empty: not readable (needs root)
[[nodiscard]] std::optional<std::uint64_t> resident_kib(pid_t pid);
[[nodiscard]] std::optional<std::uint64_t> open_descriptors(pid_t pid);
[[nodiscard]] std::optional<std::uint64_t> mount_count(pid_t pid);

// Sum of what the memory controller charges to groups named sandpit-*; empty when there is none.
[[nodiscard]] std::optional<std::uint64_t> charged_kib();

// name -> value, of everything that must not grow. `launcher` 0: there is none.
[[nodiscard]] std::map<std::string, std::uint64_t> leftovers(pid_t launcher);

}  // namespace sandpit::bench
