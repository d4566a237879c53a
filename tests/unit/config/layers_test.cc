// Defaults, layers and profiles.
#include "config/template.h"
#include "config_fixture.h"

namespace sandpit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using namespace std::chrono_literals;

TEST_F(ConfigTest, HasTheDocumentedDefaults) {
  const auto config = load();
  ASSERT_TRUE(config) << config.error().to_string();
  const Settings& settings = config->settings();
  EXPECT_EQ(settings.limits.memory, ByteCount::mib(512));
  EXPECT_EQ(settings.limits.cpu_time, 5s);
  EXPECT_EQ(settings.limits.wall_time, 10s);
  EXPECT_EQ(settings.limits.processes, 10U);
  EXPECT_EQ(settings.limits.file_size, ByteCount::kib(5120));
  EXPECT_EQ(settings.limits.open_files, 20U);
  EXPECT_EQ(settings.limits.disk, ByteCount::mib(256));
  EXPECT_EQ(settings.security.network, NetworkMode::kNone);
  EXPECT_EQ(settings.security.lint, LintLevel::kWarn);
  EXPECT_THAT(settings.security.allow_degraded, ElementsAre("memory", "cpu_time", "processes"));
  EXPECT_THAT(settings.runtimes, IsEmpty());
  EXPECT_EQ(settings.wasm.max_memory_pages, 4096U);
  EXPECT_THAT(config->warnings(), IsEmpty());
}

TEST_F(ConfigTest, GivesTheLibraryTheProfileProductionAndNoFile) {
  const Config config = Config::defaults();
  EXPECT_THAT(config.settings().security.allow_degraded, IsEmpty());
  EXPECT_EQ(entry_of(config, "security.allow_degraded"), "[] | default | ");
  EXPECT_EQ(entry_of(config, "resource_limits.max_disk_mb"), "256 | default | ");
  EXPECT_EQ(entry_of(config, "runtimes.wasm.stack_size"), "524288 | default | ");
}

TEST_F(ConfigTest, OverridesKeyByKeyAndTellsTheOrigin) {
  write("system.toml",
        "[resource_limits]\nmemory_limit_mb = 100\ntimeout_s = 20\n"
        "[security.env]\nA = \"1\"\nB = \"2\"\n");
  write("user.toml",
        "[resource_limits]\nmemory_limit_mb = 200\n[security]\nlint = \"off\"\n"
        "env = { B = \"3\" }\n");
  write("project/sandbox.toml", "\n[resource_limits]\nmax_processes = 5\n");
  write("project/config/sandbox.toml", "[resource_limits]\nmax_processes = 4\n");
  const auto config = load();
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->settings().limits.memory, ByteCount::mib(200));
  EXPECT_EQ(config->settings().limits.wall_time, 20s);
  EXPECT_EQ(config->settings().limits.processes, 5U);
  EXPECT_THAT(config->settings().security.env, ElementsAre(Pair("A", "1"), Pair("B", "3")));
  EXPECT_EQ(entry_of(*config, "resource_limits.memory_limit_mb"), "200 | user | user.toml:2");
  EXPECT_EQ(entry_of(*config, "resource_limits.timeout_s"), "20 | system | system.toml:3");
  EXPECT_EQ(entry_of(*config, "resource_limits.max_processes"), "5 | project | sandbox.toml:3");
  EXPECT_EQ(entry_of(*config, "security.env.B"), "\"3\" | user | user.toml:5");
  EXPECT_EQ(entry_of(*config, "resource_limits.max_open_files"), "20 | default | ");
  EXPECT_EQ(entry_of(*config, "security.allow_degraded"),
            "[\"memory\", \"cpu_time\", \"processes\"] | profile development | ");
}

TEST_F(ConfigTest, ReadsTheConfigFolderWhenThereIsNoOtherFile) {
  write("project/config/sandbox.toml", "[resource_limits]\nmax_processes = 4\n");
  const auto config = load();
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->settings().limits.processes, 4U);
}

TEST_F(ConfigTest, LetsANamedFileTakeTheProjectsPlace) {
  write("project/sandbox.toml", "[resource_limits]\nmax_processes = 4\n");
  const auto config = load_text("[resource_limits]\nmemory_limit_mb = 1024\n");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->settings().limits.processes, 10U);
  EXPECT_EQ(config->settings().limits.memory, ByteCount::gib(1));
  EXPECT_THAT(config->warnings(), IsEmpty());
}

TEST_F(ConfigTest, AcceptsFractionsAndUnits) {
  const auto config = load_text(
      "[resource_limits]\n"
      "memory_limit_mb = \"256MiB\"\ncpu_time_limit_s = 0.25\ntimeout_s = \"1.5 s\"\n"
      "max_processes = 3.0\nmax_file_size_kb = 0.5\nmax_disk_mb = \"0.0625g\"\n"
      "max_output_kb = \"64KB\"\nstack_size_kb = \"1m\"\n"
      "[runtimes.python.resource_limits]\ntimeout_s = \"2m\"\ncpu_time_limit_s = \"200ms\"\n"
      "[runtimes.wasm]\nstack_size = \"1MiB\"\n");
  ASSERT_TRUE(config) << config.error().to_string();
  const Limits& limits = config->settings().limits;
  EXPECT_EQ(limits.memory, ByteCount::mib(256));
  EXPECT_EQ(limits.cpu_time, 250ms);
  EXPECT_EQ(limits.wall_time, 1500ms);
  EXPECT_EQ(limits.processes, 3U);
  EXPECT_EQ(limits.file_size, ByteCount::bytes(512));
  EXPECT_EQ(limits.disk, ByteCount::mib(64));
  EXPECT_EQ(limits.output, ByteCount::kib(64));
  EXPECT_EQ(limits.stack, ByteCount::mib(1));
  const LimitOverrides& python = config->settings().runtimes.at("python").limits;
  EXPECT_EQ(python.wall_time, 120s);
  EXPECT_EQ(python.cpu_time, 200ms);
  EXPECT_EQ(python.memory, std::nullopt);
  EXPECT_EQ(config->settings().wasm.stack_size, ByteCount::mib(1));
  EXPECT_EQ(entry_of(*config, "resource_limits.cpu_time_limit_s"), "0.25 | project | named.toml:3");
}

TEST_F(ConfigTest, ReadsEveryOtherKey) {
  write("bin/py", "");
  ASSERT_EQ(::chmod(path("bin/py").c_str(), 0755), 0);
  std::filesystem::create_directories(path("mods"));
  const auto config = load_text(
      "[general]\nworking_dir = \"/home/me\"\ntmp_dir = \"mods\"\nlog_level = \"debug\"\n"
      "[security]\nenable_network = true\nlint = \"deny\"\nprofile = \"native\"\n"
      "allowed_paths = [\"mods\", {path = \"/usr\", access = \"rw\", inside = \"/host/usr\"}]\n"
      "allow_syscalls = [\"ptrace\"]\ndeny_syscalls = [\"mount\"]\nallow_degraded = [\"proc\"]\n"
      "[runtimes.python]\ninterpreter = \"./bin/py\"\nextra_args = [\"-B\", \"-B\"]\npackages_dir "
      "= \"mods\"\n"
      "[runtimes.javascript]\ninterpreter = \"bun\"\nmodules_dir = \"mods\"\n"
      "[runtimes.javascript.security]\nenable_network = false\nlint = \"off\"\nenv = { X = \"1\" "
      "}\n"
      "[runtimes.wasm]\nwasi_enabled = false\nallow_bulk_memory = false\n"
      "[runtimes.extensions]\n\".pyw\" = \"python\"\nmjs = \"javascript\"\n");
  ASSERT_TRUE(config) << config.error().to_string();
  const Settings& settings = config->settings();
  EXPECT_EQ(settings.general.working_dir, "/home/me");
  EXPECT_EQ(settings.general.tmp_dir, path("mods"));
  EXPECT_EQ(settings.general.log_level, "debug");
  EXPECT_EQ(settings.security.network, NetworkMode::kHost);
  EXPECT_EQ(settings.security.lint, LintLevel::kDeny);
  EXPECT_EQ(settings.security.profile, "native");
  ASSERT_EQ(settings.security.allowed_paths.size(), 2U);
  EXPECT_EQ(settings.security.allowed_paths[0].host, path("mods"));
  EXPECT_EQ(settings.security.allowed_paths[0].access, Access::kRead);
  EXPECT_EQ(settings.security.allowed_paths[1].inside, "/host/usr");
  EXPECT_EQ(settings.security.allowed_paths[1].access, Access::kReadWrite);
  EXPECT_THAT(settings.security.allow_syscalls, ElementsAre("ptrace"));
  EXPECT_THAT(settings.security.deny_syscalls, ElementsAre("mount"));
  EXPECT_THAT(settings.security.allow_degraded,
              ElementsAre("proc", "memory", "cpu_time", "processes"));
  EXPECT_EQ(settings.runtimes.at("python").interpreter, path("bin/py"));
  EXPECT_THAT(settings.runtimes.at("python").extra_args, ElementsAre("-B", "-B"));
  EXPECT_EQ(settings.runtimes.at("python").packages_dir, path("mods"));
  const RuntimeSettings& javascript = settings.runtimes.at("javascript");
  EXPECT_EQ(javascript.interpreter, "bun");
  EXPECT_EQ(javascript.packages_dir, path("mods"));
  EXPECT_EQ(javascript.security.network, NetworkMode::kNone);
  EXPECT_EQ(javascript.security.lint, LintLevel::kOff);
  EXPECT_THAT(javascript.security.env, ElementsAre(Pair("X", "1")));
  EXPECT_FALSE(settings.wasm.wasi_enabled);
  EXPECT_FALSE(settings.wasm.features.bulk_memory);
  EXPECT_FALSE(settings.wasm.features.reference_types);
  EXPECT_THAT(settings.extensions, ElementsAre(Pair("mjs", "javascript"), Pair("pyw", "python")));
  EXPECT_EQ(entry_of(*config, "runtimes.javascript.runtime"), "\"bun\" | project | named.toml:18");
}

TEST_F(ConfigTest, ExpandsTheHomeDirectory) {
  const std::string old_home = ::getenv("HOME") == nullptr ? "" : ::getenv("HOME");
  const std::string old_xdg =
      ::getenv("XDG_CONFIG_HOME") == nullptr ? "" : ::getenv("XDG_CONFIG_HOME");
  write("home/.config/sandpit/sandbox.toml", "[security]\nallowed_paths = [\"~/data\"]\n");
  std::filesystem::create_directories(path("home/data"));
  ::setenv("HOME", path("home").c_str(), 1);
  ::unsetenv("XDG_CONFIG_HOME");
  ConfigSources from = sources();
  from.user_file.clear();
  const auto by_home = Config::load(from);
  write("xdg/sandpit/sandbox.toml", "[resource_limits]\nmax_processes = 3\n");
  ::setenv("XDG_CONFIG_HOME", path("xdg").c_str(), 1);
  const auto by_xdg = Config::load(from);
  ::setenv("HOME", old_home.c_str(), 1);
  old_xdg.empty() ? ::unsetenv("XDG_CONFIG_HOME") : ::setenv("XDG_CONFIG_HOME", old_xdg.c_str(), 1);
  ASSERT_TRUE(by_home) << by_home.error().to_string();
  ASSERT_EQ(by_home->settings().security.allowed_paths.size(), 1U);
  EXPECT_EQ(by_home->settings().security.allowed_paths[0].host, path("home/data"));
  ASSERT_TRUE(by_xdg) << by_xdg.error().to_string();
  EXPECT_EQ(by_xdg->settings().limits.processes, 3U);
}

TEST_F(ConfigTest, LowersTheHigherOfTwoValuesOfDifferentLayersAndSaysSo) {
  write("user.toml",
        "[resource_limits]\ntimeout_s = 1\nmax_disk_mb = 100\n"
        "[runtimes.python.resource_limits]\nmemory_limit_mb = 20\ntimeout_s = 0.5\n");
  const auto config = load();
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->settings().limits.cpu_time, 1s);
  EXPECT_EQ(config->settings().limits.disk, ByteCount::mib(100));
  EXPECT_EQ(config->settings().runtimes.at("python").limits.disk, ByteCount::mib(20));
  EXPECT_EQ(config->settings().runtimes.at("python").limits.cpu_time, 500ms);
  const std::string user = path("user.toml");
  EXPECT_THAT(
      config->warnings(),
      ElementsAre("cpu_time_limit_s lowered from 5 to 1: timeout_s is 1 (user, " + user + ":2)",
                  "runtimes.python.resource_limits.cpu_time_limit_s lowered from 1 to 0.5: "
                  "timeout_s is 0.5 (user, " +
                      user + ":6)",
                  "runtimes.python.resource_limits.max_disk_mb lowered from 100 to 20: "
                  "memory_limit_mb is 20 (user, " +
                      user + ":5)"));
  EXPECT_EQ(entry_of(*config, "resource_limits.cpu_time_limit_s"), "1 | user | user.toml:2");
}

TEST_F(ConfigTest, KeepsTheDefaultDiskLimitAtHalfTheMemory) {
  const auto config = load_text(
      "[resource_limits]\nmemory_limit_mb = 64\n"
      "[runtimes.python.resource_limits]\nmemory_limit_mb = 4096\n");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->settings().limits.disk, ByteCount::mib(32));
  EXPECT_EQ(config->settings().runtimes.at("python").limits.disk, ByteCount::mib(256));
  EXPECT_THAT(config->warnings(), IsEmpty());
}

TEST_F(ConfigTest, ProductionAllowsNothingDegradedNotEvenForOneRuntime) {
  const auto config = load_text(
      "[security]\nallow_degraded = [\"proc\"]\n"
      "[runtimes.python.security]\nallow_degraded = [\"all\"]\n",
      "production");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_THAT(config->settings().security.allow_degraded, IsEmpty());
  EXPECT_THAT(config->settings().runtimes.at("python").security.allow_degraded, IsEmpty());
  EXPECT_EQ(entry_of(*config, "security.allow_degraded"), "[] | profile production | ");
}

TEST_F(ConfigTest, StrictOnlyTightens) {
  const auto config = load_text(
      "[resource_limits]\nmemory_limit_mb = 64\nmax_processes = 50\n"
      "[security]\nallowed_paths = [\"/usr\"]\nenable_network = true\n"
      "[runtimes.python.resource_limits]\nmemory_limit_mb = 4096\n"
      "[runtimes.python.security]\nenable_network = true\nlint = \"off\"\n",
      "strict");
  ASSERT_TRUE(config) << config.error().to_string();
  const Settings& settings = config->settings();
  EXPECT_EQ(settings.limits.memory, ByteCount::mib(64));
  EXPECT_EQ(settings.limits.processes, 5U);
  EXPECT_EQ(settings.limits.wall_time, 5s);
  EXPECT_THAT(settings.security.allowed_paths, IsEmpty());
  EXPECT_EQ(settings.security.network, NetworkMode::kNone);
  EXPECT_EQ(settings.security.lint, LintLevel::kDeny);
  EXPECT_EQ(settings.runtimes.at("python").limits.memory, ByteCount::mib(256));
  EXPECT_EQ(settings.runtimes.at("python").security.network, NetworkMode::kNone);
  EXPECT_EQ(settings.runtimes.at("python").security.lint, LintLevel::kDeny);
  EXPECT_EQ(entry_of(*config, "resource_limits.timeout_s"), "5 | profile strict | ");
}

TEST_F(ConfigTest, ProfilesInheritAndOverrideTheFiles) {
  write("user.toml",
        "[general]\ndefault_profile = \"child\"\n[resource_limits]\nmax_processes = 3\n"
        "[profiles.parent]\ninherits = \"strict\"\n"
        "[profiles.parent.resource_limits]\nmax_processes = 7\nmax_open_files = 100\n"
        "[profiles.child]\ninherits = \"parent\"\nresource_limits.max_open_files = 200\n"
        "[profiles.child.runtimes.python]\nextra_args = [\"-O\"]\n"
        "[profiles.child.security.env]\nA = \"b\"\n");
  const auto config = load();
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->settings().limits.processes, 7U);
  EXPECT_EQ(config->settings().limits.open_files, 200U);
  EXPECT_EQ(config->settings().limits.wall_time, 5s);
  EXPECT_THAT(config->settings().runtimes.at("python").extra_args, ElementsAre("-O"));
  EXPECT_EQ(entry_of(*config, "resource_limits.max_open_files"),
            "200 | profile child | user.toml:12");
  EXPECT_EQ(entry_of(*config, "resource_limits.max_processes"), "7 | profile parent | user.toml:8");
  const auto other = load("development");
  ASSERT_TRUE(other) << other.error().to_string();
  EXPECT_EQ(other->settings().limits.processes, 3U);
}

TEST_F(ConfigTest, AFileMayAddToABuiltInProfile) {
  const auto config =
      load_text("[profiles.production.security]\nallow_degraded = [\"proc\"]\n", "production");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_THAT(config->settings().security.allow_degraded, ElementsAre("proc"));
}

TEST_F(ConfigTest, HasATemplateThatLoadsAsItIsAndUncommented) {
  const std::string text = commented_template();
  const auto as_is = load_text(text);
  ASSERT_TRUE(as_is) << as_is.error().to_string();
  std::string uncommented;
  int settings = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    if (line.size() > 1 && line[0] == '#' && line[1] != ' ') {
      line.erase(0, 1);
      ++settings;
    }
    uncommented += line + "\n";
    at = end + 1;
  }
  EXPECT_GT(settings, 65);
  const auto all = load_text(uncommented, "judge");
  ASSERT_TRUE(all) << all.error().to_string();
  EXPECT_EQ(all->settings().limits.wall_time, 2s);
  EXPECT_EQ(all->settings().runtimes.at("python").packages_dir,
            path("named.toml").substr(0, path("").size() - 1));
}

TEST_F(ConfigTest, ShowsTheTemplatesDefaultsAsTheyAre) {
  const Config defaults = Config::defaults();
  for (const char* key :
       {"memory_limit_mb", "cpu_time_limit_s", "timeout_s", "max_processes", "max_file_size_kb",
        "max_open_files", "max_disk_mb", "max_inodes", "max_output_kb", "stack_size_kb"}) {
    const std::string entry = entry_of(defaults, fmt::format("resource_limits.{}", key));
    EXPECT_THAT(commented_template(),
                HasSubstr(fmt::format("#{} = {}\n", key, entry.substr(0, entry.find(' ')))));
  }
}

TEST_F(ConfigTest, ShipsTheTemplateAsTheExample) {
  std::ifstream file(SANDPIT_SOURCE_DIR "/examples/sandbox.toml");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_EQ(text, commented_template());
}

}  // namespace
}  // namespace sandpit
