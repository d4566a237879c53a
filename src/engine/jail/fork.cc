// Jails whose program is forked from a template: engine/warm/run_image.h tells how.
#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/descriptors.h"
#include "base/memory_file.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/child.h"
#include "engine/jail/idmap.h"
#include "engine/jail/jail.h"
#include "engine/jail/pools.h"
#include "engine/jail/spec_builder.h"
#include "engine/jail/template_link.h"
#include "engine/warm/run_image.h"
#include "plan/plan.h"
#include "plan/template_plan.h"
#include "sandpit/error.h"
#include "sys/raw.h"
#include "sys/seccomp_notify.h"

namespace sandpit::jail {
namespace {

Result<void> send_image(int socket, const warm::FlatImage& image) {
  if (image.bytes.size() > warm::kLargestImage ||
      image.descriptors.size() > warm::kMostDescriptors) {
    return fail({.code = ErrorCode::kSandbox, .message = "too much for a warm start"});
  }
  iovec part{// NOLINTNEXTLINE(*-const-cast): iovec serves both directions
             .iov_base = const_cast<char*>(image.bytes.data()),
             .iov_len = image.bytes.size()};
  DescriptorRoom<warm::kMostDescriptors> room;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  attach_descriptors(header, room.bytes, image.descriptors);
  if (::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    return fail(errno_error("send a warm run what it needs", errno, ErrorCode::kSandbox));
  }
  return {};
}

// As this process's /proc numbers it; -1 when it has ended.
pid_t pid_of(int pidfd) {
  const UniqueFd info(
      ::open(fmt::format("/proc/self/fdinfo/{}", pidfd).c_str(), O_RDONLY | O_CLOEXEC));
  char text[512] = {};
  if (!info.valid() || ::read(info.get(), text, sizeof text - 1) < 0) return -1;
  const char* line = std::strstr(text, "\nPid:");
  return line == nullptr ? -1 : std::atoi(line + 5);
}

// What a run does after it was told to start, under its own filter and limits: read the message,
// copy its files, place its standard input, or say what failed.
bool may_wait_behind_walls(const Plan& plan) {
  constexpr int kNeeded[] = {SYS_recvmsg, SYS_write,      SYS_umask,         SYS_openat,
                             SYS_mkdirat, SYS_sendfile,   SYS_close,         SYS_dup2,
                             SYS_fcntl,   SYS_exit_group, SYS_rt_sigprocmask};
  const bool allowed =
      std::ranges::all_of(kNeeded, [&](int number) { return sys::allows(plan.seccomp, number); });
  // For the descriptors of the message, beside those that are open.
  constexpr std::uint64_t kLeastFiles = 8 + JailEngine::kMostWaitingInputs;
  return allowed && plan.max_descriptors >= kLeastFiles;
}

}  // namespace

bool JailEngine::can_begin(const Plan& plan) {
  std::size_t files = 0;
  for (const InputFile& input : plan.inputs) {
    if (has_descriptor(input)) ++files;
    if (input.size > plan.limits.file_size.count()) return false;
  }
  return files <= kMostWaitingInputs;
}

TemplateNetwork TemplateLink::take_network(Pooled pooled) {
  int number = -1;
  if (pooled == Pooled::kYes && !networks_->idle.empty()) {
    number = networks_->idle.back();
    networks_->idle.pop_back();
  } else if (pooled == Pooled::kYes && networks_->made < static_cast<int>(warm::kMostNetworks)) {
    number = networks_->made++;
  }
  return {networks_, number};
}

void Jail::tell_stuck() { template_network_.tell_stuck(); }

void Jail::adopt(UniqueFd pidfd) {
  pidfd_ = std::move(pidfd);
  pid_ = pid_of(pidfd_.get());
  if (killed_) kill();
}

Result<Jail> JailEngine::fork(TemplateLink& from, const Plan& plan,
                              const std::vector<UniqueFd>& inputs, const UniqueFd& standard_input) {
  return fork_run(from, plan, inputs, &standard_input);
}

Result<Jail> JailEngine::fork_ahead(TemplateLink& from, const Plan& plan) {
  return fork_run(from, plan, {}, nullptr);
}

Result<Jail> JailEngine::fork_run(TemplateLink& from, const Plan& plan,
                                  const std::vector<UniqueFd>& inputs,
                                  const UniqueFd* standard_input) {
  Jail jail;
  jail.forked_ = true;
  SP_TRY(Ends ends, open_ends(jail, plan));
  if (standard_input != nullptr) {
    SP_TRY_VOID(give(*standard_input, jail));
    ends.standard_input = standard_input->get();
  }
  const RunIds& ids = ends.ids;
  SpecBuilder builder(plan);
  if (facts_.is_root) SP_TRY_VOID(builder.open_trees(ids, proc_.get(), true));
  ChildSpec& spec = builder.finish(inputs);
  spec.in_ready_tree = true;  // the template's own
  warm::Waits waits = warm::Waits::kNo;
  if (standard_input == nullptr) {
    waits = may_wait_behind_walls(plan) ? warm::Waits::kBehindWalls : warm::Waits::kBeforeWalls;
    spec.inputs = {};
    spec.backstop_ms += longest_wait_.count();
  }
  hand_over(ends, spec);
  spec.fail_step = fork_fail_step_;
  spec.fail_errno = fork_fail_errno_;
  spec.bring_up_loopback = has_loopback(plan.network);
  // A private loopback keeps state (TIME_WAIT, bound ports), so it is never used twice.
  jail.template_network_ = from.take_network(spec.bring_up_loopback ? TemplateLink::Pooled::kNo
                                                                    : TemplateLink::Pooled::kYes);
  spec.own_network = jail.template_network_.number() < 0;
  SP_TRY_VOID(cells_->prepare_cgroup(*jail.cell_.get(), plan));

  const std::string record = standard_input == nullptr ? "" : run_record(*plan.warm);
  const warm::RunImage image{.spec = spec,
                             .outside_uid = outside_id(ids.host_uid, plan.uid, facts_.is_root),
                             .outside_gid = outside_id(ids.host_gid, plan.gid, facts_.is_root),
                             .deny_setgroups = facts_.is_root ? 0 : 1,
                             .network = jail.template_network_.number(),
                             .record = record.data(),
                             .record_size = record.size(),
                             .waits = waits};
  std::vector<int> tasks;
  UniqueFd join_v2;
  if (jail.cgroup() != nullptr) {
    const auto join = jail.cgroup()->join_descriptors();
    tasks.assign(join.begin(), join.end());
    // init joins, since it is there already; the kernel checks the rights of who opened the file.
    if (jail.cgroup()->clone_into() >= 0) {
      join_v2 =
          UniqueFd(::openat(jail.cgroup()->clone_into(), "cgroup.procs", O_WRONLY | O_CLOEXEC));
      if (!join_v2.valid()) return fail(errno_error("cgroup.procs", errno));
      tasks.push_back(join_v2.get());
    }
  }
  jail.started_ = std::chrono::steady_clock::now();
  SP_TRY_VOID(send_image(from.control(), warm::flatten(image, tasks)));
  keep(ends, jail);
  return jail;
}

Result<void> JailEngine::begin(Jail& waiting, const Plan& plan, const std::vector<UniqueFd>& inputs,
                               const UniqueFd& standard_input) const {
  waiting.started_ = std::chrono::steady_clock::now();
  return send_start(waiting, waiting.socket(), 0, plan, inputs, standard_input);
}

Result<void> JailEngine::hand_over(const Jail& waiting, int socket, const Plan& plan,
                                   const std::vector<UniqueFd>& inputs,
                                   const UniqueFd& standard_input) const {
  return send_start(waiting, socket, cpu_rlimit(plan), plan, inputs, standard_input);
}

bool JailEngine::may_wait(const Plan& plan) {
  return may_wait_behind_walls(plan) && sys::allows(plan.seccomp, SYS_fchmodat);
}

Result<void> JailEngine::send_start(const Jail& waiting, int socket, std::uint64_t cpu_seconds,
                                    const Plan& plan, const std::vector<UniqueFd>& inputs,
                                    const UniqueFd& standard_input) const {
  SP_TRY_VOID(give(standard_input, waiting));
  const std::vector<ChildInput> files = child_inputs(plan, inputs);
  const std::string record = run_record(*plan.warm);
  SP_TRY(const UniqueFd record_file, sealed_memory_file("program", record));
  const warm::StartImage image{.inputs = {.data = files.data(), .size = files.size()},
                               .stdin_fd = standard_input.get(),
                               .record = record.data(),
                               .record_size = record.size(),
                               .record_fd = record_file.get(),
                               .cpu_seconds = cpu_seconds};
  return send_image(socket, warm::flatten(image));
}

}  // namespace sandpit::jail
