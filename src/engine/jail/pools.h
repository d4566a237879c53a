// What a launcher keeps ready because making it anew is most of a jail's price: mount trees and network namespaces.
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

// Ready-made roots: the part of a mount tree that runs with the same shared mounts can share, read-only. Root only: the launcher has
// a mount namespace of its own in which the trees hang.
class TreePool {
 public:
  // Moves this process into a new mount namespace (slave of the host's, so that later mounts of the host are seen) and
  // mounts a tmpfs over `directory` there.
  [[nodiscard]] static Result<std::unique_ptr<TreePool>> create(const std::string& directory);
  // A detached copy of the tree for these mounts; built at the first call.
  [[nodiscard]] Result<UniqueFd> copy(const Plan& plan, ChildArray<ChildMount> mounts);

 private:
  explicit TreePool(UniqueFd directory) : directory_(std::move(directory)) {}
  Result<UniqueFd> build(ChildArray<ChildMount> mounts, const Plan& plan);
  static constexpr std::size_t kMost = 16;
  UniqueFd directory_;
  unsigned next_ = 0;
  std::map<std::string, UniqueFd> trees_;
};

// Network namespaces with no interface up, each used by one run at a time (abstract unix sockets live in them). This process changes
// into one before it clones, and the child inherits it: making one costs 0.45 ms.
class NetworkPool {
 public:
  [[nodiscard]] static Result<std::unique_ptr<NetworkPool>> create();
  // Takes an idle namespace, or makes one.
  [[nodiscard]] Result<UniqueFd> take();
  void give_back(UniqueFd network) { idle_.push_back(std::move(network)); }
  // Makes `network` (a namespace of this pool) the one that children inherit; `host()` is where we came from.
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
      : pool_(std::exchange(other.pool_, nullptr)), network_(std::move(other.network_)), own_(other.own_) {}
  NetworkLease& operator=(NetworkLease&&) = delete;
  NetworkLease(const NetworkLease&) = delete;
  NetworkLease& operator=(const NetworkLease&) = delete;
  ~NetworkLease() {
    if (pool_ != nullptr && network_.valid()) pool_->give_back(std::move(network_));
  }
  // Puts this process where the child shall be. A private loopback keeps state (TIME_WAIT, bound ports), so it is never pooled.
  [[nodiscard]] Result<void> choose(NetworkMode mode, NetworkPool* pool);
  // Must clone3 make it?
  [[nodiscard]] bool needs_own() const { return own_; }

 private:
  NetworkPool* pool_ = nullptr;
  UniqueFd network_;
  bool own_ = false;
};

}  // namespace sandpit::jail
