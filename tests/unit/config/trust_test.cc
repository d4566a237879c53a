// What a project file that was found may do, and how it becomes trusted.
#include "config/trust.h"

#include "base/sha256.h"
#include "config_fixture.h"

namespace sandpit {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using namespace std::chrono_literals;

class TrustTest : public ConfigTest {
 protected:
  // Expects one warning that names the place, `key` and both remedies, and the same entry as
  // without the file.
  void expect_ignored(const std::string& text, const std::string& key) {
    write("project/sandbox.toml", "");
    const auto without = load();
    const std::string file = write("project/sandbox.toml", text);
    const auto with = load();
    ASSERT_TRUE(without && with) << with.error().to_string();
    EXPECT_THAT(with->warnings(),
                ElementsAre(AllOf(StartsWith(file + ":2:"), HasSubstr(key + " = "),
                                  HasSubstr("ignored"), HasSubstr("--config " + file),
                                  HasSubstr("sandpit trust " + path("project")))))
        << text;
    EXPECT_EQ(entry_of(*with, key), entry_of(*without, key)) << text;
  }
  void expect_accepted(const std::string& text, const std::string& key) {
    write("project/sandbox.toml", text);
    const auto config = load();
    ASSERT_TRUE(config) << config.error().to_string();
    EXPECT_THAT(config->warnings(), IsEmpty()) << text;
    EXPECT_THAT(entry_of(*config, key), HasSubstr("| project | sandbox.toml:2")) << text;
  }
};

TEST_F(TrustTest, AProjectFileThatWasFoundCanNotLoosenAnyLimit) {
  for (const char* line :
       {"memory_limit_mb = 513", "cpu_time_limit_s = 5.1", "timeout_s = 11", "max_processes = 11",
        "max_file_size_kb = 5121", "max_open_files = 21", "max_disk_mb = 257", "max_inodes = 16385",
        "max_output_kb = 16385", "stack_size_kb = 8193"}) {
    const std::string key(line, std::string_view(line).find(' '));
    expect_ignored(fmt::format("[resource_limits]\n{}\n", line), "resource_limits." + key);
    expect_ignored(fmt::format("[runtimes.python.resource_limits]\n{}\n", line),
                   fmt::format("runtimes.python.resource_limits.{}", key));
  }
}

TEST_F(TrustTest, AProjectFileThatWasFoundCanNotGrantItselfAnything) {
  expect_ignored("[general]\ntmp_dir = \"/usr\"\n", "general.tmp_dir");
  expect_ignored("[general]\nlog_level = \"off\"\n", "general.log_level");
  for (const char* table : {"security", "runtimes.python.security"}) {
    expect_ignored(fmt::format("[{}]\nenable_network = true\n", table),
                   fmt::format("{}.network", table));
  }
  for (const char* line :
       {"allowed_paths = [\"/root\"]", "lint = \"off\"", "profile = \"native\"",
        "allow_syscalls = [\"ptrace\"]", "allow_degraded = [\"all\"]", "report_denials = false"}) {
    const std::string key(line, std::string_view(line).find(' '));
    expect_ignored(fmt::format("[security]\n{}\n", line), "security." + key);
    expect_ignored(fmt::format("[runtimes.python.security]\n{}\n", line),
                   "runtimes.python.security." + key);
  }
  expect_ignored("[runtimes.python]\ninterpreter = \"./python\"\n", "runtimes.python.interpreter");
  expect_ignored("[runtimes.python]\nextra_args = [\"-c\"]\n", "runtimes.python.extra_args");
  expect_ignored("[runtimes.python]\npackages_dir = \".\"\n", "runtimes.python.packages_dir");
  expect_ignored("[runtimes.javascript]\nruntime = \"./node\"\n", "runtimes.javascript.runtime");
  expect_ignored("[runtimes.javascript]\nmodules_dir = \".\"\n", "runtimes.javascript.modules_dir");
  expect_ignored("[runtimes.wasm]\nmax_memory_pages = 4097\n", "runtimes.wasm.max_memory_pages");
  expect_ignored("[runtimes.wasm]\nstack_size = \"1MiB\"\n", "runtimes.wasm.stack_size");
}

TEST_F(TrustTest, AProjectFileThatWasFoundMayTighten) {
  write("user.toml",
        "[security]\nenable_network = true\nallowed_paths = [\"/usr\", \"/tmp\"]\n"
        "allow_degraded = [\"proc\", \"disk\"]\nallow_syscalls = [\"ptrace\", \"mount\"]\n");
  expect_accepted("[resource_limits]\nmemory_limit_mb = 511\n", "resource_limits.memory_limit_mb");
  expect_accepted("[resource_limits]\nmax_disk_mb = 10\n", "resource_limits.max_disk_mb");
  expect_accepted("[security]\nenable_network = false\n", "security.network");
  expect_accepted("[security]\nallowed_paths = [\"/usr\"]\n", "security.allowed_paths");
  expect_accepted("[security]\nlint = \"deny\"\n", "security.lint");
  expect_accepted("[security]\nallow_syscalls = [\"mount\"]\n", "security.allow_syscalls");
  expect_accepted("[security]\ndeny_syscalls = [\"socket\"]\n", "security.deny_syscalls");
  expect_accepted("[security]\nenv.LD_PRELOAD = \"x\"\n", "security.env.LD_PRELOAD");
  expect_accepted("[general]\nlog_level = \"debug\"\n", "general.log_level");
  expect_accepted("[runtimes.extensions]\nmjs = \"javascript\"\n", "runtimes.extensions.mjs");
  expect_accepted("[general]\ndefault_profile = \"strict\"\n", "general.default_profile");
  expect_ignored("[security]\nallowed_paths = [\"/usr\", { path = \"/tmp\", access = \"rw\" }]\n",
                 "security.allowed_paths");
  expect_ignored("[security]\nallowed_paths = [{ path = \"/usr\", inside = \"/x\" }]\n",
                 "security.allowed_paths");
}

TEST_F(TrustTest, DenialsOfAProjectFileAreAddedToTheUsers) {
  write("user.toml", "[security]\ndeny_syscalls = [\"ptrace\"]\n");
  write("project/sandbox.toml", "[security]\ndeny_syscalls = [\"mount\"]\n");
  const auto config = load();
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_THAT(config->settings().security.deny_syscalls, ElementsAre("ptrace", "mount"));
}

// Found by fuzz_config: a runtime with a memory limit of its own has a disk limit that follows it.
TEST_F(TrustTest, AProjectFileCanNotRaiseADiskLimitThatFollowsTheMemoryLimit) {
  write("user.toml", "[runtimes.python.resource_limits]\nmemory_limit_mb = 28\n");
  expect_ignored("[resource_limits]\nmax_disk_mb = 16\n", "resource_limits.max_disk_mb");
  expect_accepted("[resource_limits]\nmax_disk_mb = 14\n", "resource_limits.max_disk_mb");
}

TEST_F(TrustTest, AProjectFileCanNotUndoWhatTheProfileTightens) {
  write("project/sandbox.toml",
        "[runtimes.python.resource_limits]\nmemory_limit_mb = 400\n"
        "[runtimes.python.security]\nlint = \"warn\"\n");
  write("user.toml",
        "[general]\ndefault_profile = \"mine\"\n"
        "[profiles.mine.resource_limits]\nmemory_limit_mb = 100\n"
        "[profiles.mine.security]\nlint = \"deny\"\n");
  const auto config = load();
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_THAT(config->warnings(), SizeIs(2));
  EXPECT_THAT(config->settings().runtimes, IsEmpty());
  EXPECT_EQ(config->settings().limits.memory, ByteCount::mib(100));
}

TEST_F(TrustTest, AProjectFileCanNotChooseALooserProfile) {
  write("user.toml", "[general]\ndefault_profile = \"production\"\n");
  expect_ignored("[general]\ndefault_profile = \"development\"\n", "general.default_profile");
  expect_ignored(
      "[general]\ndefault_profile = \"mine\"\n[profiles.mine.security]\n"
      "enable_network = true\n",
      "general.default_profile");
  write("project/sandbox.toml", "[general]\ndefault_profile = \"none\"\n");
  const auto config = load();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().where, path("project/sandbox.toml") + ":2:19");
}

TEST_F(TrustTest, AProjectFileCanNotLoosenAProfileByDefiningIt) {
  write("project/sandbox.toml",
        "[profiles.development]\nsecurity.enable_network = true\n"
        "resource_limits.max_processes = 3\n"
        "[profiles.ci]\ninherits = \"development\"\nresource_limits.memory_limit_mb = 1000\n"
        "resource_limits.timeout_s = 2\n");
  const auto usual = load();
  ASSERT_TRUE(usual) << usual.error().to_string();
  EXPECT_EQ(usual->settings().security.network, NetworkMode::kNone);
  EXPECT_EQ(usual->settings().limits.processes, 3U);
  EXPECT_THAT(usual->warnings(),
              ElementsAre(HasSubstr(
                  "profiles.development.security.network = { mode = \"host\" } ignored")));
  write("user.toml", "[general]\ndefault_profile = \"production\"\n");
  const auto ci = load("ci");
  ASSERT_TRUE(ci) << ci.error().to_string();
  EXPECT_EQ(ci->settings().limits.memory, ByteCount::mib(512));
  EXPECT_EQ(ci->settings().limits.wall_time, 2s);
  EXPECT_EQ(ci->settings().security.network, NetworkMode::kNone);
  EXPECT_THAT(ci->settings().security.allow_degraded, IsEmpty());
  EXPECT_THAT(ci->warnings(),
              Contains(HasSubstr("profiles.ci.resource_limits.memory_limit_mb = 1000 ignored")));
  EXPECT_THAT(ci->warnings(),
              Contains(HasSubstr("profiles.development.security.allow_degraded = ")));
}

TEST_F(TrustTest, AProjectFileCanNotGiveAProfileAnotherParent) {
  write("user.toml", "[profiles.mine]\ninherits = \"strict\"\n");
  write("project/sandbox.toml", "[profiles.mine]\ninherits = \"development\"\n");
  const auto config = load("mine");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->settings().limits.wall_time, 5s);
  EXPECT_THAT(config->settings().security.allow_degraded, IsEmpty());
}

TEST_F(TrustTest, ATrustedDirectorysFileMayDoAnythingUntilItChanges) {
  const std::string text = "[security]\nenable_network = true\n";
  const std::string trust_file = path("state/deep/trusted.toml");
  ConfigSources from = sources();
  from.trust_file = trust_file;
  write("project/sandbox.toml", text);
  ASSERT_TRUE(trust_directory(path("project/."), trust_file));
  const auto trusted = Config::load(from);
  ASSERT_TRUE(trusted) << trusted.error().to_string();
  EXPECT_EQ(trusted->settings().security.network, NetworkMode::kHost);
  EXPECT_THAT(trusted->warnings(), IsEmpty());

  write("project/sandbox.toml", text + "lint = \"off\"\n");
  const auto changed = Config::load(from);
  ASSERT_TRUE(changed) << changed.error().to_string();
  EXPECT_EQ(changed->settings().security.network, NetworkMode::kNone);
  EXPECT_THAT(changed->warnings(),
              AllOf(SizeIs(2), Contains(HasSubstr("the file changed since it was trusted"))));

  ASSERT_TRUE(trust_directory(path("project"), trust_file));
  EXPECT_THAT(Config::load(from)->warnings(), IsEmpty());
  ASSERT_TRUE(untrust_directory(path("project"), trust_file));
  EXPECT_THAT(Config::load(from)->warnings(), SizeIs(2));
  EXPECT_FALSE(untrust_directory(path("project"), trust_file));
}

TEST_F(TrustTest, TrustDoesNotFollowACopyOrAnotherName) {
  write("project/sandbox.toml", "[security]\nenable_network = true\n");
  ASSERT_TRUE(trust_directory(path("project"), path("state/trusted.toml")));
  write("other/sandbox.toml", "[security]\nenable_network = true\n");
  ConfigSources from = sources();
  from.project_dir = path("other");
  EXPECT_THAT(Config::load(from)->warnings(), SizeIs(1));
  ASSERT_EQ(::symlink(path("project").c_str(), path("link").c_str()), 0);
  from.project_dir = path("link");
  EXPECT_THAT(Config::load(from)->warnings(), IsEmpty());
}

TEST_F(TrustTest, KeepsTheRecordPrivateAndWhole) {
  const std::string trust_file = path("state/trusted.toml");
  write("project/sandbox.toml", "x");
  write("other \"dir\"/config/sandbox.toml", "y");
  ASSERT_TRUE(trust_directory(path("project"), trust_file));
  ASSERT_TRUE(trust_directory(path("other \"dir\""), trust_file));
  struct stat status{};
  ASSERT_EQ(::stat(trust_file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  ASSERT_EQ(::stat(path("state").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0700U);
  EXPECT_EQ(look_up_trust(path("project/sandbox.toml"), "x", trust_file), TrustState::kTrusted);
  EXPECT_EQ(look_up_trust(path("project/sandbox.toml"), "z", trust_file), TrustState::kChanged);
  EXPECT_EQ(look_up_trust(path("other \"dir\"/config/sandbox.toml"), "y", trust_file),
            TrustState::kTrusted);
  EXPECT_EQ(look_up_trust(path("third/sandbox.toml"), "x", trust_file), TrustState::kUnknown);
  for (const auto& entry : std::filesystem::directory_iterator(path("state"))) {
    EXPECT_THAT(entry.path().filename().string(),
                ::testing::AnyOf("trusted.toml", "trusted.toml.lock"));
  }
}

TEST_F(TrustTest, ARecordThatOthersMayWriteIsNotBelieved) {
  const std::string trust_file = path("state/trusted.toml");
  write("project/sandbox.toml", "[security]\nenable_network = true\n");
  ASSERT_TRUE(trust_directory(path("project"), trust_file));
  ASSERT_EQ(::chmod(trust_file.c_str(), 0666), 0);
  const auto config = load();
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->settings().security.network, NetworkMode::kNone);
  EXPECT_THAT(config->warnings(), Contains(HasSubstr("others may write it")));
}

TEST_F(TrustTest, ABrokenRecordMakesNothingTrusted) {
  write("state/trusted.toml", "[[trusted]\n");
  write("project/sandbox.toml", "[security]\nenable_network = true\n");
  const auto config = load();
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->settings().security.network, NetworkMode::kNone);
  EXPECT_THAT(config->warnings(), SizeIs(2));
}

TEST_F(TrustTest, RefusesToTrustADirectoryWithoutAFile) {
  const auto trusted = trust_directory(path("project"), path("state/trusted.toml"));
  ASSERT_FALSE(trusted);
  EXPECT_THAT(trusted.error().message, HasSubstr("no sandbox.toml"));
}

TEST(Sha256, AgreesWithTheStandardsExamples) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace sandpit
