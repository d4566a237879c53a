// What this host offers and lacks, feature by feature, for `sandpit doctor`. Data only: cli/ prints
// it. The tests are real (a child process each, which tries the thing and ends) and change nothing
// on the host.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sandpit {

enum class DoctorState : std::uint8_t { kPresent, kDegraded, kAbsent };
[[nodiscard]] const char* to_string(DoctorState state);  // "present", "degraded", "absent"

struct DoctorItem {
  std::string name;  // "user namespaces"
  DoctorState state = DoctorState::kAbsent;
  std::string detail;  // what was found: a version, a directory, the reason why not
  std::string lost;    // what does not work without it; empty when present
  std::string mend;    // the exact command or setting; empty when present or when nothing mends it
};

[[nodiscard]] std::vector<DoctorItem> run_doctor();

// What is mounted below /proc, of a mountinfo text: as long as something is, user namespaces get no
// fresh /proc.
[[nodiscard]] std::vector<std::string> overmounts_of_proc(std::string_view mountinfo);

// Why user namespaces can't be made, of what the host's settings say ("" where a file does not
// exist).
struct UserNamespaceSettings {
  int error = 0;                    // errno of unshare(2), or of the first use of its capabilities
  std::string max_user_namespaces;  // /proc/sys/user/max_user_namespaces
  std::string unprivileged_clone;   // /proc/sys/kernel/unprivileged_userns_clone
  std::string apparmor_restricts;   // /proc/sys/kernel/apparmor_restrict_unprivileged_userns
  bool under_seccomp = false;       // a filter was inherited, as in a container
};
[[nodiscard]] DoctorItem explain_user_namespaces(const UserNamespaceSettings& settings);

// Why there is no Landlock, or an old one.
struct LandlockSettings {
  int abi = 0;
  int error = 0;               // errno of landlock_create_ruleset(2), 0 with an ABI
  std::string lsm;             // /sys/kernel/security/lsm
  bool under_seccomp = false;  // a filter was inherited, as in a container
};
[[nodiscard]] DoctorItem explain_landlock(const LandlockSettings& settings);

}  // namespace sandpit
