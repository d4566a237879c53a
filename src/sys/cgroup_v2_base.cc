#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/cgroup_file.h"
#include "sys/cgroup_layout.h"
#include "sys/cgroup_names.h"
#include "sys/cgroup_v2.h"
#include "sys/host_facts.h"

namespace sandpit::sys {
namespace {

constexpr std::string_view kLeafPrefix = "sandpit-self-";

bool may_write(int dir, const char* name) { return ::faccessat(dir, name, W_OK, AT_EACCESS) == 0; }

bool is_cgroup_v2(int dir) {
  struct statfs info{};
  return ::fstatfs(dir, &info) == 0 &&
         static_cast<std::uint64_t>(info.f_type) == CGROUP2_SUPER_MAGIC;
}

std::string parent_of(const std::string& directory) {
  return directory.substr(0, directory.rfind('/'));
}

bool is_alone(int dir) {
  const auto listed = read_at(dir, "cgroup.procs");
  return listed && *listed == fmt::format("{}\n", ::getpid());
}

V2View view_of(int dir, const CgroupPlace::Candidate& place) {
  V2View view;
  view.controllers = read_at(dir, "cgroup.controllers").value_or("");
  view.subtree = read_at(dir, "cgroup.subtree_control").value_or("");
  // Every group but the real root has this file (4.14).
  view.is_root = ::faccessat(dir, "cgroup.type", F_OK, 0) < 0 && errno == ENOENT;
  view.writable = may_write(dir, ".") && may_write(dir, "cgroup.procs") &&
                  may_write(dir, "cgroup.subtree_control");
  view.alone = is_alone(dir);
  const auto slash = place.directory.rfind('/');
  view.is_own_leaf = std::string_view(place.directory).substr(slash + 1).starts_with(kLeafPrefix);
  if (place.directory.size() > place.mount_point.size()) {
    const UniqueFd parent(
        ::open(parent_of(place.directory).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    view.parent_writable =
        parent.valid() && may_write(parent.get(), ".") && may_write(parent.get(), "cgroup.procs");
    if (parent.valid()) {
      view.parent_subtree = read_at(parent.get(), "cgroup.subtree_control").value_or("");
      if (may_write(parent.get(), "cgroup.subtree_control")) {
        view.parent_controllers = read_at(parent.get(), "cgroup.controllers").value_or("");
        view.parent_empty = read_at(parent.get(), "cgroup.procs").value_or("?").empty();
      }
    }
  }
  return view;
}

std::string mend_for(V2Choice::Why why, const std::string& directory, std::string_view controller) {
  const bool root = ::geteuid() == 0;
  switch (why) {
    case V2Choice::Why::kFine:
      return {};
    case V2Choice::Why::kNotWritable:
      if (root) {
        return "mount -o remount,rw /sys/fs/cgroup (in a container: run it with writable cgroups)";
      }
      return "systemd-run --user --scope -p Delegate=yes -- sandpit … (in a log-in session; "
             "otherwise first: loginctl enable-linger)";
    case V2Choice::Why::kOthersInGroup:
      if (root) {
        return fmt::format(
            "mkdir -p {0}/others && for p in $(cat {0}/cgroup.procs); do echo $p > "
            "{0}/others/cgroup.procs; done",
            directory);
      }
      return fmt::format(
          "systemd-run --user --scope -p Delegate=yes -- sandpit …; without systemd: "
          "mkdir {0}/shell && for p in $(cat {0}/cgroup.procs); do echo $p > "
          "{0}/shell/cgroup.procs; done",
          directory);
    case V2Choice::Why::kNoController:
      if (root) {
        return fmt::format(
            "echo +{} > {}/cgroup.subtree_control (a controller that is mounted as "
            "cgroup v1 or disabled at boot is not available to v2)",
            controller, parent_of(directory));
      }
      return fmt::format("sudo sh -c 'echo +{} > {}/cgroup.subtree_control'; with systemd: ",
                         controller, parent_of(directory)) +
             "sudo mkdir -p /etc/systemd/system/user@.service.d && printf "
             "'[Service]\\nDelegate=cpu cpuset memory pids\\n' | sudo tee "
             "/etc/systemd/system/user@.service.d/delegate.conf && sudo systemctl daemon-reload, "
             "then log in again";
  }
  return {};
}

std::string reason_for(V2Choice::Why why, const std::string& directory,
                       std::string_view controller) {
  switch (why) {
    case V2Choice::Why::kFine:
      return {};
    case V2Choice::Why::kNotWritable:
      return fmt::format("the cgroup {} is not delegated to this user", directory);
    case V2Choice::Why::kOthersInGroup:
      return fmt::format("other processes are in {}, so no controller can be enabled in it",
                         directory);
    case V2Choice::Why::kNoController:
      return fmt::format("the {} controller is not available in {}", controller, directory);
  }
  return {};
}

bool has_other_children(int dir, std::string_view leaf) {
  bool found = false;
  const auto names = directory_names(dir);
  if (!names) return true;
  for (const std::string& name : *names) {
    struct stat info{};
    const bool is_dir =
        ::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
    found = found || (is_dir && name != leaf);
  }
  return found;
}

void remove_stale_leaves(int dir) {
  const auto names = directory_names(dir);
  if (!names) return;
  for (const std::string& name : *names) {
    // The kernel refuses to remove a leaf that some process is in.
    if (name.starts_with(kLeafPrefix)) (void)::unlinkat(dir, name.c_str(), AT_REMOVEDIR);
  }
}

}  // namespace

V2Choice choose_v2_base(const V2View& view) {
  using Why = V2Choice::Why;
  const auto pick = [](V2Place place, std::string_view available, std::string_view enabled) {
    V2Choice choice{.place = place};
    choice.memory = has_word(available, "memory");
    choice.pids = has_word(available, "pids");
    if (!choice.memory || !choice.pids) choice.why_not = Why::kNoController;
    for (const auto& [wanted, word] : {std::pair{choice.memory, "memory"}, {choice.pids, "pids"}}) {
      if (wanted && !has_word(enabled, word)) {
        choice.enable += fmt::format("{}+{}", choice.enable.empty() ? "" : " ", word);
      }
    }
    return choice;
  };
  const auto offers = [&](std::string_view controllers) {
    return view.parent_writable &&
           (has_word(controllers, "memory") || has_word(controllers, "pids"));
  };
  // This process or an ancestor has moved to the leaf already, out of its parent.
  if (view.is_own_leaf && offers(view.parent_controllers)) {
    return pick(V2Place::kParent, view.parent_controllers, view.parent_subtree);
  }
  if (!view.writable) return {.why_not = Why::kNotWritable};

  V2Choice choice = pick(V2Place::kOwnGroup, view.controllers, view.subtree);
  const bool complete = choice.why_not == Why::kFine;
  if (view.is_root || (complete && choice.enable.empty())) return choice;
  if (!(complete && view.alone) && view.parent_empty && offers(view.parent_controllers)) {
    // A subtree that was delegated by hand, not by systemd: maybe nobody has enabled them in it.
    V2Choice above = pick(V2Place::kParent, view.parent_controllers, view.parent_subtree);
    if (complete || above.why_not == Why::kFine) return above;
  }
  if (choice.enable.empty()) return choice;
  if (view.alone) {
    choice.move_self = true;
    return choice;
  }
  if (offers(view.parent_subtree)) {
    return pick(V2Place::kParent, view.parent_subtree, view.parent_subtree);
  }
  return {.place = V2Place::kOwnGroup, .why_not = Why::kOthersInGroup};
}

V2Probe probe_v2(const CgroupPlace& place) {
  V2Probe probe;
  const auto refuse = [&](const std::string& reason, const std::string& mend) {
    for (ControllerFacts* facts : {&probe.memory, &probe.pids, &probe.cpu}) {
      *facts = {.reason = reason, .mend = mend};
    }
  };
  refuse(place.reason, "mount -t cgroup2 cgroup2 /sys/fs/cgroup (as root)");
  for (const auto& candidate : place.candidates) {
    UniqueFd dir(::open(candidate.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!dir.valid() || !is_cgroup_v2(dir.get())) {
      refuse(fmt::format("{} can't be opened as a cgroup", candidate.directory),
             "mount -t cgroup2 cgroup2 /sys/fs/cgroup (as root)");
      continue;
    }
    V2Choice choice = choose_v2_base(view_of(dir.get(), candidate));
    const auto facts_for = [&](bool usable, std::string_view controller) -> ControllerFacts {
      if (!usable) {
        return {.reason = reason_for(choice.why_not, candidate.directory, controller),
                .mend = mend_for(choice.why_not, candidate.directory, controller)};
      }
      return {.version = CgroupVersion::kV2,
              .directory = choice.place == V2Place::kParent ? parent_of(candidate.directory)
                                                            : candidate.directory};
    };
    probe.memory = facts_for(choice.memory, "memory");
    probe.pids = facts_for(choice.pids, "pids");
    // cpu.stat has the times of every group, the cpu controller enabled or not.
    probe.cpu = facts_for(choice.place != V2Place::kNowhere, "cpu");
    if (choice.place == V2Place::kNowhere) return probe;
    if (choice.place == V2Place::kParent) {
      dir = UniqueFd(::open(probe.cpu.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    probe.base = std::make_unique<V2Base>(std::move(choice), probe.cpu.directory, std::move(dir));
    return probe;
  }
  return probe;
}

std::string V2Base::leaf_name() const { return fmt::format("{}{}", kLeafPrefix, ::getpid()); }

Result<void> V2Base::make_ready() const {
  const std::lock_guard lock(mutex_);
  if (!ready_) {
    ready_ = prepare();
    if (!*ready_) ready_ = fail(with_context(ready_->error(), "make " + directory_ + " ready"));
  }
  return *ready_;
}

Result<void> V2Base::prepare() const {
  // Whoever enables or relies on the controllers holds this lock shared; who would disable them
  // takes it exclusively.
  SP_TRY(lock_, open_at(dir_.get(), ".", O_RDONLY | O_DIRECTORY));
  if (::flock(lock_.get(), LOCK_SH) < 0) return fail(errno_error("flock", errno));
  if (choice_.enable.empty()) return {};
  if (choice_.move_self) {
    remove_stale_leaves(dir_.get());
    const std::string leaf = leaf_name();
    if (::mkdirat(dir_.get(), leaf.c_str(), 0755) < 0 && errno != EEXIST) {
      return fail(errno_error("make cgroup " + leaf, errno));
    }
    SP_TRY_VOID(write_at(dir_.get(), (leaf + "/cgroup.procs").c_str(), "0"));
  }
  if (choice_.move_self || choice_.place == V2Place::kParent) owner_pid_ = ::getpid();
  return write_at(dir_.get(), "cgroup.subtree_control", choice_.enable);
}

V2Base::~V2Base() {
  // Not for the real root, where others may have come to rely on it, and not in a forked child. The
  // leaf that this process is in can't be removed by it: the next sandpit here does, or systemd
  // with the scope.
  if (owner_pid_ != ::getpid() || !lock_.valid()) return;
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) < 0) return;
  if (has_other_children(dir_.get(), leaf_name())) return;
  std::string disable = choice_.enable;
  for (char& c : disable) c = c == '+' ? '-' : c;
  (void)write_at(dir_.get(), "cgroup.subtree_control", disable);
}

}  // namespace sandpit::sys
