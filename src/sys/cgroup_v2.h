// Cgroup v2: where groups can be made, and one run's group. Only sys/cgroup.cc, service/doctor.cc
// and tests use it. See Documentation/admin-guide/cgroup-v2.rst ("Delegation", "No Internal Process
// Constraint").
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/cgroup.h"
#include "sys/cgroup_layout.h"

namespace sandpit::sys {

// What decides where groups are made; read from the kernel by probe_v2(), made up by tests.
struct V2View {
  std::string controllers;  // cgroup.controllers of our group
  std::string subtree;      // cgroup.subtree_control of our group
  bool is_root =
      false;  // the hierarchy's real root: may have both processes and children with controllers
  bool writable = false;         // we may make groups in it, move processes and enable controllers
  bool alone = false;            // no process but ours in it
  bool is_own_leaf = false;      // a leaf that a sandpit moved itself to ("sandpit-self-PID")
  bool parent_writable = false;  // false also when there is no parent in sight
  std::string parent_subtree;
  std::string parent_controllers;  // empty when we may not enable them there
  bool parent_empty = false;       // no process in it, so that controllers can be enabled
};

enum class V2Place : std::uint8_t { kNowhere, kOwnGroup, kParent };

struct V2Choice {
  V2Place place = V2Place::kNowhere;
  bool memory = false;
  bool pids = false;
  std::string enable;      // to be written to cgroup.subtree_control first, "" when nothing
  bool move_self = false;  // first move this process to a leaf
  enum class Why : std::uint8_t { kFine, kNotWritable, kOthersInGroup, kNoController };
  Why why_not = Why::kFine;  // of memory and pids; CPU time needs no controller
};

// Pure. `place` is kOwnGroup with neither controller when only CPU time can be had.
[[nodiscard]] V2Choice choose_v2_base(const V2View& view);

// The directory below which groups are made. Made ready (controllers enabled, this process moved
// out of the way) only when the first group is: probing changes nothing.
class V2Base {
 public:
  V2Base(V2Choice choice, std::string directory, UniqueFd dir)
      : choice_(std::move(choice)), directory_(std::move(directory)), dir_(std::move(dir)) {}
  V2Base(const V2Base&) = delete;
  V2Base& operator=(const V2Base&) = delete;
  // Takes back what make_ready() enabled, when no other sandpit uses the directory.
  ~V2Base();

  [[nodiscard]] Result<void> make_ready() const;
  [[nodiscard]] const V2Choice& choice() const { return choice_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] int dir() const { return dir_.get(); }

 private:
  [[nodiscard]] Result<void> prepare() const;
  [[nodiscard]] std::string leaf_name() const;

  V2Choice choice_;
  std::string directory_;
  UniqueFd dir_;
  mutable std::mutex mutex_;
  mutable std::optional<Result<void>> ready_;
  mutable UniqueFd lock_;
  mutable int owner_pid_ = 0;  // the process that moved itself and enabled the controllers
};

struct V2Probe {
  std::unique_ptr<V2Base> base;  // none when nothing can be had
  ControllerFacts memory;
  ControllerFacts pids;
  ControllerFacts cpu;
};
[[nodiscard]] V2Probe probe_v2(const CgroupPlace& place);

class V2Group {
 public:
  // `base` must outlive the group and be ready.
  [[nodiscard]] static Result<V2Group> create(const V2Base& base, const std::string& name);

  V2Group(V2Group&& other) noexcept;
  V2Group& operator=(V2Group&&) = delete;
  V2Group(const V2Group&) = delete;
  V2Group& operator=(const V2Group&) = delete;
  ~V2Group();

  [[nodiscard]] bool has_memory() const { return base_->choice().memory; }
  [[nodiscard]] bool has_pids() const { return base_->choice().pids; }
  [[nodiscard]] int directory() const { return dir_.get(); }
  [[nodiscard]] int event_descriptor() const { return inotify_.get(); }
  void drain_events();

  [[nodiscard]] Result<void> set_limits(const CgroupLimits& limits);
  [[nodiscard]] Result<Microseconds> cpu_time() const;
  // `count_cpu`: no when the CPU time comes from v1.
  enum class CountCpu : std::uint8_t { kNo, kYes };
  void add_usage(CgroupUsage& usage, CountCpu count_cpu) const;
  void kill_all();
  [[nodiscard]] Result<void> reset();

 private:
  V2Group(const V2Base& base, std::string name) : base_(&base), name_(std::move(name)) {}
  [[nodiscard]] Result<void> open_files();
  [[nodiscard]] Result<void> open_memory_files();
  [[nodiscard]] Result<void> reset_memory();
  void sample_memory() const;

  const V2Base* base_;
  std::string name_;  // empty once moved from
  UniqueFd dir_;
  UniqueFd cpu_stat_;
  UniqueFd memory_peak_;  // since 5.19
  UniqueFd memory_events_;
  UniqueFd inotify_;              // on memory.events
  bool peak_resettable_ = false;  // since 6.12
  mutable std::uint64_t sampled_peak_ = 0;
  // These counters can't be set to zero.
  std::uint64_t oom_kills_before_ = 0;
  std::uint64_t limit_hits_before_ = 0;
  std::uint64_t forks_denied_before_ = 0;
  std::uint64_t cpu_before_ = 0;  // us
  std::uint64_t user_before_ = 0;
  std::uint64_t system_before_ = 0;
};

}  // namespace sandpit::sys
