// A system-call profile as `sandpit runtimes show` tells it: what each call's rows come to.
#pragma once

#include <string>
#include <vector>

#include "sys/seccomp.h"

namespace sandpit {

struct ProfileSummary {
  std::string name;
  std::string description;
  std::vector<std::string> allowed;      // whatever the arguments
  std::vector<std::string> by_argument;  // allowed for some arguments
  std::vector<std::string> denied;       // by a row of their own; all others fail with ENOSYS
};

// `allow` and `deny`: the configuration's own, which come first, `deny` before `allow`.
[[nodiscard]] ProfileSummary summarise(const sys::SyscallProfile& profile,
                                       const std::vector<std::string>& allow,
                                       const std::vector<std::string>& deny);

// "run" or "compile" in front of each line; ends with a newline.
[[nodiscard]] std::string profile_text(const char* step, const ProfileSummary& profile);

}  // namespace sandpit
