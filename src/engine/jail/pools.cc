#include "engine/jail/pools.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>

#include "engine/jail/mount_calls.h"

namespace sandpit::jail {
namespace {

// Two plans share a tree when this is equal. A replaced file (an upgraded ld.so.cache) is a new inode and so a new tree.
std::string tree_key(const Plan& plan) {
  std::string key;
  for (const Mount& mount : plan.mounts) {
    const bool granted = (mount.flags & kMountGranted) != 0;
    key += fmt::format("{}|{}|{}|{}|{}|{}|", static_cast<int>(mount.kind), mount.flags, mount.mode,
                       mount.target, granted ? std::string() : mount.source, mount.content);
    struct stat status {};
    if (mount.kind == MountKind::kBind && !granted && ::stat(mount.source.c_str(), &status) == 0) {
      key += fmt::format("{}:{}", status.st_dev, status.st_ino);
    }
    key += '\n';
  }
  return key;
}

}  // namespace

Result<std::unique_ptr<TreePool>> TreePool::create(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) < 0 && errno != EEXIST) return fail(errno_error(directory, errno));
  if (::unshare(CLONE_NEWNS) < 0) return fail(errno_error("unshare mount namespace", errno));
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) < 0) {
    return fail(errno_error("make mounts slave", errno));
  }
  if (::mount("sandpit", directory.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=0700") < 0) {
    return fail(errno_error("mount tmpfs for trees", errno));
  }
  if (::mount(nullptr, directory.c_str(), nullptr, MS_PRIVATE, nullptr) < 0) {
    return fail(errno_error("make trees private", errno));
  }
  UniqueFd fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fail(errno_error(directory, errno));
  return std::unique_ptr<TreePool>(new TreePool(std::move(fd)));
}

Result<UniqueFd> TreePool::build(ChildArray<ChildMount> mounts, const Plan& plan) {
  UniqueFd root(make_root_tmpfs());
  if (!root.valid()) return fail(errno_error("root tmpfs", errno));
  const std::string name = fmt::format("{}", next_++);
  if (::mkdirat(directory_.get(), name.c_str(), 0700) < 0) return fail(errno_error("mkdir", errno));
  if (move_tree(root.get(), directory_.get(), name.c_str()) < 0) {
    return fail(errno_error("attach ready-made tree", errno));
  }
  const TreeFailure failure = build_shared_tree(root.get(), mounts, nullptr);
  if (failure.step != LaunchStep::kNone) {
    const std::string what = failure.step == LaunchStep::kMount
                                 ? plan.mounts.at(static_cast<std::size_t>(failure.detail)).target
                                 : std::string();
    return fail(errno_error(fmt::format("{} {}", to_string(failure.step), what), failure.errno_value));
  }
  if (make_read_only(root.get()) < 0) return fail(errno_error("make the tree read-only", errno));
  return root;
}

Result<UniqueFd> TreePool::copy(const Plan& plan, ChildArray<ChildMount> mounts) {
  const std::string key = tree_key(plan);
  auto found = trees_.find(key);
  if (found == trees_.end()) {
    if (trees_.size() >= kMost) {
      detach_tree(trees_.begin()->second.get());
      trees_.erase(trees_.begin());
    }
    SP_TRY(UniqueFd tree, build(mounts, plan));
    found = trees_.emplace(key, std::move(tree)).first;
  }
  UniqueFd copy(clone_tree(found->second.get()));
  if (!copy.valid()) return fail(errno_error("copy ready-made tree", errno));
  return copy;
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
  own_ = mode == NetworkMode::kLoopback || (mode == NetworkMode::kNone && pool == nullptr);
  if (pool == nullptr) return {};
  if (mode != NetworkMode::kNone) return NetworkPool::enter(pool->host());
  SP_TRY(network_, pool->take());
  pool_ = pool;
  return NetworkPool::enter(network_);
}

}  // namespace sandpit::jail
