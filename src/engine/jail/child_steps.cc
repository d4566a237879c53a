#include <fcntl.h>
#include <linux/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>

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
  if (spec.set_nice) launch.need(::syscall(SYS_setpriority, PRIO_PROCESS, 0, spec.nice));
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

namespace {

// An address on an alias of the loopback interface makes its whole network local (fib_add_ifaddr,
// net/ipv4/fib_frontend.c), and so reach the sockets below.
void add_network(Launch& launch, int socket, std::size_t index, const ChildEgressNetwork& network) {
  ifreq request{};
  char* name = request.ifr_name;
  std::size_t length = 0;
  for (const char c : {'l', 'o', ':'}) name[length++] = c;
  for (std::size_t unit = 100; unit > 0; unit /= 10) {
    name[length++] = static_cast<char>('0' + index / unit % 10);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = network.address;
  std::memcpy(&request.ifr_addr, &address, sizeof address);
  launch.need(::ioctl(socket, SIOCSIFADDR, &request));
  address.sin_addr.s_addr = network.mask;
  std::memcpy(&request.ifr_netmask, &address, sizeof address);
  launch.need(::ioctl(socket, SIOCSIFNETMASK, &request));
}

int open_egress_socket(Launch& launch, const ChildEgressSocket& wanted) {
  const int type = wanted.datagram ? SOCK_DGRAM : SOCK_STREAM;
  const int fd = static_cast<int>(launch.need(::socket(AF_INET, type | SOCK_CLOEXEC, 0)));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = wanted.port;
  address.sin_addr.s_addr = wanted.address;
  // One for all addresses beside those of single ones, which the kernel prefers.
  const int on = 1;
  launch.need(::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
  const auto* bound = reinterpret_cast<const sockaddr*>(&address);  // NOLINT(*-reinterpret-cast)
  launch.need(::bind(fd, bound, sizeof address));
  constexpr int kBacklog = 128;
  if (!wanted.datagram) launch.need(::listen(fd, kBacklog));
  return fd;
}

}  // namespace

void offer_egress(Launch& launch, const ChildSpec& spec) {
  if (spec.egress_sockets.size == 0) return;
  launch.begin(LaunchStep::kEgress, -1);
  const int control =
      static_cast<int>(launch.need(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  std::size_t count = 0;
  for (const ChildEgressNetwork& network : spec.egress_networks) {
    add_network(launch, control, count++, network);
  }
  ::close(control);
  int sockets[kMostEgressSockets];
  count = 0;
  for (const ChildEgressSocket& socket : spec.egress_sockets) {
    if (count == kMostEgressSockets) launch.fail(E2BIG);
    launch.begin(LaunchStep::kEgress, static_cast<int>(count));
    sockets[count++] = open_egress_socket(launch, socket);
  }
  launch.need(send_with_descriptors(spec.socket, {.kind = MessageKind::kEgress}, sockets, count));
  for (std::size_t i = 0; i < count; ++i) ::close(sockets[i]);
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
                                           "denial listener",
                                           "egress",
                                           "tell of init"};
  static_assert(sizeof kNames / sizeof *kNames == static_cast<std::size_t>(LaunchStep::kCount));
  // A step may come in a message, from another process.
  return step < LaunchStep::kCount ? kNames[static_cast<std::size_t>(step)] : "unknown step";
}

}  // namespace sandpit::jail
