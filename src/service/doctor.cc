#include "service/doctor.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/errno_text.h"
#include "engine/jail/slot.h"
#include "service/doctor_probes.h"
#include "sys/cgroup.h"
#include "sys/cgroup_delegate.h"
#include "sys/cgroup_file.h"
#include "sys/cgroup_layout.h"
#include "sys/host_facts.h"

namespace sandpit {
namespace {

using Items = std::vector<DoctorItem>;

std::string setting(const char* path) {
  std::string text = sys::read_path(path).value_or("");
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

DoctorItem present(std::string name, std::string detail) {
  return {.name = std::move(name), .state = DoctorState::kPresent, .detail = std::move(detail)};
}

// `item` describes the absence; `error` is 0 when the feature was there.
DoctorItem tried(DoctorItem item, int error) {
  if (error == 0) return present(std::move(item.name), "tried: works");
  item.detail = "tried: " + errno_text(error);
  return item;
}

void add_kernel(Items& items, const HostFacts& facts) {
  const std::string version = fmt::format("{}.{}", facts.kernel_major, facts.kernel_minor);
  items.push_back(facts.kernel_at_least(5, 14)
                      ? present("kernel 5.14 or newer", version)
                      : DoctorItem{.name = "kernel 5.14 or newer",
                                   .state = DoctorState::kAbsent,
                                   .detail = version,
                                   .lost =
                                       "the jail: it relies on cgroup.kill, mount_setattr and core "
                                       "fixes of 5.14",
                                   .mend = "apt full-upgrade && reboot (Debian 12 has 6.1)"});
  items.push_back(
      facts.is_root
          ? present("root", "uid 0 of the host: each run gets a host id of its own")
          : DoctorItem{.name = "root",
                       .state = DoctorState::kDegraded,
                       .detail = facts.uid == 0 ? "uid 0 of a container's user namespace"
                                                : fmt::format("uid {}", facts.uid),
                       .lost = "runs share this user's host id, and read-write grants map to "
                               "this user only",
                       .mend = "sudo sandpit … (not needed for most uses)"});
}

bool has_inherited_filter() {
  return setting("/proc/self/status").find("\nSeccomp:\t2") != std::string::npos;
}

void add_namespaces(Items& items) {
  UserNamespaceSettings settings{
      .error = doctor::try_user_namespace(),
      .max_user_namespaces = setting("/proc/sys/user/max_user_namespaces"),
      .unprivileged_clone = setting("/proc/sys/kernel/unprivileged_userns_clone"),
      .apparmor_restricts = setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
      .under_seccomp = has_inherited_filter()};
  // Root is exempt from both settings for ordinary users.
  if (::geteuid() == 0) settings.unprivileged_clone = settings.apparmor_restricts = "";
  items.push_back(explain_user_namespaces(settings));

  struct Namespace {
    const char* name;
    int flag;
    const char* config;
  };
  constexpr std::array<Namespace, 7> kNamespaces{{{"pid", CLONE_NEWPID, "PID_NS"},
                                                  {"mount", CLONE_NEWNS, "NAMESPACES"},
                                                  {"network", CLONE_NEWNET, "NET_NS"},
                                                  {"ipc", CLONE_NEWIPC, "IPC_NS"},
                                                  {"uts", CLONE_NEWUTS, "UTS_NS"},
                                                  {"cgroup", CLONE_NEWCGROUP, "CGROUPS"},
                                                  {"time", 0x80 /* CLONE_NEWTIME */, "TIME_NS"}}};
  for (const Namespace& ns : kNamespaces) {
    const bool needed = std::string_view(ns.name) != "time";
    items.push_back(tried(
        {.name = fmt::format("{} namespaces", ns.name),
         .state = needed ? DoctorState::kAbsent : DoctorState::kDegraded,
         .lost = needed ? "the jail can't be built" : "nothing yet: kept for a later use",
         .mend =
             settings.error != 0
                 ? "see user namespaces"
                 : fmt::format("a kernel with CONFIG_{}=y, and /proc/sys/user/max_{}_namespaces "
                               "above 0",
                               ns.config, ns.name)},
        doctor::try_namespace(ns.flag)));
  }
}

void add_mounts(Items& items, const HostFacts& facts) {
  const auto over = overmounts_of_proc(sys::read_path("/proc/self/mountinfo").value_or(""));
  DoctorItem proc{
      .name = "fresh /proc",
      .lost = "programs see no /proc; runs are refused unless allow_degraded = [\"proc\"]"};
  if (!over.empty()) {
    proc.mend = fmt::format(
        "umount {} (in a container: run it with --security-opt "
        "systempaths=unconfined)",
        fmt::join(over, " "));
  }
  items.push_back(tried(std::move(proc), doctor::try_fresh_proc()));
  if (items.back().state == DoctorState::kAbsent && !over.empty()) {
    items.back().detail += fmt::format("; mounted over /proc: {}", fmt::join(over, ", "));
  }
  items.push_back(
      tried({.name = "open_tree (new mount API)",
             .lost = "the jail's root can't be built",
             .mend = "Linux 5.2 or newer; in a container, a seccomp profile that allows it"},
            doctor::try_open_tree()));
  items.push_back(
      tried({.name = "mount_setattr",
             .lost = "the jail's root can't be made read-only",
             .mend = "Linux 5.12 or newer; in a container, a seccomp profile that allows it"},
            doctor::try_mount_setattr()));
  items.push_back(
      tried({.name = "idmapped mounts on /",
             .state = DoctorState::kDegraded,
             .lost = facts.is_root ? "paths on this file system can't be granted read-write"
                                   : "nothing: an ordinary user's grants need none",
             .mend = facts.is_root ? "a file system that has them (ext4, xfs, btrfs; overlay "
                                     "and tmpfs since 6.x)"
                                   : ""},
            doctor::try_idmapped_mount("/")));
}

void add_filters(Items& items, const HostFacts& facts) {
  items.push_back(explain_landlock({.abi = facts.landlock_abi,
                                    .error = doctor::try_landlock(),
                                    .lsm = setting("/sys/kernel/security/lsm"),
                                    .under_seccomp = has_inherited_filter()}));
  items.push_back(tried({.name = "seccomp filters",
                         .lost = "the wall around system calls: runs are refused",
                         .mend = "a kernel with CONFIG_SECCOMP_FILTER=y"},
                        doctor::try_seccomp_filter()));
  items.push_back(
      tried({.name = "seccomp user notification",
             .state = DoctorState::kDegraded,
             .lost = "the report of denied system calls",
             .mend = "Linux 5.0 or newer; not below a supervisor that has a listener itself"},
            doctor::try_seccomp_notification()));
}

void add_controller(Items& items, const std::string& name, const ControllerFacts& facts,
                    const char* lost) {
  if (facts.version != CgroupVersion::kNone) {
    items.push_back(present(
        "cgroup " + name, fmt::format("{} in {}", facts.version == CgroupVersion::kV1 ? "v1" : "v2",
                                      facts.directory)));
    return;
  }
  items.push_back({.name = "cgroup " + name,
                   .state = DoctorState::kDegraded,
                   .detail = facts.reason,
                   .lost = lost,
                   .mend = facts.mend});
}

void add_swap(Items& items, const HostFacts& facts) {
  if (facts.memory.version == CgroupVersion::kNone) return;
  const std::string swaps = setting("/proc/swaps");
  if (swaps.find('\n') == std::string::npos) {
    items.push_back(present("swap accounting", "not needed: this host has no swap"));
    return;
  }
  const bool v1 = facts.memory.version == CgroupVersion::kV1;
  const std::string file =
      facts.memory.directory + (v1 ? "/memory.memsw.limit_in_bytes" : "/memory.swap.max");
  const std::string options = setting("/proc/cmdline");
  // The v2 root group has no such file whether or not its children do.
  const bool root_of_v2 =
      !v1 && ::access((facts.memory.directory + "/cgroup.type").c_str(), F_OK) < 0;
  const bool off = options.find("swapaccount=0") != std::string::npos ||
                   options.find("cgroup.memory=noswap") != std::string::npos;
  if (root_of_v2 ? !off : ::access(file.c_str(), F_OK) == 0) {
    items.push_back(present("swap accounting", root_of_v2 ? "not disabled at boot" : file));
  } else {
    items.push_back({.name = "swap accounting",
                     .state = DoctorState::kDegraded,
                     .detail = file + " does not exist",
                     .lost = "a run's memory may go to swap beyond its limit",
                     .mend = "boot without swapaccount=0, with swapaccount=1; or swapoff -a"});
  }
}

void add_cgroups(Items& items, const HostFacts& facts) {
  add_controller(items, "memory", facts.memory,
                 "the exact memory limit of a whole tree: sampled instead, or refused");
  add_controller(items, "pids", facts.pids,
                 "the limit of processes of one run: RLIMIT_NPROC instead, or refused");
  add_controller(items, "cpu time", facts.cpu,
                 "the exact CPU time of a whole tree: sampled instead, or refused");
  add_swap(items, facts);
  items.push_back(
      tried({.name = "CLONE_INTO_CGROUP",
             .state = facts.memory.version == CgroupVersion::kV2 ? DoctorState::kAbsent
                                                                 : DoctorState::kDegraded,
             .lost = "runs can't be started inside their cgroup v2 group",
             .mend = "Linux 5.7 or newer; in a container, a seccomp profile that allows "
                     "clone3"},
            doctor::try_clone_into_cgroup()));
  if (facts.memory.version != CgroupVersion::kNone) return;
  constexpr std::array<std::string_view, 2> kDirectories{"/usr/bin", "/bin"};
  const std::string busctl = sys::find_busctl(kDirectories);
  items.push_back(
      busctl.empty()
          ? DoctorItem{.name = "busctl",
                       .state = DoctorState::kDegraded,
                       .detail = "not found",
                       .lost = "sandpit can't ask systemd for a delegated cgroup by itself",
                       .mend = "apt install systemd dbus-user-session"}
          : present("busctl", busctl));
}

// Does /etc/subuid or /etc/subgid give somebody ids of ours? "name:first:count" lines.
bool overlaps_ours(const std::string& text) {
  bool found = false;
  sys::for_each_line(text, [&](std::string_view line) {
    const auto first_colon = line.find(':');
    const auto second =
        first_colon == std::string_view::npos ? first_colon : line.find(':', first_colon + 1);
    if (second == std::string_view::npos) return;
    const auto first =
        std::strtoull(std::string(line.substr(first_colon + 1)).c_str(), nullptr, 10);
    const auto count = std::strtoull(std::string(line.substr(second + 1)).c_str(), nullptr, 10);
    const unsigned long long ours = jail::kFirstHostId;
    found = found || (first < ours + jail::kSlotCount && ours < first + count);
  });
  return found;
}

void add_host(Items& items, const HostFacts& facts) {
  if (facts.is_root) {
    const std::string range =
        fmt::format("{} to {}", jail::kFirstHostId, jail::kFirstHostId + jail::kSlotCount - 1);
    const bool taken =
        overlaps_ours(setting("/etc/subuid")) || overlaps_ours(setting("/etc/subgid"));
    items.push_back(taken ? DoctorItem{.name = "subordinate ids",
                                       .state = DoctorState::kDegraded,
                                       .detail = range + " are also given to a user",
                                       .lost = "a run's host id may be a container's of that user",
                                       .mend = "give that user another range in /etc/subuid and "
                                               "/etc/subgid"}
                          : present("subordinate ids", range + " are free"));
  }
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const std::string directory = facts.is_root ? "/run" : runtime ? runtime : "";
  const bool writable = !directory.empty() && ::access(directory.c_str(), W_OK) == 0;
  items.push_back(
      writable ? present("state directory", directory + "/sandpit")
               : DoctorItem{.name = "state directory",
                            .state = facts.is_root ? DoctorState::kAbsent : DoctorState::kDegraded,
                            .detail = directory.empty() ? "XDG_RUNTIME_DIR is not set"
                                                        : directory + " is not writable",
                            .lost = facts.is_root ? "runs can't take a slot"
                                                  : "slots are kept in /tmp instead",
                            .mend = facts.is_root ? "mount -t tmpfs tmpfs /run"
                                                  : "loginctl enable-linger, then log in again; or "
                                                    "export XDG_RUNTIME_DIR=DIR"});
  const std::string yama = setting("/proc/sys/kernel/yama/ptrace_scope");
  items.push_back(
      yama.empty() || yama == "0"
          ? DoctorItem{.name = "yama",
                       .state = DoctorState::kDegraded,
                       .detail = yama.empty() ? "not built into this kernel" : "ptrace_scope 0",
                       .lost = "a further obstacle to ptrace; the jail's own walls don't need it",
                       .mend = yama.empty() ? "" : "sysctl kernel.yama.ptrace_scope=1"}
          : present("yama", "ptrace_scope " + yama));
  const std::string pattern = setting("/proc/sys/kernel/core_pattern");
  items.push_back(
      present("core dumps", pattern.starts_with('|')
                                ? "piped to a host program; the jail keeps it from being "
                                  "started (RLIMIT_CORE 1)"
                                : "not piped"));
}

}  // namespace

const char* to_string(DoctorState state) {
  switch (state) {
    case DoctorState::kPresent:
      return "present";
    case DoctorState::kDegraded:
      return "degraded";
    case DoctorState::kAbsent:
      return "absent";
  }
  return "";
}

std::vector<std::string> overmounts_of_proc(std::string_view mountinfo) {
  std::vector<std::string> points;
  sys::for_each_line(mountinfo, [&](std::string_view line) {
    std::string point = sys::unescape_octal(sys::field_of(line, 4));
    if (point.starts_with("/proc/")) points.push_back(std::move(point));
  });
  return points;
}

DoctorItem explain_user_namespaces(const UserNamespaceSettings& settings) {
  DoctorItem item{.name = "user namespaces"};
  if (settings.error == 0) return present(item.name, "tried: works");
  item.lost = "the jail can't be built: nothing runs";
  item.detail = "tried: " + errno_text(settings.error);
  if (settings.max_user_namespaces == "0") {
    item.detail += "; user.max_user_namespaces is 0";
    item.mend = "sudo sysctl -w user.max_user_namespaces=15000";
  } else if (settings.unprivileged_clone == "0") {
    item.detail += "; kernel.unprivileged_userns_clone is 0";
    item.mend = "sudo sysctl -w kernel.unprivileged_userns_clone=1";
  } else if (settings.apparmor_restricts == "1") {
    item.detail +=
        "; AppArmor keeps ordinary users' namespaces without capabilities (Ubuntu 23.10 "
        "and newer)";
    item.mend =
        "write /etc/apparmor.d/sandpit with: abi <abi/4.0>, include <tunables/global> profile "
        "sandpit "
        "/usr/{local/,}bin/sandpit flags=(unconfined) { userns, } and load it: sudo "
        "apparmor_parser -r "
        "/etc/apparmor.d/sandpit; or for every program: sudo sysctl -w "
        "kernel.apparmor_restrict_unprivileged_userns=0";
  } else if (settings.under_seccomp) {
    item.detail += "; a seccomp filter is in force, as in a container";
    item.mend =
        "docker run --security-opt seccomp=unconfined … (or a profile that allows unshare, "
        "clone, clone3, mount)";
  } else if (settings.error == ENOSPC) {
    item.mend =
        "sudo sysctl -w user.max_user_namespaces=15000 (all are in use, or they are nested too "
        "deeply)";
  } else {
    item.mend =
        "a kernel with CONFIG_USER_NS=y; in a container: more privileges; in a chroot: none "
        "helps";
  }
  return item;
}

DoctorItem explain_landlock(const LandlockSettings& settings) {
  constexpr int kWithNetwork = 4;
  if (settings.abi >= kWithNetwork) return present("Landlock", fmt::format("ABI {}", settings.abi));
  DoctorItem item{.name = "Landlock", .state = DoctorState::kDegraded};
  if (settings.abi > 0) {
    item.detail = fmt::format("ABI {}", settings.abi);
    item.lost = "network rules (ABI 4, Linux 6.7) and later ones";
    item.mend = "Linux 6.7 or newer";
    return item;
  }
  item.detail = "tried: " + errno_text(settings.error);
  item.lost =
      "the second wall around files; runs are refused unless allow_degraded = [\"landlock\"]";
  if (settings.error == EOPNOTSUPP) {
    item.detail += "; it was not enabled at boot";
    item.mend =
        fmt::format("boot with lsm=landlock{}{}", settings.lsm.empty() ? ",…" : ",", settings.lsm);
  } else if (settings.under_seccomp) {
    item.detail += "; a seccomp filter is in force, as in a container";
    item.mend =
        "docker run --security-opt seccomp=unconfined … (or a profile that allows "
        "landlock_create_ruleset, landlock_add_rule, landlock_restrict_self)";
  } else {
    item.mend = "Linux 5.13 or newer with CONFIG_SECURITY_LANDLOCK=y";
  }
  return item;
}

std::vector<DoctorItem> run_doctor() {
  const HostFacts facts = sys::probe_facts(sys::CgroupHost::probe());
  Items items;
  add_kernel(items, facts);
  add_namespaces(items);
  add_mounts(items, facts);
  add_filters(items, facts);
  add_cgroups(items, facts);
  add_host(items, facts);
  return items;
}

}  // namespace sandpit
