#include "engine/jail/jail.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/descriptors.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/cell.h"
#include "engine/jail/channels.h"
#include "engine/jail/child.h"
#include "engine/jail/idmap.h"
#include "engine/jail/pools.h"
#include "engine/jail/spec_builder.h"
#include "plan/plan.h"
#include "sandpit/error.h"
#include "sandpit/units.h"
#include "sys/raw.h"

namespace sandpit::jail {
namespace {

struct Injection {
  int step = -1;
  int call = 0;
  int errno_value = 0;
};

int number_of(std::string_view digits) {
  int value = 0;
  (void)std::from_chars(digits.begin(), digits.end(), value);
  return value;
}

// SANDPIT_INJECT="pivot_root:1": that step of every launch fails with that errno; "#7:1": the
// seventh system call that it needs. For the tests of the failure paths; it can only make a run
// fail.
Injection injection_from_environment(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return {};
  const std::string_view value(text);
  const std::size_t colon = value.rfind(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view what = value.substr(0, colon);
  const int errno_value = number_of(value.substr(colon + 1));
  if (what.starts_with('#')) {
    return {.call = number_of(what.substr(1)), .errno_value = errno_value};
  }
  for (int step = 1; step < static_cast<int>(LaunchStep::kCount); ++step) {
    if (what == to_string(static_cast<LaunchStep>(step))) {
      return {.step = step, .errno_value = errno_value};
    }
  }
  return {};
}

Error explain_clone_failure(int errno_value) {
  Error error = errno_error("create the namespaces (clone3)", errno_value, ErrorCode::kSandbox);
  if (errno_value == EPERM || errno_value == EACCES) {
    error.hint = "this host restricts user namespaces: `sandpit doctor` says how and what mends it";
  } else if (errno_value == ENOSPC || errno_value == EUSERS) {
    error.hint =
        "a namespace limit is reached: see /proc/sys/user/max_user_namespaces and `sandpit doctor`";
  } else if (errno_value == EAGAIN) {
    error.hint = "a process limit of this host is reached (ulimit -u, pids cgroup)";
  }
  return error;
}

// waitid(2) tells the two in a form of its own.
int wait_status(const siginfo_t& info) {
  return info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0) : W_EXITCODE(0, info.si_status);
}

// Lets the child go on, with the v1 groups that it shall join.
Result<void> send_go(int socket, const sys::Cgroup* cgroup) {
  char go = 'g';
  iovec part{.iov_base = &go, .iov_len = 1};
  DescriptorRoom<kMostCgroups> room;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (cgroup != nullptr) {
    const auto tasks = cgroup->join_descriptors();
    attach_descriptors(header, room.bytes,
                       tasks.first(std::min<std::size_t>(tasks.size(), kMostCgroups)));
  }
  if (::sendmsg(socket, &header, MSG_NOSIGNAL) != 1) {
    return fail(errno_error("start the jail", errno, ErrorCode::kSandbox));
  }
  return {};
}

bool has_message(int socket) {
  char byte = 0;
  ssize_t n = 0;
  do {
    n = ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  } while (n < 0 &&
           (errno == EINTR || errno == ECONNRESET));  // the latter once: unread is our "go"
  return n > 0;
}

// Signals are blocked across clone3: a handler of ours must not run in the child before it has
// reset the dispositions.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

Jail::~Jail() {
  if (!pidfd_.valid() || reaped_) return;
  kill();
  (void)reap();
}

void Jail::kill() {
  killed_ = true;
  if (pidfd_.valid()) (void)sys::raw::pidfd_send_signal(pidfd_.get(), SIGKILL);
}

Jail::End Jail::reap() {
  if (forked_) {
    pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
    while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
    }
    reaped_ = true;
    return {};
  }
  siginfo_t info{};
  rusage usage{};
  long result = 0;
  do {
    // glibc's waitid has no rusage argument.
    result = ::syscall(SYS_waitid, P_PIDFD, pidfd_.get(), &info, WEXITED | __WALL, &usage);
  } while (result < 0 && errno == EINTR);
  reaped_ = true;
  const auto microseconds = [](const timeval& time) {
    return Microseconds(time.tv_sec * 1'000'000L + time.tv_usec);
  };
  return {.user_time = microseconds(usage.ru_utime),
          .system_time = microseconds(usage.ru_stime),
          .largest_process = ByteCount::kib(static_cast<std::uint64_t>(usage.ru_maxrss)),
          .init_status = result == 0 ? wait_status(info) : -1};
}

JailEngine::~JailEngine() = default;

Result<std::unique_ptr<JailEngine>> JailEngine::create(Mode mode, const HostFacts& facts,
                                                       const sys::CgroupHost& cgroups) {
  auto engine = std::unique_ptr<JailEngine>(new JailEngine(facts));
  engine->proc_ = UniqueFd(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!engine->proc_.valid()) return fail(errno_error("/proc", errno));
  constexpr std::size_t kKeptCells = 64;
  SP_TRY(engine->cells_,
         CellPool::create(facts, cgroups, mode == Mode::kLauncher ? kKeptCells : 0));
  if (mode == Mode::kLauncher && facts.is_root) {
    SP_TRY(engine->trees_, TreePool::create(engine->proc_.get()));
    SP_TRY(engine->networks_, NetworkPool::create());
  }
  const Injection injection = injection_from_environment("SANDPIT_INJECT");
  engine->fail_step_ = injection.step;
  engine->fail_call_ = injection.call;
  engine->fail_errno_ = injection.errno_value;
  const Injection forked = injection_from_environment("SANDPIT_INJECT_WARM");
  engine->fork_fail_step_ = forked.step;
  engine->fork_fail_errno_ = forked.errno_value;
  if (const char* wait = std::getenv("SANDPIT_INJECT_WAIT"); wait != nullptr) {
    engine->longest_wait_ = std::min<std::chrono::milliseconds>(
        kLongestWait, std::chrono::milliseconds(number_of(wait)));
  }
  return engine;
}

Result<void> JailEngine::give(const UniqueFd& standard_input, const Jail& jail) const {
  if (!facts_.is_root) return {};
  const uid_t id = jail.cell_->slot->host_id();
  if (::fchown(standard_input.get(), id, id) < 0) return fail(errno_error("fchown", errno));
  return {};
}

Result<JailEngine::Ends> JailEngine::open_ends(Jail& jail, const Plan& plan) const {
  SP_TRY(auto cell, cells_->take());
  jail.cell_.fill(cells_.get(), std::move(cell));
  const bool root = facts_.is_root;
  Ends ends;
  ends.ids = {.inside_uid = plan.uid,
              .inside_gid = plan.gid,
              .host_uid = root ? jail.cell_->slot->host_id() : facts_.uid,
              .host_gid = root ? jail.cell_->slot->host_id() : facts_.gid,
              // A template maps the ids of all runs, so that it can give each of its own another.
              .others = root && plan.is_template};
  const Owner owner = root ? Owner::kRun : Owner::kCaller;
  SP_TRY(ends.out, output_pipe(ends.ids, owner));
  SP_TRY(ends.err, output_pipe(ends.ids, owner));
  SP_TRY(ends.pair, socket_pair());
  return ends;
}

void JailEngine::hand_over(const Ends& ends, ChildSpec& spec) const {
  spec.socket = ends.pair.child.get();
  spec.stdin_fd = ends.standard_input;
  spec.stdout_fd = ends.out.write.get();
  spec.stderr_fd = ends.err.write.get();
  spec.drop_groups = facts_.is_root;
}

void JailEngine::keep(Ends& ends, Jail& jail) {
  jail.socket_ = std::move(ends.pair.host);
  jail.stdout_ = std::move(ends.out.read);
  jail.stderr_ = std::move(ends.err.read);
}

Result<Jail> JailEngine::start(const Plan& plan, const std::vector<UniqueFd>& inputs,
                               const UniqueFd& standard_input) {
  Jail jail;
  SP_TRY(Ends ends, open_ends(jail, plan));
  SP_TRY_VOID(give(standard_input, jail));
  ends.standard_input = standard_input.get();
  SpecBuilder builder(plan);
  if (facts_.is_root) SP_TRY_VOID(builder.open_trees(ends.ids, proc_.get(), trees_ != nullptr));
  ChildSpec& spec = builder.finish(inputs);
  hand_over(ends, spec);
  spec.host_socket = ends.pair.host.get();
  spec.fail_step = fail_step_;
  spec.fail_call = fail_call_;
  spec.fail_errno = fail_errno_;
  SP_TRY_VOID(jail.network_.choose(plan.network, networks_.get()));
  spec.own_network = jail.network_.needs_own();
  spec.bring_up_loopback = has_loopback(plan.network);
  spec.set_nice = children_nice_.has_value();
  spec.nice = children_nice_.value_or(0);

  // On v2 the child is born in its group, on v1 it joins: the group can then be made while the
  // child is busy with its network.
  const bool born_in_cgroup = facts_.memory.version == CgroupVersion::kV2 ||
                              facts_.pids.version == CgroupVersion::kV2 ||
                              facts_.cpu.version == CgroupVersion::kV2;
  if (born_in_cgroup) SP_TRY_VOID(cells_->prepare_cgroup(*jail.cell_.get(), plan));
  SP_TRY_VOID(clone(jail, plan, builder));
  ends.pair.child.reset();
  const auto let_go = [&]() -> Result<void> {
    SP_TRY_VOID(write_id_maps(proc_.get(), jail.pid_, ends.ids,
                              facts_.is_root ? Setgroups::kAllow : Setgroups::kDeny));
    if (!born_in_cgroup) SP_TRY_VOID(cells_->prepare_cgroup(*jail.cell_.get(), plan));
    return send_go(ends.pair.host.get(), jail.cgroup());
  };
  // A child that has failed already is why we failed: its own report, which the supervisor reads,
  // says more.
  if (auto gone = let_go(); !gone && !has_message(ends.pair.host.get())) return fail(gone.error());
  keep(ends, jail);
  return jail;
}

Result<void> JailEngine::clone(Jail& jail, const Plan& plan, SpecBuilder& builder) {
  clone_args args{};
  int pidfd = -1;
  args.flags =
      CLONE_PIDFD | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
  // NOLINTNEXTLINE(*-reinterpret-cast): clone(2) takes the address as a number
  args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  if (jail.cgroup() != nullptr && jail.cgroup()->clone_into() >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(jail.cgroup()->clone_into());
  }
  if (trees_ != nullptr) SP_TRY_VOID(trees_->enter(plan, builder.mounts()));
  jail.started_ = std::chrono::steady_clock::now();
  pid_t pid = -1;
  int clone_errno = 0;
  {
    const BlockedSignals blocked;
    pid = sys::raw::clone3(args);
    if (pid == 0) child_main(builder.spec());
    clone_errno = errno;
  }
  if (trees_ != nullptr) trees_->leave();
  if (pid < 0) return fail(explain_clone_failure(clone_errno));
  jail.pid_ = pid;
  jail.pidfd_ = UniqueFd(pidfd);
  return {};
}

}  // namespace sandpit::jail
