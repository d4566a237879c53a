#include "engine/jail/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <iterator>

#include "engine/jail/child_launch.h"
#include "sys/raw.h"

namespace sandpit::jail {
namespace {

namespace raw = sys::raw;

// Waits until the id maps are written and the cgroup is made; joins it.
void wait_for_go(Launch& launch, const ChildSpec& spec) {
  launch.begin(LaunchStep::kWaitForGo);
  // Both, so that a host killed at any moment takes us along: the signal from now on, the hang-up
  // for a host that died before. Our own copy of the host's end would keep the socket from hanging
  // up.
  launch.need(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
  launch.need(::close(spec.host_socket));
  char go = 0;
  int tasks[kMostCgroups];
  std::size_t count = 0;
  const ssize_t n =
      receive(spec.socket, {.iov_base = &go, .iov_len = 1}, tasks, kMostCgroups, count);
  if (n <= 0) ::_exit(125);  // the host is gone: nobody to tell
  join_cgroup(launch, tasks, count);
}

// Inputs that are handed over as descriptors, at the numbers that they ask for. Their own numbers
// may be those of others: each goes out of the way first.
void place_inputs(Launch& launch, const ChildSpec& spec) {
  launch.begin(LaunchStep::kInput, -1);
  int sources[kMostDescriptorNumber] = {};
  bool any = false;
  for (const ChildInput& input : spec.inputs) {
    if (input.number < 3 || input.number >= kMostDescriptorNumber) continue;
    sources[input.number] = static_cast<int>(
        launch.need(::fcntl(input.descriptor, F_DUPFD_CLOEXEC, kMostDescriptorNumber)));
    any = true;
  }
  if (!any) return;
  launch.report_over(
      static_cast<int>(launch.need(::fcntl(spec.socket, F_DUPFD_CLOEXEC, kMostDescriptorNumber))));
  for (int number = 3; number < kMostDescriptorNumber; ++number) {
    if (sources[number] != 0) launch.need(::dup2(sources[number], number));
  }
}

[[noreturn]] void run_program(Launch& launch, const ChildSpec& spec) {
  place_stdio(launch, spec);
  place_inputs(launch, spec);
  launch.begin(LaunchStep::kExec);
  launch.need(::setsid());
  launch.need(raw::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC));
  for (const ChildInput& input : spec.inputs) {
    if (input.number != 0) launch.need(::fcntl(input.number, F_SETFD, 0));
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(spec.argv[0], spec.argv, spec.envp);
  launch.fail(errno);
}

void close_all_but(int a, int b) {
  const auto low = static_cast<unsigned>(a < b ? a : b);
  const auto high = static_cast<unsigned>(a < b ? b : a);
  if (low > 0) raw::close_range(0, low - 1, 0);
  if (high > low + 1) raw::close_range(low + 1, high - 1, 0);
  raw::close_range(high + 1, ~0U, 0);
}

// The launcher's descriptors, of which the child has a copy, would leave no room under the
// program's limit for those that it is handed.
void close_what_is_not_needed(const ChildSpec& spec) {
  int needed[kMostDescriptorNumber + 4] = {spec.socket, spec.stdin_fd, spec.stdout_fd,
                                           spec.stderr_fd};
  std::size_t count = 4;
  for (const ChildInput& input : spec.inputs) {
    if (input.number != 0 && count < std::size(needed)) needed[count++] = input.descriptor;
  }
  int lowest = 0;
  for (;;) {
    // The next one that is needed, in the order of their numbers.
    int next = -1;
    for (std::size_t i = 0; i < count; ++i) {
      if (needed[i] >= lowest && (next < 0 || needed[i] < next)) next = needed[i];
    }
    if (next < 0) break;
    if (next > lowest) {
      raw::close_range(static_cast<unsigned>(lowest), static_cast<unsigned>(next) - 1, 0);
    }
    lowest = next + 1;
  }
  raw::close_range(static_cast<unsigned>(lowest), ~0U, 0);
}

long monotonic_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// pid 1's life: reaps whatever is orphaned, tells the program's end, goes when the host goes.
[[noreturn]] void init_loop(const ChildSpec& spec, int signals, pid_t program) {
  close_all_but(spec.socket, signals);
  pollfd watched[2] = {{.fd = spec.socket, .events = 0, .revents = 0},
                       {.fd = signals, .events = POLLIN, .revents = 0}};
  const long deadline = monotonic_ms() + spec.backstop_ms;
  for (;;) {
    // The host's clock decides; ours is for a host that is stopped (SIGSTOP) and can't.
    const long rest = deadline - monotonic_ms();
    if (rest <= 0) ::_exit(125);
    if (::poll(watched, 2, rest < 60'000 ? static_cast<int>(rest) : 60'000) < 0 && errno != EINTR) {
      ::_exit(125);
    }
    if ((watched[0].revents & (POLLHUP | POLLERR)) != 0) ::_exit(125);
    if ((watched[1].revents & POLLIN) == 0) continue;
    signalfd_siginfo info;
    (void)::read(signals, &info, sizeof info);
    int status = 0;
    pid_t pid = 0;
    bool ended = false;
    int program_status = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid != program) continue;
      ended = true;
      program_status = status;
    }
    if (!ended) continue;
    // Whatever the program left behind has become our child: ECHILD proves that there is nothing.
    const ChildMessage message{.kind = MessageKind::kExited,
                               .wait_status = program_status,
                               .alone = pid < 0 && errno == ECHILD ? 1 : 0};
    (void)::send(spec.socket, &message, sizeof message, MSG_NOSIGNAL);
    ::_exit(0);
  }
}

// With this pid, inside (kernel 5.5; CAP_SYS_ADMIN in the namespace).
pid_t fork_as(pid_t pid) {
  clone_args args{};
  args.exit_signal = SIGCHLD;
  // NOLINTNEXTLINE(*-reinterpret-cast): clone(2) takes the address as a number
  args.set_tid = reinterpret_cast<std::uintptr_t>(&pid);
  args.set_tid_size = 1;
  return raw::clone3(args);
}

void reset_signals() {
  for (int signal = 1; signal < 65; ++signal) (void)raw::reset_signal(signal);
}

}  // namespace
void child_main(const ChildSpec& spec) {
  Launch launch(spec);
  reset_signals();
  if (spec.own_network) {
    launch.begin(LaunchStep::kNetworkNamespace);
    launch.need(raw::unshare(CLONE_NEWNET));
  }
  wait_for_go(launch, spec);
  take_ids(launch, spec);
  if (spec.bring_up_loopback) bring_up_loopback(launch);
  offer_egress(launch, spec);
  build_root(launch, spec);
  name_and_place(launch, spec);
  close_what_is_not_needed(spec);

  launch.begin(LaunchStep::kFork);
  sigset_t child_ended;
  ::sigemptyset(&child_ended);
  ::sigaddset(&child_ended, SIGCHLD);
  launch.need(::sigprocmask(SIG_SETMASK, &child_ended, nullptr));
  const int signals = static_cast<int>(launch.need(::signalfd(-1, &child_ended, SFD_CLOEXEC)));
  const int ruleset = make_ruleset(launch, spec);
  lower_limits(launch, spec, Limits::kBeforeWalls);
  drop_capabilities(launch, spec);
  raise_walls(launch, spec, ruleset);

  launch.begin(LaunchStep::kFork);
  // vfork: the program's side runs on this stack until execve; nothing that it changes in memory is
  // read again here.
  // NOLINTBEGIN(bugprone-unsafe-functions,clang-analyzer-*): left by execve or _exit only
  const pid_t program = spec.program_pid != 0 ? fork_as(spec.program_pid) : ::vfork();
  launch.need(program);
  if (program == 0) run_program(launch, spec);
  // NOLINTEND(bugprone-unsafe-functions,clang-analyzer-*)
  init_loop(spec, signals, program);
}

}  // namespace sandpit::jail
