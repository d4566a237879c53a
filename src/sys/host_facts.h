// What this host offers, probed once per process and passed down: planning is a pure function of
// it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sandpit {

enum class CgroupVersion : std::uint8_t { kNone, kV1, kV2 };

// One controller as a run would use it. `reason` says why not, `mend` the command that mends it.
struct ControllerFacts {
  CgroupVersion version = CgroupVersion::kNone;
  std::string directory;  // host directory below which groups are made
  std::string reason;
  std::string mend;
};

struct HostFacts {
  unsigned kernel_major = 0;
  unsigned kernel_minor = 0;
  bool is_root = false;  // effective uid 0 in the initial user namespace, with CAP_SYS_ADMIN
  unsigned uid = 0;
  unsigned gid = 0;
  int landlock_abi = 0;  // 0: no Landlock
  ControllerFacts memory;
  ControllerFacts pids;
  ControllerFacts cpu;  // cpuacct on v1
  [[nodiscard]] bool kernel_at_least(unsigned major, unsigned minor) const {
    return kernel_major > major || (kernel_major == major && kernel_minor >= minor);
  }
};

namespace sys {

class CgroupHost;

// Probes what is not of cgroups and takes those from `cgroups`. Cheap (a handful of system calls),
// changes nothing.
[[nodiscard]] HostFacts probe_facts(const CgroupHost& cgroups);

// The pieces, for doctor and tests. "6.1.0-18-amd64" -> 6, 1; 0, 0 when it can't be understood.
struct KernelVersion {
  unsigned major = 0;
  unsigned minor = 0;
};
[[nodiscard]] KernelVersion parse_kernel_release(std::string_view release);
// Does /proc/self/uid_map map every id to itself, as in the initial user namespace?
[[nodiscard]] bool is_identity_map(std::string_view uid_map);
[[nodiscard]] bool has_effective_capability(int capability);
[[nodiscard]] int landlock_abi();  // 0: none

}  // namespace sys

}  // namespace sandpit
