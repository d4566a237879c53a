#include "policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/unique_fd.h"
#include "policy/inside_path.h"
#include "support/temp_tree.h"

namespace sandpit {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class PolicyTest : public ::testing::Test {
 protected:
  [[nodiscard]] Policy resolved() const {
    Result<Policy> policy = resolve_policy(settings_, "python", request_);
    if (policy) return std::move(*policy);
    ADD_FAILURE() << policy.error().to_string();
    return {};
  }

  [[nodiscard]] std::string problems() const {
    const Result<Policy> policy = resolve_policy(settings_, "python", request_);
    if (policy) return "";
    EXPECT_EQ(policy.error().code, ErrorCode::kUsage);
    return policy.error().to_string();
  }

  Settings settings_;
  Request request_;
  TempTree tree_;
};

TEST_F(PolicyTest, LimitsOfALaterLayerWin) {
  settings_.limits.processes = 1;
  settings_.runtimes["python"].limits.processes = 2;
  settings_.runtimes["python"].limits.open_files = 30;
  settings_.runtimes["shell"].limits.processes = 9;
  EXPECT_EQ(resolved().limits.processes, 2U);
  request_.limits.processes = 3;
  EXPECT_EQ(resolved().limits.processes, 3U);
  EXPECT_EQ(resolved().limits.open_files, 30U);
}

TEST_F(PolicyTest, AShorterTimeoutLowersTheCpuTimeAndSaysSo) {
  request_.limits.wall_time = 1s;
  const Policy policy = resolved();
  EXPECT_EQ(policy.limits.cpu_time, 1s);
  EXPECT_THAT(policy.warnings, ElementsAre("cpu_time lowered to 1 s: wall_time is 1 s"));
}

TEST_F(PolicyTest, AContradictionWithinTheRequestIsAnError) {
  request_.limits.wall_time = 1s;
  request_.limits.cpu_time = 2s;
  EXPECT_THAT(problems(), HasSubstr("CPU time"));
  request_ = {};
  request_.limits.memory = ByteCount::mib(16);
  request_.limits.disk = ByteCount::mib(32);
  EXPECT_THAT(problems(), HasSubstr("disk"));
}

TEST_F(PolicyTest, TheBuiltInDiskLimitIsQuietlyAtMostHalfTheMemory) {
  request_.limits.memory = ByteCount::mib(64);
  const Policy policy = resolved();
  EXPECT_EQ(policy.limits.disk, ByteCount::mib(32));
  EXPECT_THAT(policy.warnings, IsEmpty());
}

TEST_F(PolicyTest, AConfiguredDiskLimitIsLoweredWithAWarning) {
  settings_.limits.disk = ByteCount::mib(200);
  request_.limits.memory = ByteCount::mib(64);
  const Policy policy = resolved();
  EXPECT_EQ(policy.limits.disk, ByteCount::mib(32));
  EXPECT_THAT(policy.warnings, ElementsAre(HasSubstr("disk lowered to 32 MiB")));
}

TEST_F(PolicyTest, ADiskLimitThatTheRequestSetIsKept) {
  request_.limits.memory = ByteCount::mib(64);
  request_.limits.disk = ByteCount::mib(60);
  EXPECT_EQ(resolved().limits.disk, ByteCount::mib(60));
}

TEST_F(PolicyTest, ReportsEveryValueThatMakesNoSense) {
  request_.limits.memory = ByteCount::bytes(1);
  request_.limits.wall_time = 0ms;
  request_.limits.processes = 0;
  request_.limits.open_files = 2;
  const std::string text = problems();
  for (const char* name :
       {"limits.memory", "limits.wall_time", "limits.processes", "limits.open_files"}) {
    EXPECT_THAT(text, HasSubstr(name));
  }
}

TEST_F(PolicyTest, AGrantIsCanonicalOnTheHostAndWhereItWasNamedInside) {
  tree_.directory("real");
  request_.paths = {
      {.host = tree_.link("name", "real"), .inside = {}, .access = Access::kReadWrite}};
  const Policy policy = resolved();
  ASSERT_THAT(policy.paths, SizeIs(1));
  EXPECT_EQ(policy.paths[0].host, tree_.path("real"));
  EXPECT_EQ(policy.paths[0].inside, tree_.path("name"));
  EXPECT_EQ(policy.paths[0].access, Access::kReadWrite);
}

TEST_F(PolicyTest, GrantsOfAllLayersAreSortedSoThatParentsComeFirst) {
  const std::string host = tree_.directory("d");
  settings_.security.allowed_paths = {{.host = host, .inside = "/data/in"}};
  settings_.runtimes["python"].security.allowed_paths = {{.host = host, .inside = "/b"}};
  request_.paths = {{.host = host, .inside = "//data/./"}};
  const Policy policy = resolved();
  ASSERT_THAT(policy.paths, SizeIs(3));
  EXPECT_EQ(policy.paths[0].inside, "/b");
  EXPECT_EQ(policy.paths[1].inside, "/data");
  EXPECT_EQ(policy.paths[2].inside, "/data/in");
}

TEST_F(PolicyTest, OfTwoGrantsOfTheSamePathTheLaterLayerWins) {
  const std::string host = tree_.directory("d");
  settings_.security.allowed_paths = {{.host = host, .inside = "/d", .access = Access::kReadWrite}};
  request_.paths = {{.host = host, .inside = "/d", .access = Access::kRead}};
  const Policy policy = resolved();
  ASSERT_THAT(policy.paths, SizeIs(1));
  EXPECT_EQ(policy.paths[0].access, Access::kRead);
}

TEST_F(PolicyTest, TwoDifferentPathsForOnePlaceAreAnError) {
  request_.paths = {{.host = tree_.directory("a"), .inside = "/d"},
                    {.host = tree_.directory("b"), .inside = "/d"}};
  EXPECT_THAT(problems(), HasSubstr("two paths for '/d'"));
}

TEST_F(PolicyTest, RefusesGrantsThatWouldBreakTheJail) {
  const std::string host = tree_.directory("d");
  for (const char* inside : {"/", "/proc", "/proc/self", "/dev", "/dev/shm", "/usr", "/usr/bin",
                             "/lib64", "/etc", "/tmp", "/work", "//work/"}) {
    request_.paths = {{.host = host, .inside = inside}};
    EXPECT_THAT(problems(), HasSubstr("can't mount")) << inside;
  }
  settings_.general.working_dir = "/home/judge/work";
  request_.paths = {{.host = host, .inside = "/home"}};
  EXPECT_THAT(problems(), HasSubstr("hide the working directory"));
  request_.paths = {{.host = host, .inside = "/home/judge/work/data"}};
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(PolicyTest, ReportsEveryBadGrant) {
  const std::string host = tree_.directory("d");
  ASSERT_EQ(::mkfifo(tree_.path("fifo").c_str(), 0600), 0);
  request_.paths = {{.host = tree_.path("missing")},
                    {.host = host, .inside = "relative"},
                    {.host = host, .inside = "/a/../b"},
                    {.host = tree_.path("fifo"), .inside = "/f"},
                    {.host = ""}};
  const std::string text = problems();
  EXPECT_THAT(text, HasSubstr("No such file"));
  EXPECT_THAT(text, HasSubstr("'relative'"));
  EXPECT_THAT(text, HasSubstr("'/a/../b'"));
  EXPECT_THAT(text, HasSubstr("only files and directories"));
  EXPECT_THAT(text, HasSubstr("empty"));
}

TEST_F(PolicyTest, AReadGrantOfWhatIsVisibleAnywayIsDropped) {
  request_.paths = {{.host = "/usr/bin"}};
  EXPECT_THAT(resolved().paths, IsEmpty());
}

TEST_F(PolicyTest, WarnsOfAUnixSocketInAGrantedDirectory) {
  const std::string host = tree_.directory("d");
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string name = host + "/agent.sock";
  ASSERT_LT(name.size(), sizeof(address.sun_path));
  name.copy(address.sun_path, name.size());
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  request_.paths = {{.host = host, .inside = "/d"}};
  EXPECT_THAT(resolved().warnings, ElementsAre(HasSubstr("agent.sock")));
}

TEST_F(PolicyTest, EnvironmentOfALaterLayerWinsAndIsChecked) {
  settings_.security.env = {{"A", "1"}, {"B", "1"}};
  settings_.runtimes["python"].security.env = {{"B", "2"}, {"C", "2"}};
  request_.env = {{"C", "3"}};
  const Policy policy = resolved();
  EXPECT_EQ(policy.env.at("A"), "1");
  EXPECT_EQ(policy.env.at("B"), "2");
  EXPECT_EQ(policy.env.at("C"), "3");
  request_.env = {{"", "x"}, {"D=E", "x"}, {"F", std::string("a\0b", 3)}};
  EXPECT_THAT(problems(), HasSubstr("D=E"));
  EXPECT_THAT(problems(), HasSubstr("env.F"));
}

TEST_F(PolicyTest, SecurityOfTheRuntimeAndTheRequestOverridesTheGeneral) {
  settings_.security.network = NetworkMode::kHost;
  settings_.security.allow_degraded = {"memory"};
  settings_.runtimes["python"].security.network = NetworkMode::kLoopback;
  settings_.runtimes["python"].security.allow_degraded = {"proc"};
  settings_.runtimes["python"].security.profile = "native";
  settings_.runtimes["python"].security.lint = LintLevel::kOff;
  Policy policy = resolved();
  EXPECT_EQ(policy.network, NetworkMode::kLoopback);
  EXPECT_EQ(policy.lint, LintLevel::kOff);
  EXPECT_EQ(policy.syscall_profile, "native");
  EXPECT_THAT(policy.allow_degraded, ElementsAre("memory", "proc"));
  request_.network = NetworkMode::kNone;
  request_.lint = LintLevel::kDeny;
  policy = resolved();
  EXPECT_EQ(policy.network, NetworkMode::kNone);
  EXPECT_EQ(policy.lint, LintLevel::kDeny);
}

TEST_F(PolicyTest, HostsAreWrittenAlikeAndOnce) {
  request_.hosts = {"PyPI.org:443", "db", "pypi.org:443", "[FD00::/8]:*"};
  Policy policy = resolved();
  EXPECT_EQ(policy.network, NetworkMode::kAllow);
  EXPECT_THAT(policy.hosts, ElementsAre("pypi.org:443", "db:*", "[fd00::/8]:*"));
  request_.network = NetworkMode::kAllow;
  EXPECT_THAT(resolved().hosts, SizeIs(3));
}

TEST_F(PolicyTest, HostsAreThoseOfTheLastWhoSpeaks) {
  SecuritySettings& general = settings_.security;
  SecurityOverrides& python = settings_.runtimes["python"].security;
  general.network = NetworkMode::kAllow;
  general.hosts = {"a:1"};
  EXPECT_THAT(resolved().hosts, ElementsAre("a:1"));
  python.network = NetworkMode::kAllow;
  EXPECT_THAT(resolved().hosts, ElementsAre("a:1"));
  python.hosts = {"b:2"};
  EXPECT_THAT(resolved().hosts, ElementsAre("b:2"));
  request_.hosts = {"c:3"};
  EXPECT_THAT(resolved().hosts, ElementsAre("c:3"));
  request_.hosts = {};
  request_.network = NetworkMode::kLoopback;
  EXPECT_THAT(resolved().hosts, IsEmpty());
  request_.network.reset();
  python = {};
  python.network = NetworkMode::kHost;
  EXPECT_EQ(resolved().network, NetworkMode::kHost);
  EXPECT_THAT(resolved().hosts, IsEmpty());
}

TEST_F(PolicyTest, HostsAndAnotherModeContradict) {
  request_.hosts = {"a:1"};
  for (const NetworkMode mode : {NetworkMode::kNone, NetworkMode::kLoopback, NetworkMode::kHost}) {
    request_.network = mode;
    EXPECT_EQ(problems(),
              "hosts: hosts are for the network mode allow, and another one is given (leave one of "
              "them out)");
  }
  request_ = {};
  settings_.security.hosts = {"a:1"};
  EXPECT_THAT(problems(), HasSubstr("security.network: hosts are for the network mode allow"));
}

TEST_F(PolicyTest, AListOfHostsIsBounded) {
  request_.hosts.assign(500, "a:1");
  EXPECT_EQ(problems(), "");
  request_.hosts.emplace_back("a:1");
  EXPECT_THAT(problems(), HasSubstr("501 hosts; there may be 500"));
}

TEST_F(PolicyTest, TheModeAllowNeedsHosts) {
  request_.network = NetworkMode::kAllow;
  settings_.security.network = NetworkMode::kAllow;
  settings_.security.hosts = {"a:1"};
  EXPECT_EQ(problems(),
            "hosts: the network mode allow needs a list of hosts (for example pypi.org:443)");
  request_ = {};
  settings_.security.hosts = {};
  EXPECT_THAT(problems(), HasSubstr("security.network: the network mode allow needs a list"));
}

TEST_F(PolicyTest, EveryBadHostIsAnError) {
  request_.hosts = {"a:0", "b:1", "http://c"};
  EXPECT_THAT(problems(), HasSubstr("hosts: \"a:0\": \"0\" is not a port"));
  EXPECT_THAT(problems(), HasSubstr("hosts: \"http://c\" is a URL (HOST:PORT, "));
}

TEST_F(PolicyTest, AModulesWorkerHasTheHostsNetworkAndTheListThatWasAskedFor) {
  const auto module = [&] {
    const Result<Policy> policy = resolve_policy(settings_, "wasm", request_);
    EXPECT_TRUE(policy) << policy.error().to_string();
    return policy ? *policy : Policy{};
  };
  settings_.security.network = NetworkMode::kAllow;
  settings_.security.hosts = {"a:1"};
  EXPECT_EQ(module().network, NetworkMode::kHost);
  EXPECT_THAT(module().hosts, ElementsAre("a:1"));
  settings_.wasm.network = {"b:2"};
  EXPECT_EQ(module().network, NetworkMode::kHost);
  EXPECT_THAT(module().hosts, ElementsAre("b:2"));
  request_.hosts = {"c:3"};
  EXPECT_EQ(module().network, NetworkMode::kHost);
  EXPECT_THAT(module().hosts, ElementsAre("c:3"));
  request_.hosts = {};
  request_.network = NetworkMode::kNone;
  EXPECT_EQ(module().network, NetworkMode::kNone);
  EXPECT_THAT(module().hosts, IsEmpty());
}

TEST_F(PolicyTest, TheStartDirectoryIsTheWorkingDirectoryOrRelativeToIt) {
  EXPECT_EQ(resolved().chdir, "/work");
  request_.chdir = "sub/./dir";
  EXPECT_EQ(resolved().chdir, "/work/sub/dir");
  request_.chdir = "/tmp/";
  EXPECT_EQ(resolved().chdir, "/tmp");
  request_.chdir = "../..";
  EXPECT_THAT(problems(), HasSubstr("'..'"));
}

TEST_F(PolicyTest, AWorkingDirectoryThatBreaksTheJailIsAnError) {
  for (const char* bad : {"", "work", "/", "/usr/x", "/tmp", "/a/../b"}) {
    settings_.general.working_dir = bad;
    EXPECT_THAT(problems(), HasSubstr("working directory can't be")) << bad;
  }
  settings_.general.working_dir = "/box//sub/";
  EXPECT_EQ(resolved().working_dir, "/box/sub");
}

TEST_F(PolicyTest, APackagesDirectoryMustExist) {
  settings_.runtimes["python"].packages_dir = tree_.path("none");
  EXPECT_THAT(problems(), HasSubstr("runtimes.python.packages_dir"));
  settings_.runtimes["python"].packages_dir = tree_.file("file");
  EXPECT_THAT(problems(), HasSubstr("not a directory"));
}

TEST(InsidePath, IsNormalisedOrRefused) {
  EXPECT_EQ(normalised_inside("//a/./b//"), "/a/b");
  EXPECT_EQ(normalised_inside("/"), "/");
  EXPECT_EQ(normalised_inside("/.../x"), "/.../x");
  EXPECT_FALSE(normalised_inside(""));
  EXPECT_FALSE(normalised_inside("a"));
  EXPECT_FALSE(normalised_inside("/a/.."));
  EXPECT_FALSE(normalised_inside(std::string_view("/a\0b", 4)));
}

TEST(InsidePath, ANameThatMerelyBeginsAlikeIsNotWithin) {
  EXPECT_TRUE(is_within("/a/b", "/a"));
  EXPECT_TRUE(is_within("/a", "/a"));
  EXPECT_FALSE(is_within("/ab", "/a"));
  EXPECT_THAT(why_not_mountable("/usrlocal", "/work"), IsEmpty());
  EXPECT_THAT(why_not_mountable("/etc/app", "/work"), IsEmpty());
  EXPECT_THAT(why_not_mountable("/workbench", "/work"), IsEmpty());
  EXPECT_THAT(why_not_mountable("/usr/lib", "/work"), Not(IsEmpty()));
}

}  // namespace
}  // namespace sandpit
