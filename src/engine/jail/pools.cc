#include "engine/jail/pools.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/child.h"
#include "engine/jail/mount_calls.h"
#include "plan/plan.h"
#include "sandpit/error.h"
#include "sandpit/request.h"

namespace sandpit::jail {
namespace {

// Two plans share a tree when this is equal. A replaced file (an upgraded ld.so.cache) is a new
// inode and so a new tree.
std::string tree_key(const Plan& plan) {
  std::string key;
  for (const Mount& mount : plan.mounts) {
    const bool granted = (mount.flags & kMountGranted) != 0;
    key += fmt::format("{}|{}|{}|{}|{}|{}|", static_cast<int>(mount.kind), mount.flags, mount.mode,
                       mount.target, granted ? std::string() : mount.source, mount.content);
    struct stat status{};
    if (mount.kind == MountKind::kBind && !granted && ::stat(mount.source.c_str(), &status) == 0) {
      key += fmt::format("{}:{}", status.st_dev, status.st_ino);
    }
    key += '\n';
  }
  return key;
}

}  // namespace

Result<std::unique_ptr<TreePool>> TreePool::create(int proc_dir) {
  UniqueFd home(::openat(proc_dir, "self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!home.valid()) return fail(errno_error("/proc/self/ns/mnt", errno));
  UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return fail(errno_error("/", errno));
  return std::unique_ptr<TreePool>(new TreePool(proc_dir, std::move(home), std::move(root)));
}

Result<void> TreePool::attach_dead_proc(int root, const Plan& plan) {
  for (const Mount& mount : plan.mounts) {
    if (mount.kind != MountKind::kProc) continue;
    const UniqueFd proc(dead_proc());
    if (!proc.valid()) return fail(errno_error("procfs of a dead pid namespace", errno));
    if (move_tree(proc.get(), root, mount.target.c_str() + 1) < 0) {
      return fail(errno_error("mount /proc", errno));
    }
  }
  return {};
}

// Leaves this process inside the new namespace.
Result<void> TreePool::build(ChildArray<ChildMount> mounts, const Plan& plan) {
  UniqueFd root(make_root_tmpfs());
  if (!root.valid()) return fail(errno_error("root tmpfs", errno));
  if (::unshare(CLONE_NEWNS) < 0) return fail(errno_error("unshare mount namespace", errno));
  away_ = true;
  // Nothing that is mounted here may show on the host, and pivot_root(2) refuses shared parents.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) < 0) {
    return fail(errno_error("make mounts slave", errno));
  }
  if (move_tree(root.get(), AT_FDCWD, "/tmp") < 0)
    return fail(errno_error("attach ready-made tree", errno));
  const TreeFailure failure = build_shared_tree(root.get(), mounts, nullptr);
  if (failure.step != LaunchStep::kNone) {
    const std::string what = failure.step == LaunchStep::kMount
                                 ? plan.mounts.at(static_cast<std::size_t>(failure.detail)).target
                                 : std::string();
    return fail(
        errno_error(fmt::format("{} {}", to_string(failure.step), what), failure.errno_value));
  }
  SP_TRY_VOID(attach_dead_proc(root.get(), plan));
  if (make_read_only(root.get()) < 0) return fail(errno_error("make the tree read-only", errno));
  if (pivot_into(root.get()) < 0) return fail(errno_error("pivot_root", errno));
  return {};
}

Result<void> TreePool::enter(const Plan& plan, ChildArray<ChildMount> mounts) {
  const std::string key = tree_key(plan);
  if (const auto found = trees_.find(key); found != trees_.end()) {
    if (::setns(found->second.get(), CLONE_NEWNS) < 0)
      return fail(errno_error("enter ready-made tree", errno));
    away_ = true;
    return {};
  }
  if (trees_.size() >= kMost) trees_.erase(trees_.begin());
  if (auto built = build(mounts, plan); !built) {
    leave();
    return built;
  }
  UniqueFd tree(::openat(proc_dir_, "self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!tree.valid()) return fail(errno_error("/proc/self/ns/mnt", errno));
  trees_.emplace(key, std::move(tree));
  return {};
}

void TreePool::leave() {
  if (!away_) return;
  // Without a way back nothing more could be launched correctly: better to end, which kills every
  // run.
  if (::setns(home_.get(), CLONE_NEWNS) < 0 || ::fchdir(home_root_.get()) < 0 || ::chroot(".") < 0)
    ::abort();
  away_ = false;
}

Result<std::unique_ptr<NetworkPool>> NetworkPool::create() {
  UniqueFd host(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!host.valid()) return fail(errno_error("/proc/self/ns/net", errno));
  return std::unique_ptr<NetworkPool>(new NetworkPool(std::move(host)));
}

Result<UniqueFd> NetworkPool::take() {
  if (!idle_.empty()) {
    UniqueFd network = std::move(idle_.back());
    idle_.pop_back();
    return network;
  }
  if (::unshare(CLONE_NEWNET) < 0) return fail(errno_error("new network namespace", errno));
  UniqueFd network(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!network.valid()) return fail(errno_error("/proc/self/ns/net", errno));
  return network;
}

Result<void> NetworkPool::enter(const UniqueFd& network) {
  if (::setns(network.get(), CLONE_NEWNET) < 0) {
    return fail(errno_error("enter network namespace", errno));
  }
  return {};
}

Result<void> NetworkLease::choose(NetworkMode mode, NetworkPool* pool) {
  own_ = has_loopback(mode) || (mode == NetworkMode::kNone && pool == nullptr);
  if (pool == nullptr) return {};
  if (mode != NetworkMode::kNone) return NetworkPool::enter(pool->host());
  SP_TRY(network_, pool->take());
  pool_ = pool;
  return NetworkPool::enter(network_);
}

}  // namespace sandpit::jail
