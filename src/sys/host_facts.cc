#include "sys/host_facts.h"

#include <linux/capability.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

#include "sys/cgroup.h"
#include "sys/cgroup_file.h"

namespace sandpit::sys {
namespace {

// The next number of `text` after white space, taken off it; false when there is none.
bool take_number(std::string_view& text, std::uint64_t& value) {
  const auto start = text.find_first_not_of(" \t\n");
  if (start == std::string_view::npos) return false;
  text.remove_prefix(start);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc{};
}

}  // namespace

KernelVersion parse_kernel_release(std::string_view release) {
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  if (!take_number(release, major) || !release.starts_with('.')) return {};
  release.remove_prefix(1);
  if (!take_number(release, minor)) return {};
  return {.major = static_cast<unsigned>(major), .minor = static_cast<unsigned>(minor)};
}

bool is_identity_map(std::string_view uid_map) {
  std::uint64_t inside = 1;
  std::uint64_t outside = 1;
  std::uint64_t count = 0;
  return take_number(uid_map, inside) && take_number(uid_map, outside) &&
         take_number(uid_map, count) && inside == 0 && outside == 0 && count >= 0xffffffffU &&
         uid_map.find_first_not_of(" \t\n") == std::string_view::npos;
}

bool has_effective_capability(int capability) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (::syscall(SYS_capget, &header, data.data()) < 0) return false;
  const auto bit = static_cast<unsigned>(capability);
  return ((data.at(bit / 32).effective >> (bit % 32)) & 1U) != 0;
}

int landlock_abi() {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return static_cast<int>(std::max(version, 0L));
}

HostFacts probe_facts(const CgroupHost& cgroups) {
  HostFacts facts;
  utsname system{};
  if (::uname(&system) == 0) {
    const KernelVersion version = parse_kernel_release(system.release);
    facts.kernel_major = version.major;
    facts.kernel_minor = version.minor;
  }
  facts.uid = ::geteuid();
  facts.gid = ::getegid();
  // Root of a container's user namespace has uid 0 and CAP_SYS_ADMIN too, but only the ids that its
  // uid_map lists exist for it: the host-wide subordinate ranges that root's runs map to are out of
  // its reach (EINVAL or EPERM at uid_map), and its capabilities don't hold over the host's mounts
  // and devices. It is treated as an ordinary user, who maps one id. What counts is the map, not
  // the namespace's number: a nested namespace with the identity map has all ids.
  const auto uid_map = read_path("/proc/self/uid_map");
  facts.is_root = facts.uid == 0 && has_effective_capability(CAP_SYS_ADMIN) && uid_map &&
                  is_identity_map(*uid_map);
  facts.landlock_abi = landlock_abi();
  facts.memory = cgroups.memory();
  facts.pids = cgroups.pids();
  facts.cpu = cgroups.cpu();
  return facts;
}

}  // namespace sandpit::sys
