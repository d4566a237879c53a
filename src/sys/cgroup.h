// Cgroups as a run uses them: one interface, backends v1, v2, hybrid (controllers mounted in
// different places) and none. The engine makes one group per run slot, the child joins it, the
// supervisor reads it. See cgroups(7), Documentation/admin-guide/cgroup-v1/,
// Documentation/admin-guide/cgroup-v2.rst.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/units.h"
#include "sys/host_facts.h"

namespace sandpit::sys {

struct CgroupLimits {
  std::optional<ByteCount> memory;     // swap off as well
  std::optional<std::uint64_t> tasks;  // pids.max
};

struct CgroupUsage {
  std::optional<Microseconds> cpu;  // user + system of the group since reset or creation
  std::optional<Microseconds> user;
  std::optional<Microseconds> system;
  std::optional<ByteCount> memory_peak;
  bool memory_peak_sampled = false;  // v2 before 5.19: the highest of what was read now and then,
                                     // the true peak may be higher
  std::uint64_t oom_kills = 0;       // v2 with memory.oom.group: the first victim may count twice
  // Times that this very group was out of memory; 0 with oom_kills > 0: the host or an outer group
  // was, not this one. v2 only: v1's failcnt stays 0 on some kernels (seen on 6.18).
  std::optional<std::uint64_t> memory_limit_hits;
  std::uint64_t pids_denied = 0;  // forks refused by pids.max
};

// One run's group: in each controller that is usable, a directory of its own. Removed by the
// destructor.
class Cgroup {
 public:
  Cgroup() = default;
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  virtual ~Cgroup() = default;

  [[nodiscard]] virtual Result<void> set_limits(const CgroupLimits& limits) = 0;
  // v1: open `tasks` files, O_WRONLY|O_CLOEXEC; the child writes "0" to each after clone (never the
  // parent: DESIGN.md section 4). Empty on pure v2.
  [[nodiscard]] virtual std::span<const int> join_descriptors() const = 0;
  // v2: the directory for CLONE_INTO_CGROUP; -1 when there is no v2 group.
  [[nodiscard]] virtual int clone_into() const = 0;
  // Becomes readable (v1: eventfd on memory.oom_control) or has EPOLLPRI/IN (v2: inotify on
  // memory.events) when an OOM kill may have happened: then read usage().oom_kills, after
  // drain_events(). -1 when there is no memory controller.
  [[nodiscard]] virtual int event_descriptor() const = 0;
  virtual void drain_events() = 0;
  [[nodiscard]] virtual Result<CgroupUsage> usage() const = 0;
  // CPU time alone: called by the supervisor's timer. Cheap (one pread on a descriptor kept open).
  [[nodiscard]] virtual Result<Microseconds> cpu_time() const = 0;
  // SIGKILLs every process in the group (v2: cgroup.kill; v1: its pids, repeated until empty,
  // bounded).
  virtual void kill_all() = 0;
  // Makes an emptied group ready for the next run: counters to zero, leftover page cache and tmpfs
  // charges dropped where the kernel can. kSystem error when this kernel can't (v2's memory.peak
  // before 6.12): the caller makes a new group.
  [[nodiscard]] virtual Result<void> reset() = 0;
};

struct CgroupBases;  // sys/cgroup.cc

// Where groups are made: below the group that this process is in, for each controller.
class CgroupHost {
 public:
  // Reads /proc/self/cgroup and /proc/self/mountinfo; never fails: what is missing is in facts().
  // On v2, as an ordinary user: usable when the current group is delegated to us (writable, with
  // the controllers enabled or enableable: this process must first move itself to a leaf, "no
  // internal processes"); see delegate().
  [[nodiscard]] static CgroupHost probe();

  [[nodiscard]] const ControllerFacts& memory() const { return memory_; }
  [[nodiscard]] const ControllerFacts& pids() const { return pids_; }
  [[nodiscard]] const ControllerFacts& cpu() const { return cpu_; }

  // Makes the group `name` (one path component). A directory of that name that already exists is a
  // leftover of a dead owner (the caller holds the slot's lock): what is in it is killed, it is
  // removed and made anew.
  [[nodiscard]] Result<std::unique_ptr<Cgroup>> create(std::string_view name) const;

 private:
  ControllerFacts memory_;
  ControllerFacts pids_;
  ControllerFacts cpu_;
  std::shared_ptr<const CgroupBases> bases_;  // shared with the groups made here
};

// As an ordinary user on v2 with a systemd user manager: asks it over D-Bus for a transient scope
// with Delegate=yes for this process (busctl --user call … StartTransientUnit) and waits, at most
// `timeout`, until this process is in it. Call before probe(). kSystem with the reason when there
// is no manager, no busctl, or it refuses; nothing is changed then.
[[nodiscard]] Result<void> delegate_by_systemd(Milliseconds timeout);

}  // namespace sandpit::sys
