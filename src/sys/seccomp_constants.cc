// The names that a profile may use for numbers. Values are the kernel's, equal on x86_64 and
// aarch64; those younger than Debian 12's headers are written out.
#include <asm/ioctls.h>
#include <asm/socket.h>
#include <linux/netlink.h>
#include <linux/securebits.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

#include "sys/seccomp_profile.h"

namespace sandpit::sys {
namespace {

struct Constant {
  std::string_view name;
  std::uint64_t value;
};
#define SP_NAMED(name) {#name, static_cast<std::uint64_t>(name)}

constexpr Constant kConstants[] = {
    // errno
    SP_NAMED(EPERM),
    SP_NAMED(EACCES),
    SP_NAMED(EINVAL),
    SP_NAMED(ENOSYS),
    SP_NAMED(ENODEV),
    SP_NAMED(EAFNOSUPPORT),
    SP_NAMED(EPROTONOSUPPORT),
    SP_NAMED(ENOPROTOOPT),
    SP_NAMED(EOPNOTSUPP),
    SP_NAMED(ENOMEM),
    SP_NAMED(ENOTTY),
    SP_NAMED(ENOKEY),
    // mmap, mprotect, madvise, memfd_create, shmat
    SP_NAMED(PROT_READ),
    SP_NAMED(PROT_WRITE),
    SP_NAMED(PROT_EXEC),
    SP_NAMED(MAP_ANONYMOUS),
    SP_NAMED(MADV_MERGEABLE),
    SP_NAMED(MADV_HWPOISON),
    {"MADV_SOFT_OFFLINE", 101},
    {"MFD_NOEXEC_SEAL", 8},
    SP_NAMED(SHM_EXEC),
    // clone
    SP_NAMED(CLONE_NEWNS),
    SP_NAMED(CLONE_NEWCGROUP),
    SP_NAMED(CLONE_NEWUTS),
    SP_NAMED(CLONE_NEWIPC),
    SP_NAMED(CLONE_NEWUSER),
    SP_NAMED(CLONE_NEWPID),
    SP_NAMED(CLONE_NEWNET),
    SP_NAMED(CLONE_THREAD),
    SP_NAMED(CLONE_VM),
    // sockets
    SP_NAMED(AF_UNIX),
    SP_NAMED(AF_INET),
    SP_NAMED(AF_INET6),
    SP_NAMED(AF_NETLINK),
    {"SOCK_STREAM", 1},
    {"SOCK_DGRAM", 2},
    {"SOCK_RAW", 3},
    {"SOCK_SEQPACKET", 5},
    {"SOCK_TYPE_MASK", 15},
    {"IPPROTO_IP", 0},
    {"IPPROTO_TCP", 6},
    {"IPPROTO_UDP", 17},
    SP_NAMED(NETLINK_ROUTE),
    SP_NAMED(SOL_SOCKET),
    SP_NAMED(SO_ATTACH_FILTER),
    SP_NAMED(SO_ATTACH_BPF),
    SP_NAMED(SO_ATTACH_REUSEPORT_CBPF),
    SP_NAMED(SO_ATTACH_REUSEPORT_EBPF),
    {"SOL_TCP", 6},
    SP_NAMED(TCP_ULP),
    SP_NAMED(TCP_REPAIR),
    // ioctl
    SP_NAMED(TIOCSTI),
    SP_NAMED(TIOCSETD),
    {"TIOCLINUX", 0x541C},
    // mknod
    SP_NAMED(S_IFMT),
    SP_NAMED(S_ISUID),
    SP_NAMED(S_ISGID),
    SP_NAMED(S_IFCHR),
    SP_NAMED(S_IFBLK),
    // personality
    SP_NAMED(PER_LINUX),
    {"PER_QUERY", 0xffffffff},
    // sched_setscheduler
    {"SCHED_OTHER", 0},
    {"SCHED_BATCH", 3},
    {"SCHED_IDLE", 5},
    {"SCHED_POLICY_MASK", 0xbfffffff},
    // prctl
    SP_NAMED(PR_SET_PDEATHSIG),
    SP_NAMED(PR_GET_PDEATHSIG),
    SP_NAMED(PR_GET_DUMPABLE),
    SP_NAMED(PR_SET_DUMPABLE),
    SP_NAMED(PR_GET_KEEPCAPS),
    SP_NAMED(PR_SET_NAME),
    SP_NAMED(PR_GET_NAME),
    SP_NAMED(PR_GET_SECCOMP),
    SP_NAMED(PR_CAPBSET_READ),
    SP_NAMED(PR_GET_SECUREBITS),
    SP_NAMED(PR_SET_TIMERSLACK),
    SP_NAMED(PR_GET_TIMERSLACK),
    SP_NAMED(PR_SET_CHILD_SUBREAPER),
    SP_NAMED(PR_GET_CHILD_SUBREAPER),
    SP_NAMED(PR_SET_NO_NEW_PRIVS),
    SP_NAMED(PR_GET_NO_NEW_PRIVS),
    SP_NAMED(PR_SET_THP_DISABLE),
    SP_NAMED(PR_GET_THP_DISABLE),
    SP_NAMED(PR_GET_SPECULATION_CTRL),
    {"PR_SET_MDWE", 65},
    {"PR_GET_MDWE", 66},
    {"PR_SET_VMA", 0x53564d41},
};
#undef SP_NAMED

std::optional<std::uint64_t> one_constant(std::string_view name) {
  const auto* const found = std::ranges::find(kConstants, name, &Constant::name);
  return found == std::end(kConstants) ? std::nullopt : std::optional(found->value);
}

}  // namespace

std::optional<std::uint64_t> profile_constant(std::string_view expression) {
  std::uint64_t sum = 0;
  while (true) {
    const std::size_t bar = expression.find('|');
    const auto value = one_constant(expression.substr(0, bar));
    if (!value) return std::nullopt;
    sum |= *value;
    if (bar == std::string_view::npos) return sum;
    expression.remove_prefix(bar + 1);
  }
}

}  // namespace sandpit::sys
