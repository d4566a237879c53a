#include <fcntl.h>
#include <linux/if.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>

#include "engine/jail/child.h"
#include "engine/jail/child_launch.h"
#include "sys/raw.h"

namespace sandpit::jail {

namespace raw = sys::raw;

void join_cgroup(Launch& launch, const int* tasks, std::size_t count) {
  launch.begin(LaunchStep::kJoinCgroup);
  for (std::size_t i = 0; i < count; ++i) launch.need(::write(tasks[i], "0", 1));
  // After joining, not in clone3: the namespace's root is the group that the process is in at this
  // moment.
  launch.begin(LaunchStep::kCgroupNamespace);
  launch.need(raw::unshare(CLONE_NEWCGROUP));
}

void take_ids(Launch& launch, const ChildSpec& spec) {
  launch.begin(LaunchStep::kIds);
  if (spec.drop_groups) launch.need(raw::setgroups_none());
  launch.need(raw::setresgid(spec.gid));
  launch.need(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
  launch.need(raw::setresuid(spec.uid));
  launch.need(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
  ::umask(0);
  launch.begin(LaunchStep::kSession);
  launch.need(::setsid());
  // Cleared by the id change above, so set again.
  launch.need(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
}

void bring_up_loopback(Launch& launch) {
  launch.begin(LaunchStep::kLoopback);
  const int fd = static_cast<int>(launch.need(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  launch.need(::ioctl(fd, SIOCGIFFLAGS, &request));
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  launch.need(::ioctl(fd, SIOCSIFFLAGS, &request));
  ::close(fd);
}

void name_and_place(Launch& launch, const ChildSpec& spec) {
  launch.begin(LaunchStep::kHostname);
  launch.need(::sethostname(spec.hostname, spec.hostname_size));
  launch.begin(LaunchStep::kWorkingDirectory);
  launch.need(::chdir(spec.cwd));
  ::umask(022);
}

// Moves the three descriptors to 0, 1 and 2, whatever their numbers are.
void place_stdio(Launch& launch, const ChildSpec& spec) {
  launch.begin(LaunchStep::kStdio);
  int sources[3] = {spec.stdin_fd, spec.stdout_fd, spec.stderr_fd};
  for (int& source : sources) {
    // Low numbers could be overwritten by the dup2 of another: out of the way first.
    if (source < 3) source = static_cast<int>(launch.need(::fcntl(source, F_DUPFD_CLOEXEC, 3)));
  }
  for (int target = 0; target < 3; ++target) launch.need(::dup2(sources[target], target));
}

const char* to_string(LaunchStep step) {
  static constexpr const char* kNames[] = {"none",
                                           "network namespace",
                                           "wait for go",
                                           "join cgroup",
                                           "cgroup namespace",
                                           "set ids",
                                           "new session",
                                           "loopback",
                                           "root tmpfs",
                                           "private volume",
                                           "mount",
                                           "mount /proc",
                                           "read-only /",
                                           "copy input",
                                           "pivot_root",
                                           "detach old root",
                                           "hostname",
                                           "chdir",
                                           "setrlimit",
                                           "drop capabilities",
                                           "no_new_privs",
                                           "Landlock",
                                           "seccomp",
                                           "stdio",
                                           "fork",
                                           "execve",
                                           "id maps",
                                           "init",
                                           "denial listener"};
  static_assert(sizeof kNames / sizeof *kNames == static_cast<std::size_t>(LaunchStep::kCount));
  return kNames[static_cast<std::size_t>(step)];
}

}  // namespace sandpit::jail
