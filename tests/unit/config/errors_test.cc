// Every kind of mistake is told with its place.
#include "config/builder.h"
#include "config_fixture.h"

namespace sandpit {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST_F(ConfigTest, ReportsASyntaxErrorWithItsPlace) {
  EXPECT_THAT(problems("[general]\nlog_level = \n"), ElementsAre(StartsWith("2:13: ")));
}

TEST_F(ConfigTest, ReportsEveryErrorOfEveryLayerInOrder) {
  write("system.toml", "[general]\nlog_level = 5\n[resource_limits]\ntimeout = 4\n");
  write("user.toml", "x = [\n");
  const auto config = load();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().where, path("system.toml") + ":2:13");
  ASSERT_EQ(config.error().others.size(), 2U);
  EXPECT_EQ(config.error().others[0].where, path("system.toml") + ":4:1");
  EXPECT_THAT(config.error().others[1].where, StartsWith(path("user.toml") + ":"));
}

TEST_F(ConfigTest, SuggestsTheNearestKeyOrTable) {
  EXPECT_THAT(problems("[resource_limits]\ntimeuot_s = 1\n"),
              ElementsAre("2:1: unknown key \"timeuot_s\" (did you mean \"timeout_s\"?)"));
  EXPECT_THAT(problems("[resource_limits]\nmemory = 1\n"),
              ElementsAre("2:1: unknown key \"memory\" (did you mean \"memory_limit_mb\"?)"));
  EXPECT_THAT(problems("[securty]\nlint = \"off\"\n"),
              ElementsAre("1:2: unknown table \"securty\" (did you mean \"security\"?)"));
  EXPECT_THAT(problems("[runtimes.python]\ninterpeter = \"x\"\n"),
              ElementsAre("2:1: unknown key \"interpeter\" (did you mean \"interpreter\"?)"));
  EXPECT_THAT(problems("[profiles.x]\ninherit = \"strict\"\n"),
              ElementsAre("2:1: unknown key \"inherit\" (did you mean \"inherits\"?)"));
}

TEST_F(ConfigTest, SaysInWhichTableAMisplacedKeyBelongs) {
  EXPECT_THAT(problems("[security]\ntimeout_s = 1\n"),
              ElementsAre("2:1: unknown key \"timeout_s\" (it belongs in [resource_limits])"));
  EXPECT_THAT(problems("enable_network = true\n"),
              ElementsAre("1:1: unknown key \"enable_network\" (it belongs in [security])"));
}

TEST_F(ConfigTest, RefusesKeysThatARuntimeHasNoUseFor) {
  EXPECT_THAT(problems("[runtimes.shell]\npackages_dir = \".\"\n"),
              ElementsAre(StartsWith("2:1: unknown key \"packages_dir\"")));
  EXPECT_THAT(problems("[runtimes.python]\nmodules_dir = \".\"\n"),
              ElementsAre(StartsWith("2:1: unknown key \"modules_dir\"")));
  EXPECT_THAT(problems("[runtimes.wasm]\ninterpreter = \"x\"\n"),
              ElementsAre(StartsWith("2:1: unknown key \"interpreter\"")));
}

TEST_F(ConfigTest, ReportsValuesOfTheWrongType) {
  EXPECT_THAT(
      problems("[general]\n"
               "log_level = 3\n"
               "[resource_limits]\n"
               "timeout_s = true\n"
               "max_processes = \"10\"\n"
               "memory_limit_mb = [1]\n"
               "[security]\n"
               "enable_network = \"yes\"\n"
               "allowed_paths = \"/usr\"\n"
               "env = [\"A\"]\n"
               "allow_degraded = [1]\n"
               "lint = 1979-05-27\n"),
      ElementsAre(
          "2:13: log_level: expected a text, found a number (put it in quotes)",
          "4:13: timeout_s: expected a number, or a text such as \"1.5s\", found true or false",
          "5:17: max_processes: expected a whole number, found a text",
          "6:19: memory_limit_mb: expected a number, or a text such as \"64MiB\", found a list",
          "8:18: enable_network: expected true or false, found a text",
          "9:17: allowed_paths: expected a list, found a text",
          "10:7: env: expected a table, found a list",
          "11:19: allow_degraded: expected a text, found a number",
          "12:8: lint: expected a text, found a date or time"));
  EXPECT_THAT(problems("general = 1\nruntimes = 2\n[profiles]\nx = 3\n"),
              ElementsAre("1:11: general: expected a table, found a number",
                          "2:12: runtimes: expected a table, found a number",
                          "4:5: x: expected a table, found a number"));
}

TEST_F(ConfigTest, RefusesNumbersOutOfRange) {
  EXPECT_THAT(problems("[resource_limits]\n"
                       "memory_limit_mb = -1\n"
                       "cpu_time_limit_s = 0\n"
                       "timeout_s = nan\n"
                       "max_processes = 0\n"
                       "max_file_size_kb = -0.5\n"
                       "max_open_files = 1.5\n"
                       "max_disk_mb = inf\n"
                       "max_inodes = 9223372036854775807\n"
                       "max_output_kb = 9223372036854775807\n"
                       "stack_size_kb = 1e300\n"),
              ElementsAre("2:19: memory_limit_mb = -1 is out of range: from 1 to 16777216",
                          "3:20: cpu_time_limit_s = 0 is out of range: from 0.001 to 2592000",
                          "4:13: timeout_s = nan is not a finite number",
                          "5:17: max_processes = 0 is out of range: from 1 to 4194304",
                          "6:20: max_file_size_kb = -0.5 is out of range: from 0 to 17179869184",
                          "7:18: max_open_files = 1.5 must be a whole number",
                          "8:15: max_disk_mb = inf is not a finite number",
                          StartsWith("9:14: max_inodes = 9223372036854775807 is out of range"),
                          StartsWith("10:17: max_output_kb = 9223372036854775807 is out of range"),
                          StartsWith("11:17: stack_size_kb = 1e+300 is out of range")));
  EXPECT_THAT(problems("[resource_limits]\nmax_disk_mb = 0\nmax_inodes = 0\nmax_open_files = 0\n"),
              ElementsAre(StartsWith("2:15"), StartsWith("3:14"), StartsWith("4:18")));
  // What no run can do with.
  EXPECT_THAT(problems("[resource_limits]\nmax_inodes = 7\nmax_open_files = 2\n"),
              ElementsAre("2:14: max_inodes = 7 is out of range: from 8 to 2147483648",
                          "3:18: max_open_files = 2 is out of range: from 3 to 1048576"));
  EXPECT_THAT(problems("[runtimes.wasm]\nmax_memory_pages = 0\nstack_size = \"1KiB\"\n"),
              ElementsAre("2:20: max_memory_pages = 0 is out of range: from 1 to 268435456",
                          "3:14: stack_size = \"1KiB\" is out of range: from 16384 to 1073741824"));
}

TEST_F(ConfigTest, RefusesUnitsThatItDoesNotKnow) {
  EXPECT_THAT(
      problems("[resource_limits]\n"
               "memory_limit_mb = \"256\"\n"
               "timeout_s = \"1.5 parsecs\"\n"
               "cpu_time_limit_s = \"\"\n"
               "max_output_kb = \"-1KB\"\n"
               "stack_size_kb = \"99999999999TiB\"\n"
               "max_disk_mb = \"1.2.3MB\"\n"),
      ElementsAre(
          "2:19: memory_limit_mb: \"256\" has no unit (units: B, KiB, MiB, GiB, TiB)",
          "3:13: timeout_s: unknown unit \"parsecs\" in \"1.5 parsecs\" (units: ms, s, m, h)",
          "4:20: cpu_time_limit_s: \"\" is not a number with a unit (units: ms, s, m, h)",
          StartsWith("5:17: max_output_kb: \"-1KB\" is not a number with a unit"),
          "6:17: stack_size_kb: \"99999999999TiB\" is too large",
          StartsWith("7:15: max_disk_mb: \"1.2.3MB\" is not a number")));
}

TEST_F(ConfigTest, RefusesUnknownChoicesAndNames) {
  EXPECT_THAT(
      problems("[general]\nlog_level = \"warning\"\n[security]\nlint = \"dney\"\n"
               "allow_degraded = [\"memroy\", \"proc\", \"proc\"]\nprofile = \"a b\"\n"
               "allow_syscalls = [\"open at\"]\n"),
      ElementsAre("2:13: log_level: unknown value \"warning\" (did you mean \"warn\"?)",
                  "4:8: lint: unknown value \"dney\" (did you mean \"deny\"?)",
                  "5:19: allow_degraded: unknown value \"memroy\" (did you mean \"memory\"?)",
                  "5:37: allow_degraded: \"proc\" is listed twice",
                  StartsWith("6:11: profile: no system-call profile \"a b\""),
                  "7:19: allow_syscalls: unknown system call \"open at\" (did you mean "
                  "\"openat\"?)"));
}

TEST_F(ConfigTest, RefusesSystemCallsAndProfilesThatDoNotExistWhereverTheyAre) {
  EXPECT_THAT(
      problems("[security]\nprofile = \"natvie\"\nallow_syscalls = [\"ptrace\", \"ptrce\"]\n"
               "[runtimes.python.security]\ndeny_syscalls = [\"nothing_of_the_kind\"]\n"
               "[profiles.mine.security]\nprofile = \"jit\"\nallow_syscalls = [\"xyz\"]\n"),
      ElementsAre("2:11: profile: no system-call profile \"natvie\" (did you mean \"native\"?)",
                  "3:29: allow_syscalls: unknown system call \"ptrce\" (did you mean \"ptrace\"?)",
                  "5:18: deny_syscalls: unknown system call \"nothing_of_the_kind\"",
                  "8:19: allow_syscalls: unknown system call \"xyz\""));
}

TEST_F(ConfigTest, RefusesContradictionsWithinOneTable) {
  EXPECT_THAT(problems("[resource_limits]\n"
                       "timeout_s = 1\n"
                       "cpu_time_limit_s = 5\n"
                       "memory_limit_mb = 64\n"
                       "max_disk_mb = 65\n"
                       "max_file_size_kb = \"66MiB\"\n"
                       "stack_size_kb = \"1GiB\"\n"
                       "[security]\n"
                       "allow_syscalls = [\"ptrace\"]\n"
                       "deny_syscalls = [\"mount\", \"ptrace\"]\n"),
              ElementsAre("3:20: cpu_time_limit_s = 5 is above timeout_s = 1 (line 2)",
                          "5:15: max_disk_mb = 65 is above memory_limit_mb = 64 (line 4)",
                          "6:20: max_file_size_kb = 67584 is above max_disk_mb = 65 (line 5)",
                          "7:17: stack_size_kb = 1048576 is above memory_limit_mb = 64 (line 4)",
                          "10:27: \"ptrace\" is both in allow_syscalls and in deny_syscalls"));
  EXPECT_THAT(problems("[runtimes.python.resource_limits]\ntimeout_s = 1\ncpu_time_limit_s = 2\n"),
              ElementsAre(StartsWith("3:20: cpu_time_limit_s = 2 is above timeout_s = 1")));
  EXPECT_THAT(problems("[profiles.x.resource_limits]\ntimeout_s = 1\ncpu_time_limit_s = 2\n"),
              ElementsAre(StartsWith("3:20: cpu_time_limit_s = 2 is above timeout_s = 1")));
  EXPECT_THAT(problems("[runtimes.javascript]\nruntime = \"node\"\ninterpreter = \"bun\"\n"),
              ElementsAre("3:1: runtime and interpreter are the same key"));
}

TEST_F(ConfigTest, ReportsAKeyThatIsGivenTwice) {
  EXPECT_THAT(problems("[security]\nlint = \"off\"\nlint = \"deny\"\n"),
              ElementsAre(AllOf(StartsWith("3:"), HasSubstr("lint"))));
}

TEST_F(ConfigTest, ReportsBadGrants) {
  EXPECT_THAT(
      problems("[security]\n"
               "allowed_paths = [\n"
               "  5,\n"
               "  { acess = \"ro\" },\n"
               "  { path = \"/usr\", access = \"write\" },\n"
               "  { path = \"/usr\", inside = \"../x\" },\n"
               "  \"/\",\n"
               "  \"/proc/self\",\n"
               "  \"~bob/x\",\n"
               "  \"\",\n"
               "  \"/usr\", { path = \"/usr/../usr/\" },\n"
               "]\n"),
      ElementsAre("3:3: allowed_paths: expected a path or a table with `path`, found a number",
                  "4:3: allowed_paths: a table without `path`",
                  "4:5: allowed_paths: unknown key \"acess\" (did you mean \"access\"?)",
                  "5:29: allowed_paths: access: unknown value \"write\" (known: ro, rw)",
                  StartsWith("6:29: allowed_paths: inside: \"../x\" is not a path inside the jail"),
                  StartsWith("7:3: allowed_paths: the host's / can't be the jail's /"),
                  StartsWith("8:3: allowed_paths: \"/proc/self\" is inside /proc"),
                  StartsWith("9:3: allowed_paths: \"~bob/x\": only ~/ is expanded"),
                  "10:3: allowed_paths: an empty path",
                  "11:11: allowed_paths: \"/usr\" is granted twice"));
}

TEST_F(ConfigTest, ReportsMissingPaths) {
  write("plain", "x");
  EXPECT_THAT(
      problems(
          "[general]\ntmp_dir = \"/nonexistent/tmp\"\n"
          "[security]\nallowed_paths = [\"/usr\", \"data\", { path = \"/nonexistent\" }]\n"
          "[runtimes.python]\ninterpreter = \"/nonexistent/python\"\npackages_dir = \"plain\"\n"
          "[runtimes.javascript]\nruntime = \"./plain\"\nmodules_dir = \"missing\"\n"),
      ElementsAre(
          "2:11: general.tmp_dir: \"/nonexistent/tmp\": No such file or directory",
          "4:26: security.allowed_paths: \"ROOT/data\": No such file or directory",
          "4:34: security.allowed_paths: \"/nonexistent\": No such file or directory",
          "6:15: runtimes.python.interpreter: \"/nonexistent/python\": No such file or directory",
          "7:16: runtimes.python.packages_dir: \"ROOT/plain\": not a directory",
          "9:11: runtimes.javascript.runtime: \"ROOT/plain\": not executable",
          "10:15: runtimes.javascript.modules_dir: \"ROOT/missing\": No such file or directory"));
}

TEST_F(ConfigTest, RefusesNulAndBadVariableNames) {
  EXPECT_THAT(problems("[security.env]\nA = \"a\\u0000b\"\n\"B=C\" = \"x\"\n\"\" = \"y\"\nD = 1\n"
                       "[general]\nworking_dir = \"work\"\n"),
              ElementsAre("2:5: env.A: a NUL character in a text",
                          "3:1: env: \"B=C\" can't be the name of a variable",
                          "4:1: env: \"\" can't be the name of a variable",
                          "5:5: env.D: expected a text, found a number (put it in quotes)",
                          StartsWith("7:15: working_dir: \"work\" is not a path inside the jail")));
}

TEST_F(ConfigTest, RefusesBadExtensions) {
  EXPECT_THAT(problems("[runtimes.extensions]\n\"a/b\" = \"python\"\npyw = \"py thon\"\n"
                       "mjs = \"javascript\"\n\".mjs\" = \"javascript\"\n"),
              ElementsAre("2:1: extensions: \"a/b\" is not a file name extension",
                          StartsWith("3:7: extensions.pyw: \"py thon\" is not a name"),
                          "5:1: extensions: \"mjs\" is given twice"));
}

TEST_F(ConfigTest, ReportsUnknownParentsAndCirclesOfProfiles) {
  EXPECT_THAT(problems("[profiles.a]\ninherits = \"strikt\"\n"),
              ElementsAre("2:12: profile \"a\" inherits from \"strikt\", which does not exist "
                          "(did you mean \"strict\"?)"));
  EXPECT_THAT(problems("[profiles.a]\ninherits = \"b\"\n[profiles.b]\ninherits = \"c\"\n"
                       "[profiles.c]\ninherits = \"b\"\n[profiles.d]\ninherits = \"d\"\n"),
              ElementsAre("4:12: profiles inherit in a circle: b -> c -> b",
                          "8:12: profiles inherit in a circle: d -> d"));
  EXPECT_THAT(problems("[profiles.a.general]\ndefault_profile = \"a\"\n[profiles.b]\ninherits=3\n"),
              ElementsAre("2:1: default_profile has no meaning in a profile",
                          "4:10: inherits: expected a text, found a number"));
}

TEST_F(ConfigTest, ReportsAProfileThatDoesNotExist) {
  EXPECT_THAT(problems("[general]\ndefault_profile = \"produktion\"\n"),
              ElementsAre("2:19: default_profile: no profile \"produktion\" "
                          "(did you mean \"production\"?)"));
  const auto config = load("strct");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().to_string(), "no profile \"strct\" (did you mean \"strict\"?)");
}

TEST_F(ConfigTest, NeverWaitsForAFifoAndRefusesWhatIsNotAFile) {
  const std::string file = path("project/sandbox.toml");
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  auto config = load();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().to_string(), file + ": not a regular file");
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  config = load();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().to_string(), file + ": not a regular file");
  ConfigSources from = sources();
  from.named_file = "/dev/zero";
  config = Config::load(from);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().to_string(), StartsWith("/dev/zero: not a regular file"));
}

TEST_F(ConfigTest, RefusesAHugeFile) {
  write("user.toml", std::string((1U << 20U) + 1, '#'));
  const auto config = load();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().to_string(), path("user.toml") + ": larger than 1 MiB");
}

TEST_F(ConfigTest, ReportsAFileThatCanNotBeRead) {
  ASSERT_EQ(::symlink("loop.toml", path("loop.toml").c_str()), 0);
  ConfigSources from = sources();
  from.user_file = path("loop.toml");
  const auto config = Config::load(from);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().to_string(), StartsWith(path("loop.toml") + ": can't be read: "));
}

TEST_F(ConfigTest, ReportsANamedFileThatDoesNotExist) {
  ConfigSources from = sources();
  from.named_file = path("absent.toml");
  const auto config = Config::load(from);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().to_string(), path("absent.toml") + ": no such file");
}

TEST_F(ConfigTest, SurvivesGarbage) {
  const std::string text =
      "[resource_limits]\ntimeout_s = \"1.5s\"\n[security]\nallowed_paths = "
      "[{path=\"/usr\"}]\n[profiles.x]\ninherits=\"strict\"\n";
  unsigned seed = 1;
  const auto next = [&seed] { return seed = seed * 1664525U + 1013904223U; };
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string garbled = text;
    for (unsigned i = next() % 8 + 1; i != 0; --i) {
      garbled[(next() >> 8U) % garbled.size()] = static_cast<char>(next() >> 24U);
    }
    garbled.resize((next() >> 8U) % garbled.size() + 1);
    if (round % 3 == 0) garbled = text + garbled;
    ConfigBuilder builder;
    builder.add_layer(
        {.name = "project", .file = "garbled.toml", .directory = "/", .trusted = round % 2 == 0},
        garbled);
    const auto config = builder.build({});
    if (config) continue;
    ++refused;
    EXPECT_FALSE(config.error().message.empty());
  }
  EXPECT_GT(refused, 1000);
  EXPECT_THAT(problems(std::string(10000, '[')), ::testing::SizeIs(1));
  EXPECT_THAT(problems("x = " + std::string(10000, '[')), ::testing::SizeIs(1));
  EXPECT_THAT(problems(""), IsEmpty());
  // Found by fuzz/fuzz_config: undefined behaviour of toml++ (with -fsanitize=undefined).
  EXPECT_THAT(problems("a \u00fc = 1\nb\u00fc\n"), ::testing::SizeIs(1));
  // Found by fuzz/fuzz_config: toml++'s own assertion failed here.
  EXPECT_THAT(problems("[a]\nb=[\"c\"]\n[g[d.e]\nf=\"b\"\n"), ::testing::SizeIs(1));
}

}  // namespace
}  // namespace sandpit
