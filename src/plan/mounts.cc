// The jail's root directory: every mount in the order in which it is made, and the Landlock rules
// that mirror them.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plan/build_plan.h"
#include "plan/egress_plan.h"
#include "plan/plan.h"
#include "plan/root_layout.h"
#include "policy/inside_path.h"
#include "policy/policy.h"
#include "runtime/manifest.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"

namespace sandpit {
namespace {

constexpr std::uint8_t kReadOnlyTree = kMountReadOnly | kMountIsDirectory;

// Accounts as programs look them up (getpwuid of our uid; nobody owns what the host's root owns,
// whose id is not mapped).
std::string passwd(const Policy& policy) {
  return fmt::format(
      "root:x:0:0:root:/:/usr/sbin/nologin\nsandbox:x:1000:1000:sandbox:{}:/bin/sh\n"
      "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
      policy.working_dir);
}
constexpr std::string_view kGroup = "root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n";
constexpr std::string_view kHosts = "127.0.0.1 localhost sandpit\n::1 localhost sandpit\n";
constexpr std::string_view kNameServices =
    "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n";

Mount directory(std::string target, std::uint16_t mode = 0755) {
  return {.kind = MountKind::kDirectory, .flags = 0, .mode = mode, .target = std::move(target)};
}

Mount file(std::string target, std::string_view content) {
  return {.kind = MountKind::kFile,
          .flags = 0,
          .mode = 0644,
          .target = std::move(target),
          .source = {},
          .content = std::string(content)};
}

std::string hosts_text(const std::vector<EgressName>& names) {
  std::string text(kHosts);
  for (const EgressName& name : names) {
    text += fmt::format("{} {}\n", ipv4_text(name.address), name.name);
  }
  return text;
}

Mount symlink(std::string target, std::string source) {
  return {.kind = MountKind::kSymlink,
          .flags = 0,
          .mode = 0777,
          .target = std::move(target),
          .source = std::move(source)};
}

Mount bind(std::string source, std::string target, std::uint8_t flags) {
  return {.kind = MountKind::kBind,
          .flags = flags,
          .mode = 0755,
          .target = std::move(target),
          .source = std::move(source)};
}

Mount volume(std::string source, std::string target, std::uint16_t mode, std::uint8_t flags) {
  return {.kind = MountKind::kVolume,
          .flags = flags,
          .mode = mode,
          .target = std::move(target),
          .source = std::move(source)};
}

void add_system(const RootLayout& layout, std::vector<Mount>& mounts) {
  mounts.push_back(bind("/usr", "/usr", kReadOnlyTree));
  for (const RootEntry& entry : layout.system) {
    mounts.push_back(entry.link.empty() ? bind(entry.path, entry.path, kReadOnlyTree)
                                        : symlink(entry.path, entry.link));
  }
}

void add_resolver(const RootLayout& layout, std::vector<Mount>& mounts) {
  if (const auto text = layout.texts.find("/etc/resolv.conf"); text != layout.texts.end()) {
    mounts.push_back(file("/etc/resolv.conf", text->second));
  }
}

void add_etc(const Policy& policy, const RootLayout& layout, const std::vector<EgressName>& names,
             std::vector<Mount>& mounts) {
  mounts.push_back(directory("/etc"));
  mounts.push_back(file("/etc/passwd", passwd(policy)));
  mounts.push_back(file("/etc/group", kGroup));
  mounts.push_back(file("/etc/hosts", hosts_text(names)));
  mounts.push_back(file("/etc/nsswitch.conf", kNameServices));
  if (layout.has("/etc/ld.so.cache"))
    mounts.push_back(bind("/etc/ld.so.cache", "/etc/ld.so.cache", kMountReadOnly | kMountNoExec));
  if (layout.has("/etc/alternatives"))
    mounts.push_back(bind("/etc/alternatives", "/etc/alternatives", kReadOnlyTree | kMountNoExec));
  if (policy.network == NetworkMode::kNone || policy.network == NetworkMode::kLoopback) return;
  if (policy.network == NetworkMode::kHost) add_resolver(layout, mounts);
  // The proxy's: it says at once that there is no such name.
  if (policy.network == NetworkMode::kAllow) {
    mounts.push_back(file("/etc/resolv.conf", "nameserver 127.0.0.1\noptions attempts:1\n"));
  }
  // Its links lead to /usr/share/ca-certificates, which is there with /usr.
  if (layout.has("/etc/ssl/certs"))
    mounts.push_back(bind("/etc/ssl/certs", "/etc/ssl/certs", kReadOnlyTree | kMountNoExec));
}

Mount device(const char* name) {
  const std::string path = fmt::format("/dev/{}", name);
  return {.kind = MountKind::kDevice,
          .flags = kMountNoExec,
          .mode = 0666,
          .target = path,
          .source = path};
}

void add_dev(std::vector<Mount>& mounts) {
  mounts.push_back(directory("/dev"));
  for (const char* name : {"null", "zero", "full", "random", "urandom"}) {
    mounts.push_back(device(name));
  }
  mounts.push_back(symlink("/dev/fd", "/proc/self/fd"));
  mounts.push_back(symlink("/dev/stdin", "/proc/self/fd/0"));
  mounts.push_back(symlink("/dev/stdout", "/proc/self/fd/1"));
  mounts.push_back(symlink("/dev/stderr", "/proc/self/fd/2"));
}

// The interpreter's own trees, sorted, without those that lie in another one or are visible
// already.
std::vector<std::string> trees_of(const Step& step) {
  std::vector<std::string> trees;
  for (const std::string& tree :
       std::set<std::string>(step.read_only_paths.begin(), step.read_only_paths.end())) {
    const bool covered = (!step.bare_root && is_within(tree, "/usr")) ||
                         (!trees.empty() && is_within(tree, trees.back()));
    if (!covered) trees.push_back(tree);
  }
  return trees;
}

enum class Place : std::uint8_t { kBesideVolumes, kInsideVolume };

// A tree beneath /tmp or the work directory is mounted into this run's volume, so it belongs to the
// run as a grant does.
void add_trees(const PlanInput& input, Place place, std::vector<Mount>& mounts) {
  for (const std::string& tree : trees_of(input.step)) {
    const bool inside = is_within(tree, input.policy.working_dir) || is_within(tree, "/tmp");
    if (inside != (place == Place::kInsideVolume)) continue;
    unsigned flags = kMountReadOnly;
    if (is_host_directory(tree)) flags |= kMountIsDirectory;
    if (inside) flags |= kMountGranted;
    mounts.push_back(bind(tree, tree, static_cast<std::uint8_t>(flags)));
  }
}

void add_grants(const Policy& policy, const Step& step, std::vector<Mount>& mounts) {
  std::vector<PathGrant> grants = policy.paths;
  for (const PathGrant& packages : step.packages) {
    const bool taken = std::any_of(grants.begin(), grants.end(), [&](const PathGrant& grant) {
      return grant.inside == packages.inside;
    });
    if (!taken) grants.push_back(packages);
  }
  std::sort(grants.begin(), grants.end(),
            [](const PathGrant& a, const PathGrant& b) { return a.inside < b.inside; });
  for (const PathGrant& grant : grants) {
    unsigned flags = kMountGranted;
    if (is_host_directory(grant.host)) flags |= kMountIsDirectory;
    if (grant.access == Access::kRead) {
      flags |= kMountReadOnly;
    } else if (!step.executable_work_dir) {
      // As in the work directory: what can be written can't be executed, unless the runtime is one
      // that makes programs.
      flags |= kMountNoExec;
    }
    mounts.push_back(bind(grant.host, grant.inside, static_cast<std::uint8_t>(flags)));
  }
}

LandlockAccess access_of(const Mount& mount) {
  const bool executable = (mount.flags & kMountNoExec) == 0;
  if ((mount.flags & kMountReadOnly) != 0)
    return executable ? LandlockAccess::kReadExecute : LandlockAccess::kRead;
  return executable ? LandlockAccess::kReadWriteExecute : LandlockAccess::kReadWrite;
}

// What curl, pip, git, npm, Go, Ruby and Python's libraries look for. For everything an HTTP proxy:
// there are clients that fail at a SOCKS one when they lack a module for it, used or not.
void add_proxy(std::vector<std::string>& environment) {
  for (const char* name :
       {"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}) {
    environment.push_back(fmt::format("{}=http://127.0.0.1:{}", name, kEgressProxyPort));
  }
  for (const char* name : {"no_proxy", "NO_PROXY"}) {
    environment.push_back(fmt::format("{}=localhost,127.0.0.1,::1", name));
  }
  environment.emplace_back("NODE_USE_ENV_PROXY=1");  // Node 22.21 and 24
}

}  // namespace

bool is_host_directory(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::vector<Mount> plan_mounts(const PlanInput& input, const RootLayout& layout,
                               const std::vector<EgressName>& names) {
  const bool bare = input.step.bare_root;
  std::vector<Mount> mounts;
  if (!bare) {
    add_system(layout, mounts);
    add_etc(input.policy, layout, names, mounts);
    add_dev(mounts);
  } else if (input.policy.network == NetworkMode::kHost) {
    add_resolver(layout, mounts);
  }
  if (!input.step.program.empty()) {
    // Like trees below /tmp: where a launcher has its ready-made root mounted, it is out of sight.
    const unsigned granted = is_within(input.step.program, "/tmp") ? unsigned{kMountGranted} : 0U;
    mounts.push_back(bind(input.step.program, input.step.argv.front(),
                          static_cast<std::uint8_t>(kMountReadOnly | granted)));
  }
  add_trees(input, Place::kBesideVolumes, mounts);
  if (!bare) {
    mounts.push_back(
        {.kind = MountKind::kProc, .flags = kMountNoExec, .mode = 0555, .target = "/proc"});
  }
  const std::uint8_t flags = input.step.executable_work_dir ? 0 : kMountNoExec;
  // 0700: the run's uid owns its work directory. /tmp and /dev/shm as everywhere.
  mounts.push_back(volume("work", input.policy.working_dir, 0700, flags));
  mounts.push_back(volume("tmp", "/tmp", 01777, flags));
  if (!bare) mounts.push_back(volume("shm", "/dev/shm", 01777, kMountNoExec));
  add_trees(input, Place::kInsideVolume, mounts);
  if (!input.step.warm_dir.empty()) {
    mounts.push_back(bind(input.step.warm_dir, std::string(kWarmPath),
                          kMountReadOnly | kMountNoExec | kMountIsDirectory | kMountGranted));
  }
  add_grants(input.policy, input.step, mounts);
  return mounts;
}

std::vector<LandlockRule> plan_landlock(const std::vector<Mount>& mounts) {
  std::vector<LandlockRule> rules;
  for (const Mount& mount : mounts) {
    switch (mount.kind) {
      case MountKind::kBind:
        // What lies beneath /etc is covered by its own rule.
        if (is_within(mount.target, "/etc") && (mount.flags & kMountGranted) == 0) break;
        rules.push_back({.path = mount.target, .access = access_of(mount)});
        break;
      case MountKind::kVolume:
        rules.push_back({.path = mount.target, .access = access_of(mount)});
        break;
      case MountKind::kDirectory:
      case MountKind::kProc:
        rules.push_back({.path = mount.target, .access = LandlockAccess::kRead});
        break;
      case MountKind::kDevice:
        rules.push_back({.path = mount.target, .access = LandlockAccess::kDevice});
        break;
      case MountKind::kFile:
      case MountKind::kSymlink:
        break;
    }
  }
  return rules;
}

std::vector<std::string> plan_environment(const Policy& policy, const Step& step) {
  std::vector<std::string> environment = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                          "HOME=" + policy.working_dir, "LANG=C.UTF-8",
                                          "TMPDIR=/tmp", "TZ=UTC"};
  const auto set = [&](const std::string& entry) {
    const std::string_view name = std::string_view(entry).substr(0, entry.find('=') + 1);
    const auto same =
        std::find_if(environment.begin(), environment.end(),
                     [&](const std::string& other) { return other.starts_with(name); });
    if (same != environment.end()) {
      *same = entry;
    } else {
      environment.push_back(entry);
    }
  };
  if (policy.network == NetworkMode::kAllow) add_proxy(environment);
  for (const std::string& entry : step.env) set(entry);
  for (const auto& [key, value] : policy.env) set(fmt::format("{}={}", key, value));
  return environment;
}

}  // namespace sandpit
