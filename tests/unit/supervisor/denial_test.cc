// Denied calls as text, their hints, and the bounded table.
#include <asm/ioctls.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "egress/rules.h"
#include "plan/egress_plan.h"
#include "plan/plan.h"
#include "supervisor/denial_listener.h"
#include "supervisor/denial_table.h"
#include "supervisor/denial_text.h"

namespace sandpit {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Memory that ends where nothing was put.
class FakeMemory final : public CallMemory {
 public:
  std::string bytes(std::uint64_t address, std::size_t most) override {
    const auto found = memory.find(address);
    return found == memory.end() ? std::string() : found->second.substr(0, most);
  }
  std::string socket_protocol(int descriptor) override {
    return descriptor == 3 ? protocol : std::string();
  }
  std::map<std::uint64_t, std::string> memory;
  std::string protocol = "TCP";
};

template <class Address>
std::string bytes_of(const Address& address) {
  return {reinterpret_cast<const char*>(&address), sizeof address};
}

std::string ipv4(std::uint32_t address, std::uint16_t port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  in.sin_addr.s_addr = htonl(address);
  return bytes_of(in);
}

TEST(AddressText, ShowsAddressesAsPeopleWriteThem) {
  EXPECT_EQ(address_text(ipv4(0x01020304, 443)), "1.2.3.4:443");
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(80);
  in6.sin6_addr = in6addr_loopback;
  EXPECT_EQ(address_text(bytes_of(in6)), "[::1]:80");
}

TEST(AddressText, EscapesPathsAndKnowsAbstractNames) {
  sockaddr_un path{.sun_family = AF_UNIX, .sun_path = "/run/a\033[2J"};
  EXPECT_EQ(address_text(bytes_of(path)), "unix /run/a\\x1b[2J");
  const std::string name = bytes_of(sa_family_t{AF_UNIX}) + std::string("\0hidden", 7);
  EXPECT_EQ(address_text(name), "unix @hidden");
}

TEST(AddressText, TakesWhatIsCutShort) {
  for (std::size_t size = 0; size < sizeof(sockaddr_in); ++size) {
    const std::string text = address_text(ipv4(1, 1).substr(0, size));
    EXPECT_EQ(text, size < 2 ? "" : "AF_INET") << size;
  }
  EXPECT_EQ(address_text(bytes_of(sa_family_t{AF_UNIX})), "unix ");
  EXPECT_EQ(address_text(bytes_of(sa_family_t{999})), "family 999");
}

TEST(DenialDetail, NamesPeerAndTransport) {
  FakeMemory memory;
  memory.memory[64] = ipv4(0x01010101, 443);
  EXPECT_EQ(detail_of({"connect", {3, 64, 16}}, memory), "1.1.1.1:443 (tcp)");
  EXPECT_EQ(detail_of({"connect", {4, 64, 16}}, memory), "1.1.1.1:443");
  memory.protocol = "UDPv6";
  EXPECT_EQ(detail_of({"sendto", {3, 0, 0, 0, 64, 16}}, memory), "1.1.1.1:443 (udp)");
  msghdr header{};
  header.msg_name = reinterpret_cast<void*>(64);
  header.msg_namelen = 16;
  memory.memory[128] = bytes_of(header);
  EXPECT_EQ(detail_of({"sendmsg", {3, 128, 0}}, memory), "1.1.1.1:443 (udp)");
}

TEST(DenialDetail, SaysNothingOfMemoryThatCanNotBeRead) {
  FakeMemory memory;
  EXPECT_EQ(detail_of({"connect", {3, 4096, 16}}, memory), "");
  EXPECT_EQ(detail_of({"connect", {3, 0, ~0ULL}}, memory), "");
  EXPECT_EQ(detail_of({"sendmsg", {3, 4096, 0}}, memory), "");
  EXPECT_EQ(detail_of({"chroot", {4096}}, memory), "");
}

TEST(DenialDetail, ReadsNoMoreThanAPathNeedsAndEscapesIt) {
  FakeMemory memory;
  memory.memory[8] = std::string(100'000, 'x');
  const std::string text = detail_of({"chroot", {8}}, memory);
  EXPECT_EQ(text.size(), 256U);
  EXPECT_TRUE(text.ends_with("x..."));
  memory.memory[8] = std::string("/a\n\033]0;title\a") + '\0' + "ignored";
  EXPECT_EQ(detail_of({"chroot", {8}}, memory), "/a\\n\\x1b]0;title\\x07");
}

TEST(DenialDetail, NamesFlagsAndNumbers) {
  FakeMemory memory;
  memory.memory[8] = "/mnt";
  memory.memory[16] = "tmpfs";
  EXPECT_EQ(detail_of({"unshare", {CLONE_NEWUSER}}, memory), "CLONE_NEWUSER");
  EXPECT_EQ(detail_of({"clone", {CLONE_NEWUSER | CLONE_NEWNET | 17}}, memory),
            "CLONE_NEWUSER|CLONE_NEWNET");
  EXPECT_EQ(detail_of({"socket", {AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 3}}, memory),
            "AF_PACKET SOCK_RAW protocol 3");
  EXPECT_EQ(detail_of({"socket", {777, 9, 0}}, memory), "family 777 type 9");
  EXPECT_EQ(detail_of({"ioctl", {0, TIOCSTI}}, memory), "TIOCSTI");
  EXPECT_EQ(detail_of({"ptrace", {PTRACE_ATTACH, 1}}, memory), "PTRACE_ATTACH pid 1");
  EXPECT_EQ(detail_of({"mount", {0, 8, 16}}, memory), "tmpfs on /mnt");
  EXPECT_EQ(detail_of({"mknod", {8, S_IFCHR | 0600}}, memory), "character device /mnt mode 0600");
  EXPECT_EQ(detail_of({"setuid", {0}}, memory), "0");
  EXPECT_EQ(detail_of({"setresuid", {0, ~0ULL, 5}}, memory), "0 -1 5");
  EXPECT_EQ(detail_of({"mprotect", {0, 1, 4}}, memory), "PROT_EXEC");
  EXPECT_EQ(detail_of({"userfaultfd", {}}, memory), "");
  EXPECT_EQ(detail_of({"no such call", {}}, memory), "");
}

TEST(DenialHint, OfABindIsALoopbackButForLowPorts) {
  Plan plan;
  plan.landlock_abi = 4;
  const auto hint = [&](std::string_view detail) {
    return is_bind_denied(detail, plan) ? hint_for({.name = "bind", .arguments = {}}, detail, plan)
                                        : "works";
  };
  EXPECT_EQ(hint("127.0.0.1:8080 (tcp)"), "--net loopback");
  EXPECT_EQ(hint("[::]:0 (tcp)"), "--net loopback");
  EXPECT_EQ(hint("[::1]:1024 (udp)"), "works");
  EXPECT_EQ(hint("0.0.0.0:0 (udp)"), "works");
  EXPECT_EQ(hint("0.0.0.0:1023 (udp)"), "");
  EXPECT_EQ(hint("[::1]:80 (tcp)"), "");
  plan.landlock_abi = 3;
  EXPECT_EQ(hint("127.0.0.1:8080 (tcp)"), "works");
  plan.landlock_abi = 4;
  plan.egress.emplace();
  EXPECT_EQ(hint("127.0.0.1:8080 (tcp)"), "works");
  EXPECT_EQ(hint("127.0.0.1:80 (tcp)"), "");
}

TEST(DenialHint, NamesASettingOnlyWhereOneHelps) {
  Plan plan;
  plan.syscall_profile = "interpreter";
  EXPECT_EQ(hint_for({"ptrace", {}}, "", plan), "security.allow_syscalls = [\"ptrace\"]");
  EXPECT_EQ(hint_for({"mprotect", {}}, "", plan), "security.profile = \"jit\"");
  EXPECT_EQ(hint_for({"socket", {AF_ALG, SOCK_SEQPACKET}}, "", plan),
            "security.allow_syscalls = [\"socket\"]");
  // These want a capability, too.
  EXPECT_EQ(hint_for({"socket", {AF_INET, SOCK_RAW}}, "", plan), "");
  EXPECT_EQ(hint_for({"mount", {}}, "", plan), "");
  EXPECT_EQ(hint_for({"setuid", {0}}, "", plan), "");
  plan.denied_syscalls = {"socket"};
  EXPECT_EQ(hint_for({"socket", {AF_INET, SOCK_RAW}}, "", plan),
            "security.deny_syscalls without \"socket\"");
}

TEST(DenialHint, OfAConnectionNamesTheNetworkThatHasIt) {
  const Plan plan;
  EXPECT_EQ(hint_for({"connect", {}}, "1.1.1.1:443 (tcp)", plan), "--net 1.1.1.1:443");
  EXPECT_EQ(hint_for({"connect", {}}, "[2001:db8::1]:443 (tcp)", plan), "--net [2001:db8::1]:443");
  EXPECT_EQ(hint_for({"connect", {}}, "a.org:443 (tcp)", plan), "--net a.org:443");
  EXPECT_EQ(hint_for({"sendto", {}}, "8.8.8.8:53 (udp)", plan), "--net host");
  EXPECT_EQ(hint_for({"connect", {}}, "127.0.0.1:80 (tcp)", plan), "--net loopback");
  EXPECT_EQ(hint_for({"connect", {}}, "[::1]:80 (tcp)", plan), "--net loopback");
}

TEST(Unreached, IsWhatHasNoSocketInAListOfHosts) {
  const std::vector<std::string> hosts = {"a.org:443", "10.0.0.0/8:5432", "[2001:db8::1]:80",
                                          "127.0.0.1:8080"};
  const EgressPlan plan = plan_egress(hosts);
  egress::AllowList list;
  for (const std::string& host : hosts) ASSERT_TRUE(list.add(host));
  for (const char* reached :
       {"127.77.0.1:443 (tcp)", "10.1.2.3:5432 (tcp)", "127.0.0.1:8080 (tcp)",
        "127.0.0.1:3128 (tcp)", "127.0.0.1:1 (tcp)", "[::1]:1 (tcp)", "127.0.0.1:53 (udp)"}) {
    EXPECT_FALSE(unreached(reached, plan, list)) << reached;
  }
  const auto expect = [&](const char* tried, const char* detail, int error, bool listed) {
    const auto found = unreached(tried, plan, list);
    ASSERT_TRUE(found) << tried;
    EXPECT_EQ(found->detail, detail);
    EXPECT_EQ(found->error, error) << tried;
    EXPECT_EQ(found->listed, listed) << tried;
  };
  expect("127.77.0.1:80 (tcp)", "a.org:80 (tcp)", ECONNREFUSED, false);
  expect("127.77.0.1:443 (udp)", "a.org:443 (udp)", ECONNREFUSED, false);
  expect("10.1.2.3:80 (tcp)", "10.1.2.3:80 (tcp)", ECONNREFUSED, false);
  expect("11.1.2.3:5432 (tcp)", "11.1.2.3:5432 (tcp)", ENETUNREACH, false);
  expect("10.1.2.3:5432 (udp)", "10.1.2.3:5432 (udp)", ECONNREFUSED, false);
  expect("[2001:db8::1]:80 (tcp)", "[2001:db8::1]:80 (tcp)", ENETUNREACH, true);
}

TEST(DenialTable, CountsTheSameOnceAndIsBounded) {
  DenialTable table;
  const auto count = [&](const std::string& call, const std::string& detail) {
    return table.count(call, detail, [&] { return Denial{.call = call, .detail = detail}; });
  };
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(count("connect", "a"));
    EXPECT_TRUE(count("connect", "b"));
  }
  ASSERT_EQ(table.rows().size(), 2U);
  EXPECT_EQ(table.rows()[0].count, 1000U);
  EXPECT_EQ(table.rows()[1].count, 1000U);
  for (int i = 0; i < 1000; ++i) (void)count("chroot", std::to_string(i));
  EXPECT_EQ(table.rows().size(), DenialTable::kMostRows);
  EXPECT_EQ(table.unlisted(), 1000 - (DenialTable::kMostRows - 2));
  EXPECT_TRUE(count("connect", "a"));  // what is listed goes on being counted
  EXPECT_EQ(table.rows()[0].count, 1001U);
}

TEST(DenialListener, IsNotMadeOfAnotherDescriptor) {
  const Plan plan;
  EXPECT_EQ(DenialListener::create(UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)), plan),
            nullptr);
  EXPECT_EQ(DenialListener::create(UniqueFd(), plan), nullptr);
}

}  // namespace
}  // namespace sandpit
