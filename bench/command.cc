#include "bench/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sandpit/error.h"

namespace sandpit::bench {
namespace {

using Clock = std::chrono::steady_clock;

// posix_spawn_file_actions_t with an owner.
class FileActions {
 public:
  FileActions() { (void)::posix_spawn_file_actions_init(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { (void)::posix_spawn_file_actions_destroy(&actions_); }
  void dup2(int from, int to) { (void)::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

// False when the deadline came first.
bool wait_readable(int fd, Clock::time_point deadline) {
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  for (;;) {
    const int n = ::poll(&entry, 1, milliseconds_until(deadline));
    if (n < 0 && errno == EINTR) continue;
    return n > 0;
  }
}

// False when the deadline came first.
Result<bool> read_to_end(int fd, Clock::time_point deadline, std::string& text) {
  std::array<char, 4096> buffer{};
  for (;;) {
    if (!wait_readable(fd, deadline)) return false;
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error("read", errno));
    if (n == 0) return true;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

Result<int> reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return fail(errno_error("waitpid", errno));
  }
  return status;
}

}  // namespace

Result<Command> Command::create(std::vector<std::string> argv, const std::string& mount_namespace,
                                std::chrono::seconds patience) {
  Command command;
  command.argv_ = std::move(argv);
  command.patience_ = patience;
  command.null_ = UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  command.error_file_ = UniqueFd(::memfd_create("bench-stderr", MFD_CLOEXEC));
  if (!command.null_.valid() || !command.error_file_.valid())
    return fail(errno_error("open", errno));
  if (!mount_namespace.empty()) {
    // setns(2): a process that shares its root and working directory with others can't change its
    // mount namespace.
    if (::unshare(CLONE_FS) < 0) return fail(errno_error("unshare", errno));
    command.own_namespace_ = UniqueFd(::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC));
    command.other_namespace_ = UniqueFd(::open(mount_namespace.c_str(), O_RDONLY | O_CLOEXEC));
    if (!command.own_namespace_.valid() || !command.other_namespace_.valid()) {
      return fail(errno_error(mount_namespace, errno));
    }
  }
  return command;
}

Result<Finished> Command::run() {
  if (::ftruncate(error_file_.get(), 0) < 0 || ::lseek(error_file_.get(), 0, SEEK_SET) < 0) {
    return fail(errno_error("memfd", errno));
  }
  if (!other_namespace_.valid()) return run_here();
  const UniqueFd directory(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (::setns(other_namespace_.get(), CLONE_NEWNS) < 0) return fail(errno_error("setns", errno));
  auto finished = run_here();
  // setns puts us into the namespace's root.
  if (::setns(own_namespace_.get(), CLONE_NEWNS) < 0 || ::fchdir(directory.get()) < 0) {
    return fail(errno_error("setns back", errno));
  }
  return finished;
}

Result<Finished> Command::run_here() {
  std::vector<char*> argv;
  argv.reserve(argv_.size() + 1);
  for (std::string& word : argv_) argv.push_back(word.data());
  argv.push_back(nullptr);

  Finished finished;
  const auto begin = Clock::now();
  const auto deadline = begin + patience_;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) return fail(errno_error("pipe2", errno));
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  FileActions actions;
  actions.dup2(null_.get(), STDIN_FILENO);
  actions.dup2(write_end.get(), STDOUT_FILENO);
  actions.dup2(error_file_.get(), STDERR_FILENO);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, argv[0], actions.get(), nullptr, argv.data(), environ);
  if (error != 0) return fail(errno_error(argv_[0], error));
  write_end.reset();
  // A contender may close its output and hang: its end is waited for with the same patience.
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
  auto in_time = read_to_end(read_end.get(), deadline, finished.output);
  finished.timed_out = !in_time || !*in_time || !wait_readable(process.get(), deadline);
  if (finished.timed_out) (void)::kill(pid, SIGKILL);
  SP_TRY(finished.status, reap(pid));
  finished.elapsed = Clock::now() - begin;
  if (!in_time) return fail(in_time.error());
  return finished;
}

std::string Command::last_error_text() const {
  std::string text(512, '\0');
  const ssize_t n = ::pread(error_file_.get(), text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace sandpit::bench
