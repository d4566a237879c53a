// What a launcher keeps ready because making it anew is most of a jail's price: mount trees and
// network namespaces.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/child.h"
#include "plan/plan.h"

namespace sandpit::jail {

// Ready-made roots: mount namespaces whose root is the shared, read-only part of a mount tree. This
// process changes into one before it clones; the child's own copy of it then needs no pivot and has
// no old root to detach, which is most of a mount tree's price. Root only. Under /proc lies the
// procfs of a dead pid namespace: a new procfs may be mounted only where one is visible already
// (mount_too_revealing in fs/namespace.c), and this one shows nothing should it ever come to light.
class TreePool {
 public:
  // This process stays in its own mount namespace between launches, so that later mounts of the
  // host are seen in what is granted.
  [[nodiscard]] static Result<std::unique_ptr<TreePool>> create(int proc_dir);
  // Changes into the namespace for these mounts; made at the first call.
  [[nodiscard]] Result<void> enter(const Plan& plan, ChildArray<ChildMount> mounts);
  // Changes back.
  void leave();

 private:
  TreePool(int proc_dir, UniqueFd home, UniqueFd home_root)
      : proc_dir_(proc_dir), home_(std::move(home)), home_root_(std::move(home_root)) {}
  Result<void> build(ChildArray<ChildMount> mounts, const Plan& plan);
  Result<void> attach_dead_proc(int root, const Plan& plan);
  static constexpr std::size_t kMost = 16;
  int proc_dir_;
  UniqueFd home_;
  UniqueFd home_root_;  // a chroot of the host's program is not lost by setns
  bool away_ = false;
  std::map<std::string, UniqueFd> trees_;
};

// Needs a namespace that nobody has used before.
[[nodiscard]] constexpr bool has_loopback(NetworkMode mode) {
  return mode == NetworkMode::kLoopback || mode == NetworkMode::kAllow;
}

// Network namespaces with no interface up, each used by one run at a time (abstract unix sockets
// live in them). This process changes into one before it clones, and the child inherits it: making
// one costs 0.45 ms.
class NetworkPool {
 public:
  [[nodiscard]] static Result<std::unique_ptr<NetworkPool>> create();
  // Takes an idle namespace, or makes one.
  [[nodiscard]] Result<UniqueFd> take();
  void give_back(UniqueFd network) { idle_.push_back(std::move(network)); }
  // Makes `network` (a namespace of this pool) the one that children inherit; `host()` is where we
  // came from.
  [[nodiscard]] static Result<void> enter(const UniqueFd& network);
  [[nodiscard]] const UniqueFd& host() const { return host_; }

 private:
  explicit NetworkPool(UniqueFd host) : host_(std::move(host)) {}
  UniqueFd host_;
  std::vector<UniqueFd> idle_;
};

// The network namespace of one run: the pool's, or made by clone3, or the host's.
class NetworkLease {
 public:
  NetworkLease() = default;
  NetworkLease(NetworkLease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        network_(std::move(other.network_)),
        own_(other.own_) {}
  NetworkLease& operator=(NetworkLease&&) = delete;
  NetworkLease(const NetworkLease&) = delete;
  NetworkLease& operator=(const NetworkLease&) = delete;
  ~NetworkLease() {
    if (pool_ != nullptr && network_.valid()) pool_->give_back(std::move(network_));
  }
  // Puts this process where the child shall be. A private loopback keeps state (TIME_WAIT, bound
  // ports), so it is never pooled.
  [[nodiscard]] Result<void> choose(NetworkMode mode, NetworkPool* pool);
  // Must clone3 make it?
  [[nodiscard]] bool needs_own() const { return own_; }

 private:
  NetworkPool* pool_ = nullptr;
  UniqueFd network_;
  bool own_ = false;
};

}  // namespace sandpit::jail
