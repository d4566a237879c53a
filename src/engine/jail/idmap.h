// User namespaces that serve as id maps only: for a run's own namespace the text of the maps, for a
// granted path a descriptor that mount_setattr(2) takes.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sandpit::jail {

struct RunIds {
  uid_t inside_uid = 0;
  gid_t inside_gid = 0;
  uid_t host_uid = 0;
  gid_t host_gid = 0;
  // Map every slot's ids as well, to kFirstOtherId and on, so that the namespace may give them to
  // namespaces below it.
  bool others = false;
};

// Inside a template: the id of slot N is this plus N.
inline constexpr std::uint32_t kFirstOtherId = 100'000;
// How a template's own namespace names a run's host id. As an ordinary user there is one id.
[[nodiscard]] std::uint32_t outside_id(std::uint32_t host_id, std::uint32_t inside_id,
                                       bool is_root);

// Writes /proc/PID/{setgroups,uid_map,gid_map}: one id each (user_namespaces(7)). `deny_setgroups`
// as an ordinary user, for whom the kernel demands it.
enum class Setgroups : std::uint8_t { kAllow, kDeny };
[[nodiscard]] Result<void> write_id_maps(int proc_dir, pid_t pid, const RunIds& ids,
                                         Setgroups setgroups);

// A user namespace under which files of `owner` appear as the run's and the other way round;
// everybody else's ids stay as they are.
[[nodiscard]] Result<UniqueFd> owner_map(int proc_dir, uid_t owner_uid, gid_t owner_gid,
                                         const RunIds& ids);

}  // namespace sandpit::jail
