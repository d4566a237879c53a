#include "engine/jail/spec_builder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "egress/listener_kind.h"
#include "engine/jail/child.h"
#include "engine/jail/idmap.h"
#include "engine/jail/mount_calls.h"
#include "plan/egress_plan.h"
#include "plan/enforced_by.h"
#include "plan/plan.h"
#include "plan/wasm_plan.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "sys/seccomp_notify.h"

namespace sandpit::jail {
namespace {

// The highest that every kernel allows (pid_max is 32768 or more): a run would have to start as
// many processes to come near it.
constexpr pid_t kTemplatePid = 32767;

// execve(2) wants char* const[], though it writes to none of them.
std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  // NOLINTNEXTLINE(*-const-cast)
  for (const std::string& text : strings) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

// A warm worker's CPU time is granted piece by piece, and its pools are large and mostly empty.
bool serves(const Plan& plan) { return plan.wasm && plan.wasm->task == WasmTask::kServe; }

}  // namespace

std::uint64_t cpu_rlimit(const Plan& plan) {
  const bool by_rlimit = is_enforced_by(plan.enforcement, "cpu_time", Mechanism::kRlimit);
  if (!by_rlimit || serves(plan)) return 0;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(plan.limits.cpu_time).count();
  // A backstop behind the counter of the whole tree: one second more, so that the counter decides.
  return static_cast<std::uint64_t>(seconds) + 1;
}

SpecBuilder::SpecBuilder(const Plan& plan)
    : plan_(plan), argv_(pointers(plan.argv)), envp_(pointers(plan.env)), filter_(plan.seccomp) {
  for (const Mount& mount : plan.mounts) {
    mounts_.push_back({.kind = mount.kind,
                       .flags = mount.flags,
                       .mode = mount.mode,
                       .target = mount.target.c_str() + 1,  // without the leading slash
                       .source = mount.source.c_str(),
                       .content = mount.content.data(),
                       .content_size = mount.content.size(),
                       .tree = -1});
  }
  for (const LandlockRule& rule : plan.landlock) {
    landlock_.push_back({.path = rule.path.c_str(), .access = rule.access});
  }
  volume_size_ = fmt::format("{}", plan.limits.disk.count());
  // The volume's own four directories are not the program's.
  volume_inodes_ = fmt::format("{}", plan.limits.inodes + 4);
  add_rlimits();
  if (plan.egress) add_egress(*plan.egress);
}

void SpecBuilder::add_egress(const EgressPlan& egress) {
  for (const EgressNetwork& network : egress.networks) {
    const std::uint32_t mask = 0xffffffffU << (32 - network.prefix);
    // Its first address, where it has more than two: the one before it stands for the network.
    const std::uint32_t own = network.address | (network.prefix < 31 ? 1U : 0U);
    egress_networks_.push_back({.address = htonl(own), .mask = htonl(mask)});
  }
  for (const EgressSocket& socket : egress.sockets) {
    egress_sockets_.push_back({.address = htonl(socket.address),
                               .port = htons(socket.port),
                               .datagram = socket.kind == egress::ListenerKind::kDns});
  }
}

void SpecBuilder::add_rlimits() {
  const auto add = [this](int resource, std::uint64_t value) {
    // Only lowering needs no privilege: where the host's hard limit is lower, it stays.
    rlimit current{};
    if (::getrlimit(static_cast<__rlimit_resource>(resource), &current) == 0) {
      value = std::min<std::uint64_t>(value, current.rlim_max);
    }
    rlimits_.push_back({.resource = resource, .limit = {.rlim_cur = value, .rlim_max = value}});
  };
  const auto by_rlimit = [this](std::string_view limit) {
    return is_enforced_by(plan_.enforcement, limit, Mechanism::kRlimit);
  };
  // 1, not 0: a piped core_pattern handler, which runs as the host's root, is only skipped at 1
  // (core(5)).
  add(RLIMIT_CORE, 1);
  add(RLIMIT_NOFILE, plan_.max_descriptors);
  // Its runs need the rest for a moment (ChildSpec::files_last).
  rlimit files{};
  if (plan_.is_template && ::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    rlimits_.back().limit.rlim_max = files.rlim_max;
  }
  // The worker writes the compiled module first, and then lowers the limit to the guest's.
  const ByteCount artefact = plan_.wasm ? largest_artefact(*plan_.wasm) : ByteCount();
  add(RLIMIT_FSIZE, std::max(plan_.limits.file_size.count(), artefact.count()));
  add(RLIMIT_STACK, plan_.limits.stack.count());
  // These two count in the user namespace, and a template's would be one pool for all its runs.
  if (!plan_.is_template) add(RLIMIT_MEMLOCK, 64U << 10U);
  if (!plan_.is_template) add(RLIMIT_SIGPENDING, 4096);
  add(RLIMIT_MSGQUEUE,
      0);  // POSIX message queues are kernel memory outside the memory cgroup's view
  add(RLIMIT_RTPRIO, 0);
  add(RLIMIT_NICE, 0);
  if (const std::uint64_t cpu = cpu_rlimit(plan_); cpu != 0) add(RLIMIT_CPU, cpu);
  // Private writable memory only (kernel 4.7): RLIMIT_AS would break runtimes that reserve address
  // space.
  // Above the limit: the sampler, which tells what happened, shall come first.
  if (by_rlimit("memory") && !serves(plan_)) {
    const std::uint64_t memory = plan_.limits.memory.count();
    add(RLIMIT_DATA, memory + std::max(memory / 2, ByteCount::mib(64).count()));
  }
  if (by_rlimit("processes")) add(RLIMIT_NPROC, plan_.max_tasks);
}

Result<void> SpecBuilder::map_owner(int tree, const Mount& mount, const RunIds& ids, int proc_dir) {
  struct stat status{};
  if (::fstat(tree, &status) < 0) return fail(errno_error(mount.source, errno));
  SP_TRY(const UniqueFd map, owner_map(proc_dir, status.st_uid, status.st_gid, ids));
  if (idmap_tree(tree, map.get()) == 0) return {};
  // Readable without a map, as far as its mode lets others read.
  if ((mount.flags & kMountReadOnly) != 0) return {};
  Error error = errno_error(
      fmt::format("{}: granted read-write, but its owner can't be mapped to the run", mount.source),
      errno, ErrorCode::kRefused);
  error.hint =
      "this file system has no idmapped mounts on this kernel (mount_setattr(2)): grant a "
      "directory on another one, or use --out";
  return fail(error);
}

Result<void> SpecBuilder::open_trees(const RunIds& ids, int proc_dir, bool ready_made) {
  for (std::size_t i = 0; i < mounts_.size(); ++i) {
    ChildMount& mount = mounts_[i];
    const bool granted = (mount.flags & kMountGranted) != 0;
    const bool bind = mount.kind == MountKind::kBind || mount.kind == MountKind::kDevice;
    if (!bind || (ready_made && !granted)) continue;
    UniqueFd tree(open_bind_tree(mount));
    if (!tree.valid()) {
      return fail(errno_error(fmt::format("mount {}", mount.source), errno, ErrorCode::kSandbox));
    }
    if (granted) SP_TRY_VOID(map_owner(tree.get(), plan_.mounts[i], ids, proc_dir));
    mount.tree = tree.get();
    trees_.push_back(std::move(tree));
  }
  spec_.in_ready_tree = ready_made;
  return {};
}

std::vector<ChildInput> child_inputs(const Plan& plan, const std::vector<UniqueFd>& descriptors) {
  std::vector<ChildInput> made;
  made.reserve(plan.inputs.size());
  std::size_t next = 0;
  int descriptor = -1;
  for (const InputFile& input : plan.inputs) {
    if (has_descriptor(input)) {
      descriptor = next < descriptors.size() ? descriptors[next++].get() : -1;
    }
    made.push_back({.name = input.name.c_str(),
                    .mode = input.mode,
                    .size = input.size,
                    .offset = input.offset,
                    .directory = input.directory,
                    .descriptor = descriptor,
                    .number = static_cast<int>(input.as_descriptor)});
  }
  return made;
}

ChildSpec& SpecBuilder::finish(const std::vector<UniqueFd>& inputs) {
  inputs_ = child_inputs(plan_, inputs);
  spec_.uid = plan_.uid;
  spec_.gid = plan_.gid;
  spec_.mounts = {.data = mounts_.data(), .size = mounts_.size()};
  spec_.inputs = {.data = inputs_.data(), .size = inputs_.size()};
  spec_.rlimits = {.data = rlimits_.data(), .size = rlimits_.size()};
  spec_.landlock = {.data = landlock_.data(), .size = landlock_.size()};
  spec_.landlock_abi = plan_.landlock.empty() ? 0 : plan_.landlock_abi;
  // A private loopback is the program's own; the host's network was granted.
  spec_.landlock_host_network = plan_.network != NetworkMode::kNone;
  spec_.egress_networks = {.data = egress_networks_.data(), .size = egress_networks_.size()};
  spec_.egress_sockets = {.data = egress_sockets_.data(), .size = egress_sockets_.size()};
  spec_.volume_size = volume_size_.c_str();
  spec_.volume_inodes = volume_inodes_.c_str();
  spec_.allow_missing_proc = plan_.allow_missing_proc;
  spec_.hostname = plan_.hostname.c_str();
  spec_.hostname_size = plan_.hostname.size();
  spec_.cwd = plan_.cwd.c_str();
  constexpr long kGraceMs = 2000;
  spec_.backstop_ms = plan_.limits.wall_time.count() + kGraceMs;
  spec_.seccomp = {.len = static_cast<unsigned short>(filter_.size()), .filter = filter_.data()};
  spec_.listener = plan_.report_denials && sys::has_notifications(filter_);
  spec_.files_last = spec_.listener && sys::allows(filter_, SYS_prlimit64);
  if (plan_.is_template) {
    const auto bit = [](int capability) { return std::uint64_t{1} << capability; };
    spec_.program_pid = kTemplatePid;
    spec_.keep_capabilities = bit(CAP_SYS_ADMIN) | bit(CAP_SETUID) | bit(CAP_SETGID);
  }
  spec_.argv = argv_.data();
  spec_.envp = envp_.data();
  return spec_;
}

}  // namespace sandpit::jail
