#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "engine/jail/child.h"
#include "engine/jail/child_launch.h"
#include "engine/warm/library.h"
#include "engine/warm/run_image.h"
#include "sys/raw.h"

namespace sandpit::warm {
namespace {

namespace raw = sys::raw;
using jail::Launch;
using jail::LaunchStep;
using jail::MessageKind;

// Between a template and the init that shares its memory.
struct Shared {
  std::uint32_t go = 0;     // init may begin
  int tell_errno = 0;       // what kept the host from hearing of init, for init to tell
  int map_errno = 0;        // and the id maps from being written
  std::uint32_t alive = 0;  // cleared by the kernel when init has memory of its own, or none
  TemplateState* state = nullptr;
  RunImage* image = nullptr;
  std::jmp_buf program = {};  // where the program goes on
  int record = -1;
};
constinit Shared shared;

constexpr std::size_t kStackSize = 64U << 10U;
alignas(64) char init_stack[kStackSize];
alignas(16) char start_block[kLargestImage];  // of a run that waited: a StartImage

void futex_wait(std::uint32_t* word, std::uint32_t value) {
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value) {
    (void)::syscall(SYS_futex, word, FUTEX_WAIT, value, nullptr, nullptr, 0);
  }
}

// "/proc/PID/NAME" <- "INSIDE OUTSIDE 1" or "deny".
int write_proc(pid_t pid, const char* name, const char* text, std::size_t size) {
  char path[64];
  (void)::snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  const ssize_t n = ::write(fd, text, size);
  const int saved = errno;
  ::close(fd);
  errno = saved;
  return n == static_cast<ssize_t>(size) ? 0 : -1;
}

int write_map(pid_t pid, const char* name, std::uint32_t inside, std::uint32_t outside) {
  char text[64];
  (void)::snprintf(text, sizeof text, "%u %u 1", inside, outside);
  return write_proc(pid, name, text, std::strlen(text));
}

// 0, or what it fails with. A run whose end the host could not see must not begin.
int tell(const jail::ChildSpec& spec, int pidfd) {
  if (spec.fail_step == static_cast<int>(LaunchStep::kTell)) return spec.fail_errno;
  const ssize_t n = jail::send_with_descriptor(spec.socket, {.kind = MessageKind::kStarted}, pidfd);
  return n < 0 ? errno : 0;
}

int write_maps(pid_t pid, const RunImage& image) {
  if (image.deny_setgroups != 0 && write_proc(pid, "setgroups", "deny", 4) < 0) return -1;
  if (write_map(pid, "uid_map", image.spec.uid, image.outside_uid) < 0) return -1;
  return write_map(pid, "gid_map", image.spec.gid, image.outside_gid);
}

// The template keeps some, so that a run need not pay for one. Each is used by one run at a time.
int enter_network(TemplateState& state, int index) {
  int& network = state.networks[index];
  if (network >= 0) return ::setns(network, CLONE_NEWNET);
  if (raw::unshare(CLONE_NEWNET) < 0) return -1;
  network = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  return network < 0 ? -1 : 0;
}

int make_record(Launch& launch, const RunImage& image) {
  launch.begin(LaunchStep::kInput, -1);
  const int fd = static_cast<int>(launch.need(::syscall(SYS_memfd_create, "program", MFD_CLOEXEC)));
  std::size_t done = 0;
  while (done < image.record_size) {
    done += static_cast<std::size_t>(
        launch.need(::write(fd, image.record + done, image.record_size - done)));
  }
  launch.need(::lseek(fd, 0, SEEK_SET));
  return fd;
}

// Descriptors of the template's that neither the program nor init may keep.
void close_ours(const TemplateState& state) {
  ::close(state.control);
  for (const int network : state.networks) {
    if (network >= 0) ::close(network);
  }
}

// Until there is something to run; the rest of the image is then known as well.
void wait_to_start(Launch& launch, RunImage& image) {
  launch.begin(LaunchStep::kWaitForGo);
  int descriptors[kMostDescriptors];
  std::size_t count = 0;
  const ssize_t size =
      jail::receive(image.spec.socket, {.iov_base = start_block, .iov_len = sizeof start_block},
                    descriptors, kMostDescriptors, count);
  if (size <= 0) ::_exit(0);  // nobody asks any more
  if (!relocate_start(start_block, static_cast<std::size_t>(size), descriptors, count)) {
    launch.fail(EPROTO);
  }
  // NOLINTNEXTLINE(*-reinterpret-cast): relocate_start() has checked it
  const StartImage& start = *reinterpret_cast<const StartImage*>(start_block);
  image.spec.inputs = start.inputs;
  image.spec.stdin_fd = start.stdin_fd;
  image.record = start.record;
  image.record_size = start.record_size;
  shared.record = start.record_fd;
}

// From here on all memory is the run's.
void move_in(Launch& launch, const RunImage& image) {
  jail::join_cgroup(launch, image.tasks, image.task_count);
  for (std::uint64_t i = 0; i < image.task_count; ++i) ::close(image.tasks[i]);
  touch_memory();
}

void bring_files(Launch& launch, const RunImage& image, int volume) {
  const mode_t mask = ::umask(0);
  jail::copy_inputs(launch, image.spec.inputs, volume, "work");
  ::umask(mask);
  ::close(volume);
  for (const jail::ChildInput& input : image.spec.inputs) {
    if (input.descriptor >= 0) ::close(input.descriptor);
  }
}

// Or not, as the interpreter has set it.
void keep_blocking(Launch& launch, const TemplateState& state, int fd) {
  if (state.nonblocking[fd] != 0) launch.need(::fcntl(fd, F_SETFL, O_NONBLOCK));
}

// The program's side, in memory of its own: the rest of the jail, then back into the interpreter.
[[noreturn]] void become_program(Launch& launch, RunImage& image, int volume, int ruleset) {
  const TemplateState& state = *shared.state;
  jail::ChildSpec& spec = image.spec;
  const bool late = image.waits == Waits::kBehindWalls;
  move_in(launch, image);
  if (image.waits == Waits::kBeforeWalls) wait_to_start(launch, image);
  if (!late) bring_files(launch, image, volume);
  jail::lower_limits(launch, spec, jail::Limits::kBeforeWalls);
  jail::drop_capabilities(launch, spec);
  launch.need(::setsid());
  if (late) spec.stdin_fd = spec.stdout_fd;  // its place is kept
  jail::place_stdio(launch, spec);
  for (const int fd : {spec.stdin_fd, spec.stdout_fd, spec.stderr_fd}) {
    if (fd > 2) ::close(fd);
  }
  ::close(state.init);
  for (int fd = late ? 1 : 0; fd < 3; ++fd) keep_blocking(launch, state, fd);
  launch.need(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
  (void)raw::set_action(SIGCHLD, &state.child_action, nullptr);
  launch.begin(LaunchStep::kStdio);
  if (!renew_descriptors()) launch.fail(errno);
  const int socket = spec.socket;
  jail::raise_walls(launch, spec, ruleset);
  if (late) {
    wait_to_start(launch, image);
    bring_files(launch, image, volume);
    launch.begin(LaunchStep::kStdio);
    launch.need(::dup2(spec.stdin_fd, 0));
    ::close(spec.stdin_fd);
    keep_blocking(launch, state, 0);
  }
  ::close(socket);
  (void)::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &state.signal_mask, nullptr, 8);
  std::longjmp(shared.program, 1);
}

[[noreturn]] void become_init(Launch& launch, const RunImage& image, pid_t program) {
  const jail::ChildSpec& spec = image.spec;
  jail::lower_limits(launch, spec);
  jail::drop_capabilities(launch, spec);
  launch.begin(LaunchStep::kInit);
  char name[] = "init";
  constexpr std::size_t kFixed = 3;
  char digits[kFixed + jail::kMostCgroups][24];
  char* argv[kFixed + jail::kMostCgroups + 2] = {name};
  char* envp[] = {nullptr};
  (void)::snprintf(digits[0], sizeof digits[0], "%d", spec.socket);
  (void)::snprintf(digits[1], sizeof digits[1], "%d", program);
  (void)::snprintf(digits[2], sizeof digits[2], "%ld", spec.backstop_ms);
  launch.need(raw::close_range(0, ~0U, CLOSE_RANGE_CLOEXEC));
  launch.need(::fcntl(spec.socket, F_SETFD, 0));
  for (std::uint64_t i = 0; i < image.task_count; ++i) {
    (void)::snprintf(digits[kFixed + i], sizeof digits[0], "%d", image.tasks[i]);
    launch.need(::fcntl(image.tasks[i], F_SETFD, 0));
  }
  for (std::size_t i = 0; i < kFixed + image.task_count; ++i) argv[i + 1] = digits[i];
  (void)::syscall(SYS_execveat, shared.state->init, "", argv, envp, AT_EMPTY_PATH);
  launch.fail(errno);
}

// init of the run, on a stack of its own in the template's memory.
int init_main(void* /*unused*/) {
  futex_wait(&shared.go, 0);
  RunImage& image = *shared.image;
  jail::ChildSpec& spec = image.spec;
  Launch launch(spec);
  (void)raw::reset_signal(SIGCHLD);
  launch.begin(LaunchStep::kIdMaps);
  launch.need(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
  if (shared.map_errno != 0) launch.fail(shared.map_errno);
  if (shared.tell_errno != 0) {
    launch.begin(LaunchStep::kTell);
    launch.fail(shared.tell_errno);
  }
  if (spec.own_network) {
    launch.begin(LaunchStep::kNetworkNamespace);
    launch.need(raw::unshare(CLONE_NEWNET));
  }
  jail::take_ids(launch, spec);
  if (spec.bring_up_loopback) jail::bring_up_loopback(launch);
  const int volume = jail::build_tree(launch, spec);
  jail::name_and_place(launch, spec);
  close_ours(*shared.state);
  if (image.waits == Waits::kNo) shared.record = make_record(launch, image);
  const int ruleset = jail::make_ruleset(launch, spec);
  if (spec.drop_bounding_set) jail::drop_bounding_set(launch, spec);
  spec.drop_bounding_set = false;
  launch.begin(LaunchStep::kFork);
  // Before the fork, since it is this thread's to ask for as long as it is the template's in all
  // but its id.
  const ThreadRegistration registration = shared.state->registration;
  const pid_t program = fork_whole(registration);
  launch.need(program);
  if (program == 0) {
    register_this_thread(registration);
    become_program(launch, image, volume, ruleset);
  }
  become_init(launch, image, program);
}

}  // namespace

// glibc's own fork tells its thread descriptor, its locks and whoever has asked by pthread_atfork
// that this is another process with one thread. Where the other threads come along, it must not.
pid_t fork_whole(const ThreadRegistration& registration) {
  if (!has_parked_threads()) return real_fork()();
  return static_cast<pid_t>(::syscall(SYS_clone,
                                      SIGCHLD | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, nullptr,
                                      nullptr, registration.id, nullptr));
}

Forked fork_run(TemplateState& state, RunImage& image) {
  jail::ChildSpec& spec = image.spec;
  Launch launch(spec);
  shared.state = &state;
  shared.image = &image;
  shared.record = -1;
  __atomic_store_n(&shared.go, 0, __ATOMIC_RELEASE);
  __atomic_store_n(&shared.alive, 1, __ATOMIC_RELEASE);
  // setjmp's second return is in another process, with this frame copied as it is now.
  if (setjmp(shared.program) != 0) {  // NOLINT(cert-err52-cpp)
    return {.side = Side::kProgram, .record = shared.record};
  }
  if (image.network >= 0 && enter_network(state, image.network) < 0) {
    launch.begin(LaunchStep::kNetworkNamespace);
    launch.report(errno);
    return {};
  }
  // The last run's init has changed its ids in our memory, which has made us undumpable, and
  // /proc/PID/uid_map root's.
  (void)::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  int pidfd = -1;
  constexpr int kFlags = CLONE_VM | CLONE_PIDFD | CLONE_CHILD_CLEARTID | CLONE_NEWUSER |
                         CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD;
  const pid_t pid =
      ::clone(init_main, init_stack + kStackSize, kFlags, nullptr, &pidfd, nullptr, &shared.alive);
  if (pid < 0) {
    launch.begin(LaunchStep::kFork);
    launch.report(errno);
    return {};
  }
  shared.tell_errno = tell(spec, pidfd);
  ::close(pidfd);
  shared.map_errno = write_maps(pid, image) < 0 ? errno : 0;
  __atomic_store_n(&shared.go, 1, __ATOMIC_RELEASE);
  (void)::syscall(SYS_futex, &shared.go, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  futex_wait(&shared.alive, 1);
  // What that run's init has left there would be in the memory of every later program.
  constexpr std::size_t kUsed = 16U << 10U;
  std::memset(init_stack + kStackSize - kUsed, 0, kUsed);
  return {};
}

}  // namespace sandpit::warm
