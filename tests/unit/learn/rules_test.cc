#include "learn/rules.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/unique_fd.h"
#include "learn/need.h"
#include "learn/profile_text.h"
#include "sandpit/request.h"
#include "support/temp_tree.h"

namespace sandpit::learn {
namespace {

Need path_need(NeedKind kind, const std::string& host) {
  const Access access = kind == NeedKind::kWrite ? Access::kReadWrite : Access::kRead;
  return {.kind = kind,
          .name = host,
          .grant = {.host = host, .inside = host, .access = access},
          .asked = "read",
          .why = {}};
}

TEST(Rules, KnowWhatIsNobodysToRead) {
  for (const char* path : {"/",
                           "/home",
                           "/root",
                           "/home/me",
                           "/home/me/.ssh/id_rsa",
                           "/home/me/.config/x",
                           "/root/.bashrc",
                           "/etc/shadow",
                           "/etc",
                           "/etc/ssh/ssh_host_rsa_key",
                           "/srv/app/.env",
                           "/srv/tls/server.pem",
                           "/proc/1/environ",
                           "/dev/sda",
                           "/run/docker.sock",
                           "/sys",
                           "/srv/.git-credentials",
                           "/srv/tls/SERVER.PEM",
                           "/srv/Id_RSA",
                           "/srv/.ENV/x"}) {
    EXPECT_NE(why_sensitive(path, "/home/me"), "") << path;
  }
  for (const char* path : {"/home/me/data.csv", "/srv/data", "/etc/hostname",
                           "/home/me/project/.hidden", "/home/me/environment.txt"}) {
    EXPECT_EQ(why_sensitive(path, "/home/me"), "") << path;
  }
}

TEST(Rules, GrantReadingBelowHereAndNothingElseUnasked) {
  const TempTree tree;
  const std::string root = std::filesystem::canonical(tree.path()).string();
  (void)tree.file("here/data", "");
  (void)tree.file("there/data", "");
  Rules rules{.here = root + "/here", .home = "/nowhere"};
  EXPECT_EQ(why_refused(path_need(NeedKind::kRead, root + "/here/data"), rules), "");
  EXPECT_NE(why_refused(path_need(NeedKind::kRead, root + "/there/data"), rules), "");
  EXPECT_NE(why_refused(path_need(NeedKind::kWrite, root + "/here/data"), rules), "");
  EXPECT_NE(why_refused({.kind = NeedKind::kHost, .name = "a:1"}, rules), "");
  EXPECT_NE(why_refused({.kind = NeedKind::kSyscall, .name = "ptrace"}, rules), "");
  EXPECT_NE(why_refused({.kind = NeedKind::kJit}, rules), "");
  EXPECT_EQ(why_refused({.kind = NeedKind::kLoopback}, rules), "");
  ASSERT_TRUE(set_allowed("read,write,net,syscalls", rules).has_value());
  EXPECT_EQ(why_refused(path_need(NeedKind::kRead, root + "/there/data"), rules), "");
  EXPECT_EQ(why_refused(path_need(NeedKind::kWrite, root + "/here/data"), rules), "");
  EXPECT_EQ(why_refused({.kind = NeedKind::kHost, .name = "a:1"}, rules), "");
  EXPECT_NE(why_refused({.kind = NeedKind::kHost, .name = "169.254.169.254:80"}, rules), "");
  EXPECT_NE(why_refused(path_need(NeedKind::kWrite, "/etc/hostname"), rules), "");
  EXPECT_NE(why_refused(path_need(NeedKind::kRead, ""), rules), "");
}

// The program names what it likes to the proxy of a list without hosts.
TEST(Rules, GrantNoAddressOfThisHostOrOfAPrivateNetwork) {
  Rules rules;
  ASSERT_TRUE(set_allowed("net", rules).has_value());
  for (const char* host : {"127.0.0.1:6379", "0.0.0.0:80", "[::1]:80", "[::ffff:127.0.0.1]:80",
                           "10.0.0.1:22", "192.168.1.1", "100.100.100.200:80", "[fd20:ce::254]:80",
                           "168.63.129.16:80", "[fe80::1]:80", "[", ""}) {
    EXPECT_NE(why_refused({.kind = NeedKind::kHost, .name = host}, rules), "") << host;
  }
  for (const char* host :
       {"93.184.216.34:8080", "[2606:2800:220:1::]:443", "h.test:80", "h.test"}) {
    EXPECT_EQ(why_refused({.kind = NeedKind::kHost, .name = host}, rules), "") << host;
  }
}

TEST(Rules, GrantNoDirectoryWithASecretInIt) {
  const TempTree tree;
  const std::string root = std::filesystem::canonical(tree.path()).string();
  (void)tree.file("plain/data", "");
  (void)tree.file("mixed/deep/.env", "");
  const Rules rules{.here = root, .home = "/nowhere"};
  EXPECT_EQ(why_refused(path_need(NeedKind::kRead, root + "/plain"), rules), "");
  EXPECT_NE(why_refused(path_need(NeedKind::kRead, root + "/mixed"), rules), "");
}

// As where /home leads to /var/home: what is asked for comes without links.
TEST(Rules, KnowAHomeThatIsNamedThroughALink) {
  const TempTree tree;
  const std::string root = std::filesystem::canonical(tree.path()).string();
  (void)tree.file("disk/me/.config/token", "");
  (void)tree.file("disk/me/data", "");
  const std::string home = tree.link("homes", "disk") + "/me";
  EXPECT_NE(why_sensitive(root + "/disk/me/.config/token", home), "");
  EXPECT_NE(why_sensitive(root + "/disk", home), "");
  EXPECT_EQ(why_sensitive(root + "/disk/me/data", home), "");
}

TEST(Rules, GrantNoDirectoryWithASocketInIt) {
  const TempTree tree;
  const std::string root = std::filesystem::canonical(tree.path()).string();
  (void)tree.directory("state/deep");
  const Rules rules{.here = root, .home = "/nowhere", .read = true};
  EXPECT_EQ(why_refused(path_need(NeedKind::kRead, root + "/state"), rules), "");
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string path = root + "/state/deep/agent";
  ASSERT_LT(path.size(), sizeof name.sun_path);
  std::ranges::copy(path, &name.sun_path[0]);
  // NOLINTNEXTLINE(*-reinterpret-cast): sockaddr
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  EXPECT_NE(why_refused(path_need(NeedKind::kRead, root + "/state"), rules), "");
}

// Each level takes a descriptor.
TEST(Rules, GrantNoDirectoryThatCanNotBeLookedThrough) {
  const TempTree tree;
  const std::string root = std::filesystem::canonical(tree.path()).string();
  constexpr rlim_t kFew = 64;
  std::string deep = "app";
  for (rlim_t i = 0; i < kFew; ++i) deep += "/d";
  (void)tree.directory(deep);
  const Rules rules{.here = root, .home = "/nowhere"};
  EXPECT_EQ(why_refused(path_need(NeedKind::kRead, root + "/app"), rules), "");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{.rlim_cur = kFew, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const std::string why = why_refused(path_need(NeedKind::kRead, root + "/app"), rules);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_NE(why, "");
}

TEST(Rules, RaiseNoLimitWithoutBound) {
  const Rules rules{.most_memory_mib = 2048};
  const auto limit = [](std::string name, std::uint64_t value) {
    return Need{.kind = NeedKind::kLimit, .name = std::move(name), .value = value};
  };
  EXPECT_EQ(why_refused(limit("memory_limit_mb", 2048), rules), "");
  EXPECT_NE(why_refused(limit("memory_limit_mb", 2049), rules), "");
  EXPECT_NE(why_refused(limit("timeout_s", 61), rules), "");
  EXPECT_NE(why_refused(limit("max_processes", 1025), rules), "");
}

TEST(Rules, KnowWhatCanBeAllowed) {
  Rules rules{.here = "/x"};
  EXPECT_FALSE(set_allowed("all", rules).has_value());
  EXPECT_FALSE(set_allowed("read,", rules).has_value());
  EXPECT_FALSE(set_allowed("none,read", rules).has_value());
  ASSERT_TRUE(set_allowed("none", rules).has_value());
  EXPECT_TRUE(rules.here.empty());
  EXPECT_FALSE(rules.unasked);
}

TEST(TomlString, EscapesWhatWouldEndIt) {
  EXPECT_EQ(toml_string("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(toml_string("a\nb\x7f\x01"), R"("a\u000ab\u007f\u0001")");
  EXPECT_EQ(toml_string("h\xC3\xA9"), "\"h\xC3\xA9\"");
}

TEST(ProfileText, PutsNothingOfTheProgramOutsideOfAStringOrAComment) {
  Need need = path_need(NeedKind::kRead, "/a\"]\n[security]\nx = \"");
  need.asked = "read\n[profiles.p.security]";
  Need refused = need;
  refused.state = State::kRefused;
  refused.why = "because\nof";
  const std::string toml = to_toml({.name = "p",
                                    .inherits = "production",
                                    .program = "p\n[x]",
                                    .needs = {need, refused},
                                    .hopeless = {"mount\n[y]"},
                                    .verdict = "Passed.\n[z]"});
  for (std::size_t at = 0; at < toml.size(); at = toml.find('\n', at) + 1) {
    const std::string line = toml.substr(at, toml.find('\n', at) - at);
    const bool ours = line.empty() || line.starts_with('#') || line.starts_with("[profiles.p") ||
                      line.starts_with("inherits") || line.starts_with("allowed_paths") ||
                      line.starts_with("  { path = \"") || line == "]";
    EXPECT_TRUE(ours) << line;
  }
}

TEST(Merge, WidensWhatIsThere) {
  std::vector<Need> needs;
  EXPECT_TRUE(merge(path_need(NeedKind::kRead, "/d/a"), needs));
  EXPECT_FALSE(merge(path_need(NeedKind::kRead, "/d/a"), needs));
  EXPECT_TRUE(merge(path_need(NeedKind::kWrite, "/d/a"), needs));
  EXPECT_EQ(needs.size(), 1U);
  EXPECT_TRUE(merge(path_need(NeedKind::kWrite, "/d"), needs));
  ASSERT_EQ(needs.size(), 1U);
  EXPECT_EQ(needs.front().name, "/d");
  EXPECT_FALSE(merge(path_need(NeedKind::kRead, "/d/b"), needs));
  Need refused = path_need(NeedKind::kRead, "/e");
  refused.state = State::kRefused;
  EXPECT_FALSE(merge(refused, needs));
  EXPECT_EQ(needs.size(), 2U);
}

}  // namespace
}  // namespace sandpit::learn
