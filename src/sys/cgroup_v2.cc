#include "sys/cgroup_v2.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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
constexpr ByteCount kNearZero = ByteCount::mib(1);  // as in cgroup_v1.cc

std::uint64_t above(std::uint64_t now, std::uint64_t before) {
  return now > before ? now - before : 0;
}

void kill_group(int dir) {
  // cgroup.kill (5.14) also reaches what is being forked meanwhile.
  if (write_at(dir, "cgroup.kill", "1")) return;
  (void)write_at(dir, "pids.max", "0");
  kill_until_empty(dir, kKillBudget);
}

}  // namespace

V2Group::V2Group(V2Group&& other) noexcept
    : base_(other.base_),
      name_(std::exchange(other.name_, {})),
      dir_(std::move(other.dir_)),
      cpu_stat_(std::move(other.cpu_stat_)),
      memory_peak_(std::move(other.memory_peak_)),
      memory_events_(std::move(other.memory_events_)),
      inotify_(std::move(other.inotify_)),
      peak_resettable_(other.peak_resettable_),
      sampled_peak_(other.sampled_peak_),
      oom_kills_before_(other.oom_kills_before_),
      limit_hits_before_(other.limit_hits_before_),
      forks_denied_before_(other.forks_denied_before_),
      cpu_before_(other.cpu_before_),
      user_before_(other.user_before_),
      system_before_(other.system_before_) {}

V2Group::~V2Group() {
  if (name_.empty()) return;
  // A destructor has nobody to tell; the slot's next owner removes what is left.
  (void)remove_group(base_->dir(), name_.c_str(), kill_group);
}

Result<V2Group> V2Group::create(const V2Base& base, const std::string& name) {
  if (::mkdirat(base.dir(), name.c_str(), 0755) < 0) {
    if (errno != EEXIST) {
      return fail(errno_error(fmt::format("make cgroup {}/{}", base.directory(), name), errno));
    }
    SP_TRY_VOID(remove_group(base.dir(), name.c_str(), kill_group));
    if (::mkdirat(base.dir(), name.c_str(), 0755) < 0) {
      return fail(
          errno_error(fmt::format("make cgroup {}/{} again", base.directory(), name), errno));
    }
  }
  V2Group group(base, name);
  if (auto opened = group.open_files(); !opened) {
    return fail(with_context(std::move(opened).error(),
                             fmt::format("cgroup {}/{}", base.directory(), name)));
  }
  return group;
}

Result<void> V2Group::open_files() {
  SP_TRY(dir_, open_at(base_->dir(), name_.c_str(), O_PATH | O_DIRECTORY));
  SP_TRY(cpu_stat_, open_at(dir_.get(), "cpu.stat", O_RDONLY));
  return has_memory() ? open_memory_files() : Result<void>{};
}

Result<void> V2Group::open_memory_files() {
  // One member that dies for lack of memory takes the others with it: a tree that lost an arbitrary
  // part must not go on.
  SP_TRY_VOID(write_at(dir_.get(), "memory.oom.group", "1"));
  SP_TRY(memory_events_, open_at(dir_.get(), "memory.events", O_RDONLY));

  // Where it can be reset it is writable; root may open it for writing in any case, so the mode
  // tells.
  struct stat info{};
  peak_resettable_ =
      ::fstatat(dir_.get(), "memory.peak", &info, 0) == 0 && (info.st_mode & S_IWUSR) != 0;
  auto peak = open_at(dir_.get(), "memory.peak", peak_resettable_ ? O_RDWR : O_RDONLY);
  if (peak) memory_peak_ = std::move(*peak);

  // Users have few inotify instances (fs.inotify.max_user_instances). Without one the kernel kills
  // all the same and usage() tells it, only later.
  inotify_ = UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (inotify_.valid()) {
    const std::string path = fmt::format("{}/{}/memory.events", base_->directory(), name_);
    if (::inotify_add_watch(inotify_.get(), path.c_str(), IN_MODIFY) < 0) inotify_.reset();
  }
  return {};
}

void V2Group::drain_events() {
  if (!inotify_.valid()) return;
  alignas(inotify_event) std::array<char, 1024> buffer{};
  while (::read(inotify_.get(), buffer.data(), buffer.size()) > 0) {
  }
}

Result<void> V2Group::set_limits(const CgroupLimits& limits) {
  if (has_memory()) {
    if (limits.memory) {
      SP_TRY_VOID(write_number_at(dir_.get(), "memory.max", limits.memory->count()));
    } else {
      SP_TRY_VOID(write_at(dir_.get(), "memory.max", "max"));
    }
    // No such file without swap accounting (CONFIG_SWAP, cgroup.memory=noswap).
    auto swap = write_at(dir_.get(), "memory.swap.max", limits.memory ? "0" : "max");
    if (!swap && swap.error().errno_value != ENOENT) return swap;
  }
  if (has_pids()) {
    return limits.tasks ? write_number_at(dir_.get(), "pids.max", *limits.tasks)
                        : write_at(dir_.get(), "pids.max", "max");
  }
  return {};
}

// Kernels before 5.19 have no memory.peak: then the supervisor's regular look at the CPU time looks
// here as well.
void V2Group::sample_memory() const {
  if (!has_memory() || memory_peak_.valid()) return;
  const auto now = read_number_at(dir_.get(), "memory.current");
  sampled_peak_ = std::max(sampled_peak_, now.value_or(0));
}

Result<Microseconds> V2Group::cpu_time() const {
  sample_memory();
  const auto usage = read_keyed(cpu_stat_.get(), "usage_usec");
  if (!usage) return fail(errno_error("read cpu.stat", errno));
  return Microseconds(above(*usage, cpu_before_));
}

void V2Group::add_usage(CgroupUsage& usage, CountCpu count_cpu) const {
  if (count_cpu == CountCpu::kYes) {
    const auto since = [&](const char* key, std::uint64_t before) {
      const auto now = read_keyed(cpu_stat_.get(), key);
      return now ? std::optional(Microseconds(above(*now, before))) : std::nullopt;
    };
    usage.cpu = since("usage_usec", cpu_before_);
    usage.user = since("user_usec", user_before_);
    usage.system = since("system_usec", system_before_);
  }
  if (has_memory()) {
    sample_memory();
    usage.memory_peak_sampled = !memory_peak_.valid();
    const auto peak = memory_peak_.valid() ? read_number(memory_peak_.get()) : sampled_peak_;
    if (peak) usage.memory_peak = ByteCount::bytes(*peak);
    usage.oom_kills +=
        above(read_keyed(memory_events_.get(), "oom_kill").value_or(0), oom_kills_before_);
    usage.memory_limit_hits =
        above(read_keyed(memory_events_.get(), "oom").value_or(0), limit_hits_before_);
  }
  if (has_pids()) {
    usage.pids_denied +=
        above(read_keyed_at(dir_.get(), "pids.events", "max").value_or(0), forks_denied_before_);
  }
}

void V2Group::kill_all() {
  kill_group(dir_.get());
  // The signals are sent, the processes still take a moment to end.
  kill_until_empty(dir_.get(), kKillBudget);
}

Result<void> V2Group::reset() {
  if (has_memory()) SP_TRY_VOID(reset_memory());
  cpu_before_ = read_keyed(cpu_stat_.get(), "usage_usec").value_or(0);
  user_before_ = read_keyed(cpu_stat_.get(), "user_usec").value_or(0);
  system_before_ = read_keyed(cpu_stat_.get(), "system_usec").value_or(0);
  if (has_pids()) {
    forks_denied_before_ = read_keyed_at(dir_.get(), "pids.events", "max").value_or(0);
  }
  return {};
}

Result<void> V2Group::reset_memory() {
  if (memory_peak_.valid() && !peak_resettable_) {
    return fail(Error{.message = "this kernel can't reset memory.peak (needs 6.12)",
                      .errno_value = ENOTSUP});
  }
  const auto charged = [&] {
    return ByteCount::bytes(read_number_at(dir_.get(), "memory.current").value_or(0));
  };
  if (const ByteCount before = charged(); before > kNearZero) {
    // Since 5.19; EAGAIN when it could not reclaim all of it. What is left is seen below.
    (void)write_number_at(dir_.get(), "memory.reclaim", before.count());
    if (const ByteCount left = charged(); left > kNearZero) {
      return fail(
          Error{.message = fmt::format("cgroup {}: {} KiB of the last run are still charged", name_,
                                       left.count() / 1024),
                .errno_value = EBUSY});
    }
  }
  if (memory_peak_.valid() && ::pwrite(memory_peak_.get(), "0", 1, 0) < 0) {
    return fail(errno_error("reset memory.peak", errno));
  }
  sampled_peak_ = 0;
  oom_kills_before_ = read_keyed(memory_events_.get(), "oom_kill").value_or(0);
  limit_hits_before_ = read_keyed(memory_events_.get(), "oom").value_or(0);
  return {};
}

}  // namespace sandpit::sys
