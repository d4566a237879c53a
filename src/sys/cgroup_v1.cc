#include "sys/cgroup_v1.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/units.h"
#include "sys/cgroup.h"
#include "sys/cgroup_file.h"

namespace sandpit::sys {
namespace {

constexpr std::chrono::milliseconds kKillBudget{200};

// What an empty group may still be charged with and count as empty: the kernel charges in batches
// of 64 pages for each CPU, and a few directory entries stay. The next run's peak can be too high
// by this much. To go below costs 0.3 to 6 ms (force_empty drains every CPU's batch; measured
// on 6.18, usual leftovers there: 150 to 700 KiB).
constexpr ByteCount kNearZero = ByteCount::mib(1);

Microseconds from_ns(std::uint64_t ns) {
  return std::chrono::duration_cast<Microseconds>(std::chrono::nanoseconds(ns));
}

std::uint64_t above(std::uint64_t now, std::uint64_t before) {
  return now > before ? now - before : 0;
}

}  // namespace

V1Group::V1Group(V1Group&& other) noexcept
    : base_(other.base_),
      name_(std::exchange(other.name_, {})),
      dir_(std::move(other.dir_)),
      tasks_(std::move(other.tasks_)),
      cpu_usage_(std::move(other.cpu_usage_)),
      oom_control_(std::move(other.oom_control_)),
      oom_event_(std::move(other.oom_event_)),
      oom_kills_before_(other.oom_kills_before_),
      forks_denied_before_(other.forks_denied_before_),
      cpu_before_(other.cpu_before_),
      user_before_(other.user_before_),
      system_before_(other.system_before_) {}

V1Group::~V1Group() {
  if (name_.empty()) return;
  // A destructor has nobody to tell; the slot's next owner removes what is left.
  (void)remove_group(base_->dir.get(), name_.c_str(), [](int dir) { (void)kill_listed(dir); });
}

Result<V1Group> V1Group::create(const V1Base& base, const std::string& name) {
  if (::mkdirat(base.dir.get(), name.c_str(), 0755) < 0) {
    if (errno != EEXIST) {
      return fail(errno_error(fmt::format("make cgroup {}/{}", base.directory, name), errno));
    }
    SP_TRY_VOID(remove_group(base.dir.get(), name.c_str(),
                             [](int dir) { kill_until_empty(dir, kKillBudget); }));
    if (::mkdirat(base.dir.get(), name.c_str(), 0755) < 0) {
      return fail(errno_error(fmt::format("make cgroup {}/{} again", base.directory, name), errno));
    }
  }
  V1Group group(base, name);
  if (auto opened = group.open_files(); !opened) {
    return fail(
        with_context(std::move(opened).error(), fmt::format("cgroup {}/{}", base.directory, name)));
  }
  return group;
}

Result<void> V1Group::open_files() {
  SP_TRY(dir_, open_at(base_->dir.get(), name_.c_str(), O_PATH | O_DIRECTORY));
  SP_TRY(tasks_, open_at(dir_.get(), "tasks", O_WRONLY));
  if (base_->cpu) {
    SP_TRY(cpu_usage_, open_at(dir_.get(), "cpuacct.usage", O_RDONLY));
  }
  if (base_->memory) SP_TRY_VOID(watch_oom());
  return {};
}

Result<void> V1Group::watch_oom() {
  oom_event_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!oom_event_.valid()) return fail(errno_error("eventfd", errno));
  SP_TRY(oom_control_, open_at(dir_.get(), "memory.oom_control", O_RDONLY));
  return write_at(dir_.get(), "cgroup.event_control",
                  fmt::format("{} {}", oom_event_.get(), oom_control_.get()));
}

Result<void> V1Group::set_limits(const CgroupLimits& limits) {
  if (base_->memory) SP_TRY_VOID(set_memory(limits.memory));
  if (base_->pids) {
    return limits.tasks ? write_number_at(dir_.get(), "pids.max", *limits.tasks)
                        : write_at(dir_.get(), "pids.max", "max");
  }
  return {};
}

// memsw limits memory and swap together and must not be below the memory limit: which of the two is
// written first depends on the direction. Where there is no swap accounting (no memsw file)
// swappiness 0 keeps the group's memory out of swap: unlike the host-wide setting, a v1 group's 0
// is strict (cgroup-v1/memory.rst, 5.3). Kernels from 5.11 on count hierarchically whatever
// memory.use_hierarchy says, so it is not written.
Result<void> V1Group::set_memory(const std::optional<ByteCount>& limit) {
  const std::string value = limit ? fmt::format("{}", limit->count()) : "-1";
  const auto write_memsw = [&]() -> Result<void> {
    auto written = write_at(dir_.get(), "memory.memsw.limit_in_bytes", value);
    if (!written && written.error().errno_value == ENOENT) return {};
    return written;
  };
  auto memory = write_at(dir_.get(), "memory.limit_in_bytes", value);
  if (memory) {
    SP_TRY_VOID(write_memsw());
  } else if (memory.error().errno_value == EINVAL) {
    SP_TRY_VOID(write_memsw());
    SP_TRY_VOID(write_at(dir_.get(), "memory.limit_in_bytes", value));
  } else {
    return memory;
  }
  // Buffers of TCP are counted apart (cgroup-v1/memory.rst, 2.7.1), where the kernel can at all.
  (void)write_at(dir_.get(), "memory.kmem.tcp.limit_in_bytes", value);
  // Kernels without swap have no such file or refuse it: then there is nothing to keep out of swap.
  (void)write_at(dir_.get(), "memory.swappiness", "0");
  return {};
}

Result<Microseconds> V1Group::cpu_time() const {
  const auto usage = read_number(cpu_usage_.get());
  if (!usage) return fail(errno_error("read cpuacct.usage", errno));
  return from_ns(above(*usage, cpu_before_));
}

void V1Group::add_usage(CgroupUsage& usage) const {
  if (base_->cpu) {
    if (const auto total = read_number(cpu_usage_.get())) {
      const std::uint64_t ns = above(*total, cpu_before_);
      usage.cpu = from_ns(ns);
      // The two parts are sampled by the timer tick while the total is exact: their ratio divides
      // the total, so that they add up.
      const auto user =
          above(read_number_at(dir_.get(), "cpuacct.usage_user").value_or(0), user_before_);
      const auto system =
          above(read_number_at(dir_.get(), "cpuacct.usage_sys").value_or(0), system_before_);
      const double part =
          user + system == 0 ? 1.0 : static_cast<double>(user) / static_cast<double>(user + system);
      usage.user = from_ns(static_cast<std::uint64_t>(static_cast<double>(ns) * part));
      usage.system = *usage.cpu - *usage.user;
    }
  }
  if (base_->memory) {
    if (const auto peak = read_number_at(dir_.get(), "memory.max_usage_in_bytes")) {
      usage.memory_peak = ByteCount::bytes(*peak);
    }
    usage.oom_kills +=
        above(read_keyed(oom_control_.get(), "oom_kill").value_or(0), oom_kills_before_);
  }
  if (base_->pids) {
    usage.pids_denied +=
        above(read_keyed_at(dir_.get(), "pids.events", "max").value_or(0), forks_denied_before_);
  }
}

void V1Group::kill_all() {
  // No new members while the present ones are killed: else a fork bomb wins. set_limits() before
  // the next run mends it.
  if (base_->pids) (void)write_at(dir_.get(), "pids.max", "0");
  kill_until_empty(dir_.get(), kKillBudget);
}

Result<void> V1Group::reset() {
  if (base_->memory) SP_TRY_VOID(reset_memory());
  if (base_->cpu) {
    // Writing 0 to cpuacct.usage would do too, but not for its two parts on every kernel: remember
    // where they stand.
    cpu_before_ = read_number(cpu_usage_.get()).value_or(0);
    user_before_ = read_number_at(dir_.get(), "cpuacct.usage_user").value_or(0);
    system_before_ = read_number_at(dir_.get(), "cpuacct.usage_sys").value_or(0);
  }
  if (base_->pids) {
    forks_denied_before_ = read_keyed_at(dir_.get(), "pids.events", "max").value_or(0);
  }
  return {};
}

Result<void> V1Group::reset_memory() {
  const auto charged = [&] {
    return ByteCount::bytes(read_number_at(dir_.get(), "memory.usage_in_bytes").value_or(0));
  };
  if (charged() > kNearZero) {
    // EBUSY when there are members; whatever it could not drop is seen below.
    (void)write_at(dir_.get(), "memory.force_empty", "0");
    if (const ByteCount left = charged(); left > kNearZero) {
      return fail(
          Error{.code = ErrorCode::kSystem,
                .message = fmt::format("cgroup {}: {} KiB of the last run are still charged", name_,
                                       left.count() / 1024),
                .errno_value = EBUSY});
    }
  }
  oom_kills_before_ = read_keyed(oom_control_.get(), "oom_kill").value_or(0);
  return write_at(dir_.get(), "memory.max_usage_in_bytes", "0");
}

}  // namespace sandpit::sys
