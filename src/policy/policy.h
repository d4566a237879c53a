// What one run may use, fully resolved: from Settings, a runtime's name and a Request. Host paths
// are looked up, nothing else. May include base/, config/, runtime/, sandpit/. Guarded by
// tests/unit/policy.
#pragma once

#include <string>
#include <vector>

#include "sandpit/config.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"

namespace sandpit {

struct Policy {
  Limits limits;
  std::vector<PathGrant> paths;         // absolute, `inside` filled in, existing on this host
  std::vector<std::string> path_order;  // their `inside`, as they were granted: a module's preopens
  NetworkMode network = NetworkMode::kNone;  // a module's worker has kHost instead of kAllow
  std::vector<std::string> hosts;  // of kAllow and of modules, as network_entry() writes them
  std::map<std::string, std::string> env;
  LintLevel lint = LintLevel::kWarn;
  std::vector<std::string>
      allow_degraded;           // "memory", "cpu_time", "processes", "proc", "landlock", "all" …
  std::string syscall_profile;  // empty: the step's own
  std::vector<std::string> allow_syscalls;
  std::vector<std::string> deny_syscalls;
  bool report_denials = true;         // list what the filter denies
  bool trace = false;                 // list file accesses that failed, too
  std::string working_dir;            // of the private volume, inside
  std::string chdir;                  // where the program starts
  std::vector<std::string> warnings;  // "cpu_time lowered to 1 s: wall_time is 1 s"
};

// Can an environment carry this variable: a name without '=' that is not empty, no NUL in either?
[[nodiscard]] bool is_variable_name(std::string_view name);
[[nodiscard]] bool is_variable_value(std::string_view value);

// Error kUsage, with every problem in it (relative `inside`, missing path, a path that would hide
// /usr or /proc …).
[[nodiscard]] Result<Policy> resolve_policy(const Settings& settings, std::string_view runtime,
                                            const Request& request);

}  // namespace sandpit
