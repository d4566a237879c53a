#include "sys/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/units.h"
#include "sys/cgroup_file.h"
#include "sys/cgroup_layout.h"
#include "sys/cgroup_v1.h"
#include "sys/cgroup_v2.h"
#include "sys/host_facts.h"

namespace sandpit::sys {

struct CgroupBases {
  std::vector<std::unique_ptr<V1Base>> v1;
  std::unique_ptr<V2Base> v2;
};

namespace {

// One run's group on any mixture of v1 hierarchies and v2.
class MixedCgroup final : public Cgroup {
 public:
  explicit MixedCgroup(std::shared_ptr<const CgroupBases> bases) : bases_(std::move(bases)) {}

  Result<void> make(const std::string& name) {
    v1_.reserve(bases_->v1.size());
    for (const auto& base : bases_->v1) {
      SP_TRY(V1Group group, V1Group::create(*base, name));
      join_[joins_++] = group.tasks();
      v1_.push_back(std::move(group));
    }
    if (bases_->v2) {
      SP_TRY_VOID(bases_->v2->make_ready());
      SP_TRY(V2Group group, V2Group::create(*bases_->v2, name));
      v2_.emplace(std::move(group));
    }
    return {};
  }

  [[nodiscard]] Result<void> set_limits(const CgroupLimits& limits) override {
    bool memory = v2_ && v2_->has_memory();
    bool pids = v2_ && v2_->has_pids();
    for (V1Group& group : v1_) {
      memory = memory || group.has_memory();
      pids = pids || group.has_pids();
      SP_TRY_VOID(group.set_limits(limits));
    }
    if (v2_) SP_TRY_VOID(v2_->set_limits(limits));
    // A limit that nothing here enforces must not look enforced.
    if ((limits.memory && !memory) || (limits.tasks && !pids)) {
      return fail(Error{.message = fmt::format("no {} controller for this limit",
                                               limits.memory && !memory ? "memory" : "pids"),
                        .errno_value = ENOTSUP});
    }
    return {};
  }

  [[nodiscard]] std::span<const int> join_descriptors() const override {
    return std::span(join_).first(joins_);
  }

  [[nodiscard]] int clone_into() const override { return v2_ ? v2_->directory() : -1; }

  [[nodiscard]] int event_descriptor() const override {
    for (const V1Group& group : v1_) {
      if (group.has_memory()) return group.event_descriptor();
    }
    return v2_ ? v2_->event_descriptor() : -1;
  }

  void drain_events() override {
    std::uint64_t count = 0;
    for (const V1Group& group : v1_) {
      if (group.has_memory()) (void)!::read(group.event_descriptor(), &count, sizeof count);
    }
    if (v2_) v2_->drain_events();
  }

  [[nodiscard]] Result<CgroupUsage> usage() const override {
    CgroupUsage usage;
    for (const V1Group& group : v1_) group.add_usage(usage);
    if (v2_) {
      v2_->add_usage(usage, usage.cpu ? V2Group::CountCpu::kNo : V2Group::CountCpu::kYes);
    }
    return usage;
  }

  [[nodiscard]] Result<Microseconds> cpu_time() const override {
    for (const V1Group& group : v1_) {
      if (group.has_cpu()) return group.cpu_time();
    }
    if (v2_) return v2_->cpu_time();
    return fail(Error{.message = "no cgroup here counts CPU time", .errno_value = ENOTSUP});
  }

  void kill_all() override {
    // The same processes are in each of the directories; the one that can stop them from forking
    // goes first.
    if (v2_) v2_->kill_all();
    for (V1Group& group : v1_) {
      if (group.has_pids()) group.kill_all();
    }
    for (V1Group& group : v1_) {
      if (!group.has_pids()) group.kill_all();
    }
  }

  [[nodiscard]] Result<void> reset() override {
    for (V1Group& group : v1_) SP_TRY_VOID(group.reset());
    if (v2_) SP_TRY_VOID(v2_->reset());
    return {};
  }

 private:
  std::shared_ptr<const CgroupBases> bases_;  // outlives the groups: they hold references into it
  std::vector<V1Group> v1_;
  std::optional<V2Group> v2_;
  std::array<int, 3> join_{};  // memory, pids, cpuacct at most
  std::size_t joins_ = 0;
};

bool is_cgroup_v1(int dir) {
  struct statfs info{};
  return ::fstatfs(dir, &info) == 0 &&
         static_cast<std::uint64_t>(info.f_type) == CGROUP_SUPER_MAGIC;
}

ControllerFacts facts_of_unwritable(const std::string& directory, int error) {
  const bool read_only = error == EROFS;
  return {.version = CgroupVersion::kNone,
          .directory = {},
          .reason = read_only ? fmt::format("{} is mounted read-only", directory)
                              : fmt::format("{} (cgroup v1) belongs to another user", directory),
          .mend = read_only
                      ? fmt::format("mount -o remount,rw {} (as root; in a container: run it with "
                                    "writable cgroups)",
                                    directory)
                      : "run sandpit as root, or boot with systemd.unified_cgroup_hierarchy=1 to "
                        "get cgroup v2, which can be delegated to users"};
}

// Opens where `place` says this process's v1 group is; null, with the reason in `facts`, when
// groups can't be made there.
V1Base* find_v1(const CgroupPlace& place, std::string_view controller, CgroupBases& bases,
                ControllerFacts& facts) {
  const std::string mount_it =
      fmt::format("mkdir -p /sys/fs/cgroup/{0} && mount -t cgroup -o {0} cgroup /sys/fs/cgroup/{0}",
                  controller);
  facts = {.reason = place.reason, .mend = mount_it};
  for (const auto& candidate : place.candidates) {
    for (const auto& known : bases.v1) {
      if (known->directory == candidate.directory) {
        facts = {.version = CgroupVersion::kV1, .directory = known->directory};
        return known.get();
      }
    }
    UniqueFd dir(::open(candidate.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    // Something else may be mounted over it, or the group is gone.
    if (!dir.valid() || !is_cgroup_v1(dir.get())) {
      facts = {.reason = fmt::format("{} can't be opened as a cgroup", candidate.directory),
               .mend = mount_it};
      continue;
    }
    if (::faccessat(dir.get(), ".", W_OK, AT_EACCESS) < 0) {
      facts = facts_of_unwritable(candidate.directory, errno);
      continue;
    }
    facts = {.version = CgroupVersion::kV1, .directory = candidate.directory};
    bases.v1.push_back(std::make_unique<V1Base>());
    bases.v1.back()->dir = std::move(dir);
    bases.v1.back()->directory = candidate.directory;
    return bases.v1.back().get();
  }
  return nullptr;
}

}  // namespace

CgroupHost CgroupHost::probe() {
  CgroupHost host;
  const auto self = read_path("/proc/self/cgroup");
  const auto mounts = read_path("/proc/self/mountinfo");
  if (!self || !mounts) {
    const std::string reason = !self ? self.error().message : mounts.error().message;
    for (ControllerFacts* facts : {&host.memory_, &host.pids_, &host.cpu_}) {
      facts->reason = reason;
      facts->mend = "mount -t proc proc /proc";
    }
    return host;
  }
  const CgroupLayout layout = parse_cgroup_layout(*self, *mounts);
  auto bases = std::make_shared<CgroupBases>();

  std::optional<V2Probe> v2;
  const auto use = [&](const CgroupPlace& place, std::string_view controller, bool V1Base::* part,
                       ControllerFacts V2Probe::* part2, ControllerFacts& facts) {
    if (place.version == CgroupVersion::kV1) {
      if (V1Base* base = find_v1(place, controller, *bases, facts)) base->*part = true;
    } else {
      if (!v2) v2 = probe_v2(layout.unified);
      facts = (*v2).*part2;
    }
  };
  use(layout.memory, "memory", &V1Base::memory, &V2Probe::memory, host.memory_);
  use(layout.pids, "pids", &V1Base::pids, &V2Probe::pids, host.pids_);
  use(layout.cpu, "cpuacct", &V1Base::cpu, &V2Probe::cpu, host.cpu_);
  // Every v2 group counts CPU time, whichever controllers v1 has.
  if (host.cpu_.version == CgroupVersion::kNone && !layout.unified.candidates.empty()) {
    if (!v2) v2 = probe_v2(layout.unified);
    if (v2->cpu.version == CgroupVersion::kV2) host.cpu_ = v2->cpu;
  }
  if (v2) bases->v2 = std::move(v2->base);
  host.bases_ = std::move(bases);
  return host;
}

Result<std::unique_ptr<Cgroup>> CgroupHost::create(std::string_view name) const {
  if (name.empty() || name == "." || name == ".." ||
      name.find_first_of(std::string_view("/\n\0", 3)) != std::string_view::npos) {
    return fail(Error{.code = ErrorCode::kUsage,
                      .message = fmt::format("\"{}\" can't be a cgroup's name", name)});
  }
  if (!bases_ || (bases_->v1.empty() && !bases_->v2)) {
    return fail(Error{.message = "no cgroup can be made on this host",
                      .hint = memory_.mend,
                      .errno_value = ENOTSUP});
  }
  auto group = std::make_unique<MixedCgroup>(bases_);
  SP_TRY_VOID(group->make(std::string(name)));
  return group;
}

}  // namespace sandpit::sys
