#include "runtime/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sandpit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kGood = R"(id = "lua"
display_name = "Lua"
extensions = ["lua"]
shebangs = ["lua"]
interpreter = ["lua5.4", "lua"]
argv = ["{interpreter}", "{extra_args}", "{source}", "{args}"]
env = { LUA_INIT = "" }
source_name = "main.lua"
syscall_profile = "interpreter"
helper_tasks = 1
helper_files = 2
[packages]
mount = "/packages"
env = { LUA_PATH = "{packages}/?.lua" }
[version]
argv = ["{interpreter}", "-v"]
after = "Lua "
)";

std::string problems_of(const std::string& text) {
  const Result<Manifest> manifest = parse_manifest(text, "runtime.toml");
  return manifest ? "" : manifest.error().to_string();
}

TEST(Manifest, ReadsEveryKey) {
  const Result<Manifest> manifest = parse_manifest(kGood, "lua/runtime.toml");
  ASSERT_TRUE(manifest) << manifest.error().to_string();
  EXPECT_EQ(manifest->id, "lua");
  EXPECT_THAT(manifest->interpreters, ElementsAre("lua5.4", "lua"));
  EXPECT_EQ(manifest->helper_tasks, 1U);
  EXPECT_EQ(manifest->helper_files, 2U);
  EXPECT_EQ(manifest->packages_env.at("LUA_PATH"), "{packages}/?.lua");
  EXPECT_EQ(manifest->version_after, "Lua ");
  EXPECT_EQ(manifest->origin, "lua/runtime.toml");
  EXPECT_TRUE(manifest->text);
  EXPECT_FALSE(manifest->executable_work_dir);
}

TEST(Manifest, ReportsEveryProblemWithItsPlace) {
  const std::string problems = problems_of(
      "id = \"Bad Id\"\n"
      "argv = [\"{interpretr}\"]\n"
      "syscall_profile = 3\n"
      "helper_tasks = -1\n"
      "extensionz = []\n");
  EXPECT_THAT(problems, HasSubstr("runtime.toml:1:"));
  EXPECT_THAT(problems, HasSubstr("runtime.toml:2:"));
  EXPECT_THAT(problems, HasSubstr("runtime.toml:3:"));
  EXPECT_THAT(problems, HasSubstr("runtime.toml:4:"));
  EXPECT_THAT(problems, HasSubstr("runtime.toml:5:"));
}

TEST(Manifest, KnowsTheSystemCallProfiles) {
  const std::string problems = problems_of(
      "id = \"x\"\nargv = [\"/bin/true\"]\nsyscall_profile = \"interpretor\"\n"
      "[compile]\ncompiler = \"cc\"\nargv = [\"{compiler}\"]\noutputs = [\"p\"]\n"
      "syscall_profile = \"kompiler\"\n");
  EXPECT_THAT(problems, HasSubstr("runtime.toml:3:19: no system-call profile 'interpretor'"));
  EXPECT_THAT(problems, HasSubstr("\"interpreter\""));
  EXPECT_THAT(problems, HasSubstr("runtime.toml:8:19: no system-call profile 'kompiler'"));
}

TEST(Manifest, SuggestsTheNearestKeyAndPlaceholder) {
  const std::string problems = problems_of(std::string(kGood) + "afterr = \"x\"\n");
  EXPECT_THAT(problems, HasSubstr("unknown key 'afterr'"));
  EXPECT_THAT(problems, HasSubstr("\"after\""));
  EXPECT_THAT(problems_of("id = \"x\"\nargv = [\"{sourc}\"]\nsyscall_profile = \"native\"\n"),
              HasSubstr("source"));
}

TEST(Manifest, ReportsBadTomlWithItsLine) {
  EXPECT_THAT(problems_of("id = \"x\"\nargv = [\n"), HasSubstr("runtime.toml:"));
}

TEST(Manifest, NamesTheKeysThatAreMissing) {
  const std::string problems = problems_of("display_name = \"X\"\n");
  EXPECT_THAT(problems, HasSubstr("'id' is missing"));
  EXPECT_THAT(problems, HasSubstr("'argv' is missing"));
  EXPECT_THAT(problems, HasSubstr("'syscall_profile' is missing"));
}

TEST(Manifest, RefusesAListPlaceholderThatIsPartOfAWord) {
  EXPECT_THAT(
      problems_of("id = \"x\"\nargv = [\"a\", \"--x={args}\"]\nsyscall_profile = \"native\"\n"),
      HasSubstr("a word of its own"));
  EXPECT_THAT(problems_of("id = \"x\"\nargv = [\"{args}\"]\nsyscall_profile = \"native\"\n"),
              HasSubstr("must begin with the program"));
}

// Found by fuzz_manifest: what is started must be an absolute path.
TEST(Manifest, RefusesAProgramThatIsNotAbsolute) {
  for (const char* const program :
       {"[interpreter}", "sh", "{packages}/x", "{interpreter}", "{source} -x"}) {
    EXPECT_THAT(problems_of(std::string("id = \"x\"\nargv = [\"") + program +
                            "\"]\nsyscall_profile = \"native\"\n"),
                HasSubstr("must begin with the program"))
        << program;
  }
}

TEST(Manifest, RefusesNulsAndRelativePaths) {
  EXPECT_THAT(problems_of("id = \"x\"\nargv = [\"a\\u0000b\"]\nsyscall_profile = \"native\"\n"),
              HasSubstr("NUL"));
  EXPECT_THAT(
      problems_of(
          "id = \"x\"\nargv = [\"a\"]\nsyscall_profile = \"native\"\ninterpreter = \"bin/x\"\n"),
      HasSubstr("absolute path"));
  EXPECT_THAT(problems_of("id = \"x\"\nargv = [\"a\"]\nsyscall_profile = "
                          "\"native\"\nread_only_paths = [\"opt\"]\n"),
              HasSubstr("absolute path"));
}

TEST(Manifest, ChecksWhatIsNeeded) {
  EXPECT_THAT(problems_of(std::string("needs = [\"x.jar\"]\n") + kGood),
              HasSubstr("'needs' must hold absolute paths"));
}

TEST(Manifest, ChecksPreloads) {
  const std::string warm =
      "[warm]\nprelude = \"warm.lua\"\nargv = [\"{interpreter}\", \"{prelude}\"]\n";
  const auto good = parse_manifest(
      kGood + warm + "[preload]\nmodules = [\"a.b\"]\nenv = { N = \"1\" }\n", "x/runtime.toml");
  ASSERT_TRUE(good) << good.error().to_string();
  EXPECT_THAT(good->preload->modules, ElementsAre("a.b"));
  EXPECT_EQ(good->preload->env.at("N"), "1");
  EXPECT_THAT(problems_of(std::string(kGood) + "[preload]\n"),
              HasSubstr("'preload' needs 'warm.prelude'"));
  EXPECT_THAT(problems_of(kGood + warm + "[preload]\nmodules = [\"a; b\"]\n"),
              HasSubstr("'a; b' is no module's name"));
  EXPECT_THAT(problems_of(kGood + warm + "[preload]\nmodule = []\n"), HasSubstr("module"));
}

TEST(Manifest, ReadsAnotherTemplateForModules) {
  const std::string warm = "[warm]\nargv = [\"{interpreter}\", \"{source}\"]\n";
  const std::string other =
      "[preload]\n[preload.warm]\nprelude = \"warm.lua\"\nargv = [\"{interpreter}\", \"-x\"]\n";
  const auto good = parse_manifest(kGood + warm + other, "x/runtime.toml");
  ASSERT_TRUE(good) << good.error().to_string();
  EXPECT_EQ(good->warm->prelude, "");
  EXPECT_EQ(good->preload->warm->prelude, "x/warm.lua");
  EXPECT_THAT(good->preload->warm->argv, ElementsAre("{interpreter}", "-x"));
  EXPECT_THAT(problems_of(kGood + warm + "[preload]\n"),
              HasSubstr("'preload' needs 'warm.prelude'"));
  EXPECT_THAT(problems_of(kGood + other), HasSubstr("'preload' needs 'warm.prelude'"));
}

TEST(Manifest, ReadsWhatServesOneRun) {
  const std::string once =
      "[warm]\nonce = true\nargv = [\"{interpreter}\", \"Main\"]\ntrigger = \"java\"\n"
      "program = \"{work_dir}/out/main\"\n";
  const auto good = parse_manifest(kGood + once + "directories = [\"out\"]\n", "x/runtime.toml");
  ASSERT_TRUE(good) << good.error().to_string();
  EXPECT_TRUE(good->warm->once);
  EXPECT_THAT(good->warm->directories, ElementsAre("out"));
  EXPECT_EQ(good->warm->program, "{work_dir}/out/main");
  EXPECT_THAT(problems_of(kGood + once + "directories = [\"../x\"]\n"),
              HasSubstr("'../x' must be a name in the work directory"));
  EXPECT_THAT(problems_of(kGood + once + "prelude = \"warm.lua\"\n"),
              HasSubstr("'warm.once' goes with neither"));
  EXPECT_THAT(problems_of(kGood + once + "rehearsal = \"hello.lua\"\n"),
              HasSubstr("'warm.once' goes with neither"));
  EXPECT_THAT(problems_of(std::string(kGood) +
                          "[warm]\nargv = [\"{interpreter}\"]\ndirectories = [\"out\"]\n"),
              HasSubstr("'warm.directories' needs 'warm.once'"));
}

}  // namespace
}  // namespace sandpit
