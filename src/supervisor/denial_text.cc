#include "supervisor/denial_text.h"

#include <arpa/inet.h>
#include <asm/ioctls.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "egress/address.h"
#include "egress/rules.h"
#include "plan/egress_plan.h"
#include "plan/plan.h"

namespace sandpit {
namespace {

constexpr std::size_t kMostText = 256;

struct Name {
  std::uint64_t value;
  const char* text;
};

std::string name_of(std::span<const Name> names, std::uint64_t value, std::string_view other) {
  const auto found = std::ranges::find(names, value, &Name::value);
  return found != names.end() ? found->text : fmt::format("{} {}", other, value);
}

// "A|B", of those that are set.
std::string flags_of(std::span<const Name> names, std::uint64_t value) {
  std::string text;
  for (const Name& name : names) {
    if ((value & name.value) == 0) continue;
    if (!text.empty()) text += '|';
    text += name.text;
  }
  return text;
}

constexpr Name kFamilies[] = {
    {0, "AF_UNSPEC"},       {AF_UNIX, "AF_UNIX"},       {AF_INET, "AF_INET"},
    {AF_INET6, "AF_INET6"}, {AF_NETLINK, "AF_NETLINK"}, {AF_PACKET, "AF_PACKET"},
    {AF_ALG, "AF_ALG"},     {AF_VSOCK, "AF_VSOCK"},     {AF_BLUETOOTH, "AF_BLUETOOTH"},
    {AF_CAN, "AF_CAN"},     {AF_TIPC, "AF_TIPC"},       {AF_RDS, "AF_RDS"},
    {AF_KEY, "AF_KEY"},     {AF_XDP, "AF_XDP"},         {AF_KCM, "AF_KCM"},
    {AF_SMC, "AF_SMC"},     {AF_QIPCRTR, "AF_QIPCRTR"}, {AF_NFC, "AF_NFC"}};
constexpr Name kSocketTypes[] = {{SOCK_STREAM, "SOCK_STREAM"},
                                 {SOCK_DGRAM, "SOCK_DGRAM"},
                                 {SOCK_RAW, "SOCK_RAW"},
                                 {SOCK_RDM, "SOCK_RDM"},
                                 {SOCK_SEQPACKET, "SOCK_SEQPACKET"}};
constexpr std::uint64_t kSocketTypeMask = 0xf;
constexpr Name kNamespaces[] = {
    {CLONE_NEWUSER, "CLONE_NEWUSER"},     {CLONE_NEWNS, "CLONE_NEWNS"},
    {CLONE_NEWPID, "CLONE_NEWPID"},       {CLONE_NEWNET, "CLONE_NEWNET"},
    {CLONE_NEWIPC, "CLONE_NEWIPC"},       {CLONE_NEWUTS, "CLONE_NEWUTS"},
    {CLONE_NEWCGROUP, "CLONE_NEWCGROUP"}, {CLONE_NEWTIME, "CLONE_NEWTIME"}};
constexpr Name kProtections[] = {{PROT_WRITE, "PROT_WRITE"}, {PROT_EXEC, "PROT_EXEC"}};
constexpr Name kTerminalRequests[] = {
    {TIOCSTI, "TIOCSTI"}, {TIOCLINUX, "TIOCLINUX"}, {TIOCSETD, "TIOCSETD"}};
constexpr Name kTraceRequests[] = {{PTRACE_TRACEME, "PTRACE_TRACEME"},
                                   {PTRACE_PEEKTEXT, "PTRACE_PEEKTEXT"},
                                   {PTRACE_PEEKDATA, "PTRACE_PEEKDATA"},
                                   {PTRACE_ATTACH, "PTRACE_ATTACH"},
                                   {PTRACE_SEIZE, "PTRACE_SEIZE"}};

// Up to the NUL; what is longer ends in "...".
std::string text_at(CallMemory& memory, std::uint64_t address) {
  if (address == 0) return {};
  std::string text = memory.bytes(address, kMostText);
  const std::size_t end = text.find('\0');
  if (end != std::string::npos) {
    text.resize(end);
  } else if (text.size() == kMostText) {
    text.replace(kMostText - 3, 3, "...");
  }
  return printable(text);
}

struct Peer {
  egress::Address address;
  std::uint16_t port = 0;
  bool tcp = false;
};

// Of "1.1.1.1:443 (tcp)", "[::1]:443".
std::optional<Peer> peer_of(std::string_view detail) {
  const std::string_view where = detail.substr(0, detail.find(' '));
  const auto authority = egress::parse_authority(where, 0);
  if (!authority) return std::nullopt;
  const auto address = egress::Address::parse(authority->host);
  if (!address) return std::nullopt;
  return Peer{.address = *address, .port = authority->port, .tcp = detail.ends_with("(tcp)")};
}

bool is_loopback(const egress::Address& address) {
  constexpr std::uint8_t kLoopbackNet = 127;
  return address.is_v4() ? address.v4()[0] == kLoopbackNet
                         : address == egress::Address::parse("::1");
}

// Of an address to bind to: one for which a capability is asked (ip_unprivileged_port_start, which
// a new network namespace has at 1024). 0 is whichever is free.
bool is_low_port(std::string_view detail) {
  constexpr std::uint16_t kFirstForAll = 1024;
  const std::string_view where = detail.substr(0, detail.find(' '));
  const std::size_t colon = where.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::uint16_t port = 0;
  std::from_chars(where.data() + colon + 1, where.data() + where.size(), port);
  return port != 0 && port < kFirstForAll;
}

std::string network_hint(std::string_view detail) {
  const std::string_view where = detail.substr(0, detail.find(' '));
  const auto peer = peer_of(detail);
  if (peer && is_loopback(peer->address)) return "--net loopback";
  if (detail.ends_with("(tcp)") && !peer) return fmt::format("--net {}", where);
  if (!peer || !peer->tcp) return "--net host";
  return fmt::format("--net {}", where);
}

std::string transport_of(CallMemory& memory, std::uint64_t descriptor) {
  const std::string protocol = memory.socket_protocol(static_cast<int>(descriptor));
  if (protocol.starts_with("TCP")) return " (tcp)";
  return protocol.starts_with("UDP") ? " (udp)" : "";
}

std::string peer_at(CallMemory& memory, std::uint64_t descriptor, std::uint64_t address,
                    std::uint64_t size) {
  const auto most = std::min<std::uint64_t>(size & 0xffffffffU, sizeof(sockaddr_storage));
  if (address == 0 || most == 0) return {};
  std::string text = address_text(memory.bytes(address, most));
  if (is_internet(text)) text += transport_of(memory, descriptor);
  return text;
}

// Of sendmsg(2), whose address is in the header.
std::string peer_of_message(CallMemory& memory, std::uint64_t descriptor, std::uint64_t header) {
  const std::string bytes = memory.bytes(header, sizeof(msghdr));
  if (bytes.size() != sizeof(msghdr)) return {};
  std::uint64_t name = 0;
  std::uint32_t size = 0;
  std::memcpy(&name, bytes.data() + offsetof(msghdr, msg_name), sizeof name);
  std::memcpy(&size, bytes.data() + offsetof(msghdr, msg_namelen), sizeof size);
  return peer_at(memory, descriptor, name, size);
}

std::string with_mode(const std::string& path, std::uint64_t mode) {
  const char* kind = "";
  if ((mode & S_IFMT) == S_IFCHR) kind = "character device ";
  if ((mode & S_IFMT) == S_IFBLK) kind = "block device ";
  return fmt::format("{}{}mode {:04o}", kind, path.empty() ? "" : path + " ", mode & 07777U);
}

std::string ids_of(std::span<const std::uint64_t> ids) {
  std::string text;
  for (const std::uint64_t id : ids) {
    if (!text.empty()) text += ' ';
    text += fmt::format("{}", static_cast<std::int32_t>(id));
  }
  return text;
}

using Arguments = std::array<std::uint64_t, 6>;
using Describe = std::string (*)(const Arguments&, CallMemory&);

struct Row {
  std::string_view name;
  Describe describe;
};

template <std::size_t Path>
std::string path_in(const Arguments& a, CallMemory& memory) {
  return text_at(memory, a[Path]);
}
template <std::size_t Path, std::size_t Mode>
std::string path_and_mode(const Arguments& a, CallMemory& memory) {
  return with_mode(text_at(memory, a[Path]), a[Mode]);
}
template <std::size_t Count>
std::string ids_in(const Arguments& a, CallMemory& /*memory*/) {
  return ids_of(std::span(a).first(Count));
}
template <std::size_t Index>
std::string process_in(const Arguments& a, CallMemory& /*memory*/) {
  return fmt::format("pid {}", static_cast<std::int32_t>(a[Index]));
}
template <std::size_t Flags>
std::string namespaces_in(const Arguments& a, CallMemory& /*memory*/) {
  return flags_of(kNamespaces, a[Flags]);
}
template <std::size_t Protection>
std::string protection_in(const Arguments& a, CallMemory& /*memory*/) {
  return flags_of(kProtections, a[Protection]);
}
std::string two_texts(const Arguments& a, CallMemory& memory) {
  return fmt::format("{} {}", text_at(memory, a[0]), text_at(memory, a[1]));
}
std::string number_in(const Arguments& a, CallMemory& /*memory*/) {
  return fmt::format("{}", static_cast<std::int32_t>(a[0]));
}
std::string socket_in(const Arguments& a, CallMemory& /*memory*/) {
  std::string text = fmt::format("{} {}", name_of(kFamilies, a[0] & 0xffffffffU, "family"),
                                 name_of(kSocketTypes, a[1] & kSocketTypeMask, "type"));
  if (const auto protocol = static_cast<std::int32_t>(a[2]); protocol != 0) {
    text += fmt::format(" protocol {}", protocol);
  }
  return text;
}
std::string mount_in(const Arguments& a, CallMemory& memory) {
  const std::string type = text_at(memory, a[2]);
  return type.empty() ? text_at(memory, a[1])
                      : fmt::format("{} on {}", type, text_at(memory, a[1]));
}
std::string ioctl_in(const Arguments& a, CallMemory& /*memory*/) {
  return name_of(kTerminalRequests, a[1] & 0xffffffffU, "request");
}
std::string trace_in(const Arguments& a, CallMemory& memory) {
  const std::string request = name_of(kTraceRequests, a[0], "request");
  return a[0] == PTRACE_TRACEME ? request : request + " " + process_in<1>(a, memory);
}
std::string personality_in(const Arguments& a, CallMemory& /*memory*/) {
  return fmt::format("{:#x}", a[0] & 0xffffffffU);
}
std::string host_name_in(const Arguments& a, CallMemory& memory) {
  return printable(memory.bytes(a[0], std::min<std::uint64_t>(a[1], 64)));
}

constexpr Row kRows[] = {
    {"acct", path_in<0>},
    {"add_key", two_texts},
    {"bind", [](const Arguments& a, CallMemory& m) { return peer_at(m, a[0], a[1], a[2]); }},
    {"bpf", [](const Arguments& a, CallMemory&) { return fmt::format("command {}", a[0]); }},
    {"chmod", path_and_mode<0, 1>},
    {"chroot", path_in<0>},
    // The low byte is the signal of the child's end.
    {"clone",
     [](const Arguments& a, CallMemory&) { return flags_of(kNamespaces, a[0] & ~0xffULL); }},
    {"connect", [](const Arguments& a, CallMemory& m) { return peer_at(m, a[0], a[1], a[2]); }},
    {"creat", path_and_mode<0, 1>},
    {"execve", path_in<0>},
    {"execveat", path_in<1>},
    {"fchmod", [](const Arguments& a, CallMemory&) { return with_mode("", a[1]); }},
    {"fchmodat", path_and_mode<1, 2>},
    {"fchmodat2", path_and_mode<1, 2>},
    {"fsopen", path_in<0>},
    {"fspick", path_in<1>},
    {"ioctl", ioctl_in},
    {"keyctl", [](const Arguments& a, CallMemory&) { return fmt::format("operation {}", a[0]); }},
    {"mkdir", path_and_mode<0, 1>},
    {"mkdirat", path_and_mode<1, 2>},
    {"mknod", path_and_mode<0, 1>},
    {"mknodat", path_and_mode<1, 2>},
    {"mmap", protection_in<2>},
    {"mount", mount_in},
    {"mount_setattr", path_in<1>},
    {"move_mount", path_in<3>},
    {"mprotect", protection_in<2>},
    {"open", path_and_mode<0, 2>},
    {"open_tree", path_in<1>},
    {"open_tree_attr", path_in<1>},
    {"openat", path_and_mode<1, 3>},
    {"personality", personality_in},
    {"pivot_root", two_texts},
    {"prlimit64", process_in<0>},
    {"process_vm_readv", process_in<0>},
    {"process_vm_writev", process_in<0>},
    {"ptrace", trace_in},
    {"request_key", two_texts},
    {"sendmsg", [](const Arguments& a, CallMemory& m) { return peer_of_message(m, a[0], a[1]); }},
    {"sendto", [](const Arguments& a, CallMemory& m) { return peer_at(m, a[0], a[4], a[5]); }},
    {"setdomainname", host_name_in},
    {"setfsgid", ids_in<1>},
    {"setfsuid", ids_in<1>},
    {"setgid", ids_in<1>},
    {"setgroups", [](const Arguments& a, CallMemory&) { return fmt::format("{} groups", a[0]); }},
    {"sethostname", host_name_in},
    {"setns", namespaces_in<1>},
    {"setregid", ids_in<2>},
    {"setresgid", ids_in<3>},
    {"setresuid", ids_in<3>},
    {"setreuid", ids_in<2>},
    {"setuid", ids_in<1>},
    {"shmat", [](const Arguments&, CallMemory&) { return std::string("SHM_EXEC"); }},
    {"socket", socket_in},
    {"swapoff", path_in<0>},
    {"swapon", path_in<0>},
    {"syslog", number_in},
    {"umount2", path_in<0>},
    {"unshare", namespaces_in<0>},
};
static_assert(std::ranges::is_sorted(kRows, {}, &Row::name));

// Calls that work once the filter lets them through. The others ask for a capability, which no
// setting gives; or for what the jail is built on: io_uring makes calls that no filter sees, set-id
// files would be the host's.
constexpr std::string_view kAllowable[] = {
    "add_key",           "clone",       "kcmp",        "keyctl",
    "perf_event_open",   "personality", "prlimit64",   "process_vm_readv",
    "process_vm_writev", "ptrace",      "request_key", "socket",
    "unshare",           "userfaultfd"};

bool needs_capability(const DeniedCall& call) {
  if (call.name != "socket") return false;
  return call.arguments[0] == AF_PACKET || (call.arguments[1] & kSocketTypeMask) == SOCK_RAW;
}

}  // namespace

std::string address_text(std::string_view bytes) {
  sa_family_t family = AF_UNSPEC;
  if (bytes.size() < sizeof family) return {};
  std::memcpy(&family, bytes.data(), sizeof family);
  char text[INET6_ADDRSTRLEN] = {};
  if (family == AF_INET && bytes.size() >= sizeof(sockaddr_in)) {
    sockaddr_in address{};
    std::memcpy(&address, bytes.data(), sizeof address);
    (void)::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(address.sin_port));
  }
  if (family == AF_INET6 && bytes.size() >= sizeof(sockaddr_in6)) {
    sockaddr_in6 address{};
    std::memcpy(&address, bytes.data(), sizeof address);
    (void)::inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
    return fmt::format("[{}]:{}", text, ntohs(address.sin6_port));
  }
  if (family == AF_UNIX) {
    std::string_view path = bytes.substr(offsetof(sockaddr_un, sun_path));
    const bool abstract = !path.empty() && path.front() == '\0';
    if (abstract) path.remove_prefix(1);
    path = path.substr(0, path.find('\0'));
    return fmt::format("unix {}{}", abstract ? "@" : "", printable(path));
  }
  return name_of(kFamilies, family, "family");
}

bool is_internet(std::string_view address) {
  if (address.empty()) return false;
  return address.front() == '[' || (address.front() >= '0' && address.front() <= '9');
}

std::string detail_of(const DeniedCall& call, CallMemory& memory) {
  const auto* row = std::ranges::lower_bound(kRows, call.name, {}, &Row::name);
  if (row == std::end(kRows) || row->name != call.name) return {};
  return row->describe(call.arguments, memory);
}

std::optional<Unreached> unreached(std::string_view detail, const EgressPlan& plan,
                                   const egress::AllowList& list) {
  const auto peer = peer_of(detail);
  if (!peer) return Unreached{.detail = std::string(detail), .error = ENETUNREACH};
  const bool listed = peer->tcp && list.allows(peer->address, peer->port);
  const bool served = std::ranges::any_of(plan.sockets, [&](const EgressSocket& socket) {
    const bool its_own = egress::Address(socket.address) == peer->address;
    return peer->tcp && socket.port == peer->port && (its_own || (socket.address == 0 && listed));
  });
  if (served) return std::nullopt;
  if (!is_loopback(peer->address)) {
    const bool local = std::ranges::any_of(plan.networks, [&](const EgressNetwork& network) {
      return egress::Range::of_v4(network.address, network.prefix).contains(peer->address);
    });
    return Unreached{.detail = std::string(detail),
                     .error = local ? ECONNREFUSED : ENETUNREACH,
                     .listed = listed};
  }
  // The address that stands for a name here, with a port that is not the name's.
  const auto name = std::ranges::find_if(plan.names, [&](const EgressName& item) {
    return egress::Address(item.address) == peer->address;
  });
  if (name == plan.names.end()) return std::nullopt;  // its own
  return Unreached{
      .detail = fmt::format("{}:{} ({})", name->name, peer->port, peer->tcp ? "tcp" : "udp"),
      .error = ECONNREFUSED};
}

bool is_seen_by_landlock(std::string_view detail, const Plan& plan) {
  return plan.landlock_abi >= 4 && detail.ends_with("(tcp)");
}

bool is_bind_denied(std::string_view detail, const Plan& plan) {
  return is_low_port(detail) || (!plan.egress && is_seen_by_landlock(detail, plan));
}

std::string hint_for(const DeniedCall& call, std::string_view detail, const Plan& plan) {
  if (plan.syscall_profile == "compiler") return {};  // compile steps get nothing that was allowed
  if (std::ranges::find(plan.denied_syscalls, call.name) != plan.denied_syscalls.end()) {
    return fmt::format("security.deny_syscalls without \"{}\"", call.name);
  }
  if (call.name == "connect" || call.name == "sendto") return network_hint(detail);
  if (call.name == "bind") return is_low_port(detail) ? "" : "--net loopback";
  const bool executable = call.name == "mmap" || call.name == "mprotect";
  if (executable && plan.syscall_profile == "interpreter") return "security.profile = \"jit\"";
  if (std::ranges::find(kAllowable, call.name) == std::end(kAllowable) || needs_capability(call)) {
    return {};
  }
  return fmt::format("security.allow_syscalls = [\"{}\"]", call.name);
}

}  // namespace sandpit
