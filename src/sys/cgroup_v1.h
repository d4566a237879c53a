// One run's directory in one cgroup v1 hierarchy. Only sys/cgroup.cc uses it.
// See Documentation/admin-guide/cgroup-v1/{memory,cpuacct,pids}.rst.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/cgroup.h"

namespace sandpit::sys {

// The directory below which groups are made. Controllers mounted together (cpu,cpuacct) share one.
struct V1Base {
  UniqueFd dir;
  std::string directory;
  bool memory = false;
  bool pids = false;
  bool cpu = false;
};

class V1Group {
 public:
  // `base` must outlive the group.
  [[nodiscard]] static Result<V1Group> create(const V1Base& base, const std::string& name);

  V1Group(V1Group&& other) noexcept;
  V1Group& operator=(V1Group&&) = delete;
  V1Group(const V1Group&) = delete;
  V1Group& operator=(const V1Group&) = delete;
  ~V1Group();

  [[nodiscard]] bool has_memory() const { return base_->memory; }
  [[nodiscard]] bool has_pids() const { return base_->pids; }
  [[nodiscard]] bool has_cpu() const { return base_->cpu; }
  [[nodiscard]] int tasks() const { return tasks_.get(); }
  [[nodiscard]] int event_descriptor() const { return oom_event_.get(); }

  // Only the limits of this directory's controllers are looked at.
  [[nodiscard]] Result<void> set_limits(const CgroupLimits& limits);
  [[nodiscard]] Result<Microseconds> cpu_time() const;
  // Adds what this directory's controllers know.
  void add_usage(CgroupUsage& usage) const;
  void kill_all();
  [[nodiscard]] Result<void> reset();

 private:
  V1Group(const V1Base& base, std::string name) : base_(&base), name_(std::move(name)) {}
  [[nodiscard]] Result<void> open_files();
  [[nodiscard]] Result<void> watch_oom();
  [[nodiscard]] Result<void> set_memory(const std::optional<ByteCount>& limit);
  [[nodiscard]] Result<void> reset_memory();

  const V1Base* base_;
  std::string name_;  // empty once moved from
  UniqueFd dir_;
  UniqueFd tasks_;
  UniqueFd cpu_usage_;    // cpuacct.usage
  UniqueFd oom_control_;  // memory.oom_control
  UniqueFd oom_event_;
  // These counters can't be set to zero.
  std::uint64_t oom_kills_before_ = 0;
  std::uint64_t forks_denied_before_ = 0;
  std::uint64_t cpu_before_ = 0;  // ns
  std::uint64_t user_before_ = 0;
  std::uint64_t system_before_ = 0;
};

}  // namespace sandpit::sys
