// [compile], [compile.warm], [limits], [versions] and the placeholders of a manifest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/manifest.h"
#include "runtime/manifest_runtime.h"
#include "support/temp_tree.h"

namespace sandpit {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kGood = R"(id = "x"
aliases = ["ex"]
tier = 1
extensions = ["x"]
argv = ["{work_dir}/program", "-m{memory_mb*50%}", "{args}"]
env = { HEAP = "{memory_mb*75%}m of {memory_mb}" }
syscall_profile = "native"
[versions]
"2" = "cc2"
[limits]
memory_limit_mb = 1024
timeout_s = 20
compile_time_limit_s = 60
[compile]
compiler = ["cc1", "cc2"]
argv = ["{compiler}", "-I{warm}", "-o", "program", "{extra_args}", "{sources}"]
env = { HOME_OF = "{work_dir}" }
outputs = ["program"]
helper_tasks = 3
[compile.warm]
argv = ["/bin/sh", "-c", "for i in {1..3}; do echo ${i}; done", "{compiler}"]
)";

std::string problems_of(const std::string& text) {
  const Result<Manifest> manifest = parse_manifest(text, "runtime.toml");
  return manifest ? "" : manifest.error().to_string();
}

std::string with(std::string_view from, std::string_view to) {
  std::string text = kGood;
  text.replace(text.find(from), from.size(), to);
  return text;
}

TEST(CompileManifest, ReadsEveryKey) {
  const Result<Manifest> manifest = parse_manifest(kGood, "x/runtime.toml");
  ASSERT_TRUE(manifest) << manifest.error().to_string();
  EXPECT_THAT(manifest->aliases, ElementsAre("ex"));
  EXPECT_EQ(manifest->tier, 1U);
  EXPECT_EQ(manifest->versions.at("2"), "cc2");
  EXPECT_EQ(manifest->limits.memory, ByteCount::mib(1024));
  EXPECT_EQ(manifest->limits.wall_time, Milliseconds(20'000));
  EXPECT_EQ(manifest->limits.compile_time, Milliseconds(60'000));
  EXPECT_FALSE(manifest->limits.cpu_time);
  ASSERT_TRUE(manifest->compile);
  EXPECT_THAT(manifest->compile->compilers, ElementsAre("cc1", "cc2"));
  EXPECT_THAT(manifest->compile->outputs, ElementsAre("program"));
  EXPECT_EQ(manifest->compile->syscall_profile, "compiler");
  EXPECT_EQ(manifest->compile->helper_tasks, 3U);
  EXPECT_FALSE(manifest->compile->keep_source);
  EXPECT_TRUE(manifest->compile->warm);
}

TEST(CompileManifest, ReportsEveryProblemWithItsPlace) {
  const std::string problems = problems_of(R"(id = "x"
aliases = ["Not Good"]
tier = 3
argv = ["{compiler}"]
syscall_profile = "native"
[limits]
memory = 3
[compile]
compiler = ["../cc"]
argv = ["cc", "{sourcez}"]
outputs = ["../program"]
[compile.warm]
argv = ["{compiler}", "{source_name}"]
)");
  for (const char* part :
       {"runtime.toml:2:", "alias 'Not Good'", "runtime.toml:3:", "from 0 to 2",
        "runtime.toml:7:", "unknown key 'memory'", "runtime.toml:9:", "name or an absolute path",
        "runtime.toml:10:", "unknown placeholder '{sourcez}'", "did you mean",
        "must begin with {compiler}", "runtime.toml:11:", "a name in the work directory",
        "runtime.toml:13:", "what is made is for every source"}) {
    EXPECT_THAT(problems, HasSubstr(part));
  }
}

// In a word with a space nothing is replaced: "{compiler}" would be started under that name.
TEST(CompileManifest, RefusesACompilerWithItsArgumentsInOneWord) {
  const std::string problems = problems_of(R"(id = "x"
argv = ["{work_dir}/x"]
syscall_profile = "native"
[compile]
compiler = ["cc"]
argv = ["{compiler} -O2", "{source_name}"]
outputs = ["x"]
)");
  EXPECT_THAT(problems, HasSubstr("runtime.toml:6:"));
  EXPECT_THAT(problems, HasSubstr("must begin with {compiler}"));
  EXPECT_THAT(problems, HasSubstr("a word of its own"));
}

TEST(CompileManifest, WantsACompilerAndOutputs) {
  const std::string problems = problems_of(
      "id = \"x\"\nargv = [\"{work_dir}/p\"]\nsyscall_profile = \"native\"\n[compile]\nargv = "
      "[\"/bin/cc\"]\n");
  EXPECT_THAT(problems, HasSubstr("'compile.compiler' is missing"));
  EXPECT_THAT(problems, HasSubstr("'compile.outputs' is missing"));
}

TEST(CompileManifest, TakesPercentagesOfTheMemoryFromOneToAHundred) {
  EXPECT_EQ(memory_percentage("memory_mb"), 100U);
  EXPECT_EQ(memory_percentage("memory_mb*1%"), 1U);
  EXPECT_EQ(memory_percentage("memory_mb*100%"), 100U);
  for (const char* bad : {"memory_mb*", "memory_mb*0%", "memory_mb*101%", "memory_mb*-1%",
                          "memory_mb*5", "memory_mb*5x%", "memory_mbx", "memory", ""}) {
    EXPECT_FALSE(memory_percentage(bad)) << bad;
  }
  EXPECT_THAT(problems_of(with("*50%", "*500%")), HasSubstr("unknown placeholder"));
}

class PlannedCompile : public ::testing::Test {
 protected:
  PlannedCompile() {
    context_.first = {tree_.path("bin")};
    context_.home = "/nowhere";
    tree_.program("bin/cc1");
    tree_.program("bin/cc2");
  }
  Result<Steps> plan(const SourceInfo& source, const Request& request = {},
                     const std::string& text = kGood) {
    auto manifest = parse_manifest(text, "x/runtime.toml");
    if (!manifest) return fail(manifest.error());
    return ManifestRuntime(*manifest, std::make_shared<const LookupContext>(context_))
        .plan(request, source, settings_);
  }
  TempTree tree_;
  LookupContext context_;
  Settings settings_;
};

TEST_F(PlannedCompile, ExpandsBothSteps) {
  settings_.runtimes["x"].extra_args = {"-g"};
  SourceInfo source{.name = "main.x", .others = {"lib/a.x", "notes.txt", "-b.x"}};
  source.limits.memory = ByteCount::mib(200);
  const auto steps = plan(source, {.args = {"one"}});
  ASSERT_TRUE(steps) << steps.error().to_string();
  EXPECT_THAT(steps->run.argv, ElementsAre("/work/program", "-m100", "one"));
  EXPECT_THAT(steps->run.env, ElementsAre("HEAP=150m of 200"));
  EXPECT_FALSE(steps->keep_source);
  ASSERT_TRUE(steps->compile);
  EXPECT_THAT(steps->compile->argv, ElementsAre(tree_.path("bin/cc1"), "-I/warm", "-o", "program",
                                                "-g", "main.x", "lib/a.x", "./-b.x"));
  EXPECT_THAT(steps->compile->env, ElementsAre("HOME_OF=/work"));
  ASSERT_TRUE(steps->warm);
  // A script's braces are its own.
  EXPECT_EQ(steps->warm->argv[2], "for i in {1..3}; do echo ${i}; done");
  EXPECT_EQ(steps->warm->argv[3], tree_.path("bin/cc1"));
}

TEST_F(PlannedCompile, PutsADotBeforeANameThatAProgramTakesForSomethingElse) {
  // A file of options, an option of GHC's run time, a home directory.
  for (const std::string name : {"-o.x", "@options.x", "+RTS.x", "~root.x"}) {
    const auto steps = plan({.name = name, .others = {"@more.x"}});
    ASSERT_TRUE(steps);
    EXPECT_THAT(steps->compile->argv, Contains("./" + name));
    EXPECT_EQ(steps->compile->argv.back(), "./@more.x");
  }
}

TEST_F(PlannedCompile, TakesTheNamedVersion) {
  const auto steps = plan({.name = "main.x"}, {.runtime = "x@2"});
  ASSERT_TRUE(steps) << steps.error().to_string();
  EXPECT_EQ(steps->compile->argv.front(), tree_.path("bin/cc2"));
  const auto unknown = plan({.name = "main.x"}, {.runtime = "x@3"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNoRuntime);
  EXPECT_THAT(unknown.error().to_string(), HasSubstr("2"));
}

TEST_F(PlannedCompile, KnowsTheCompilerAgainUnlessItWasReplaced) {
  const auto identity = [&] { return plan({.name = "main.x"})->compile->identity; };
  const std::string first = identity();
  EXPECT_EQ(first, identity());
  tree_.program("bin/cc1", "another compiler");
  EXPECT_NE(first, identity());
  // As npm does it: another file of the same size and time of writing.
  const std::string second = identity();
  const auto written = std::filesystem::last_write_time(tree_.path("bin/cc1"));
  tree_.program("bin/cc1", "another_compiler");
  std::filesystem::last_write_time(tree_.path("bin/cc1"), written);
  EXPECT_NE(second, identity());
}

TEST_F(PlannedCompile, OfAToolChainThatNoPackageManagerKnowsIsAnotherOneWhenAPartIsReplaced) {
  tree_.program("bin/cc1");
  tree_.file("lib/libcompiler.so", "one");
  tree_.file("lib/parts/as", "one");
  const auto identity = [&] { return plan({.name = "main.x"})->compile->identity; };
  const std::string first = identity();
  EXPECT_EQ(first, identity());
  std::filesystem::remove(tree_.path("lib/libcompiler.so"));
  tree_.file("lib/libcompiler.so", "two");
  const std::string second = identity();
  EXPECT_NE(first, second);
  // Three levels down: the directory tells.
  std::filesystem::remove(tree_.path("lib/parts/as"));
  tree_.file("lib/parts/as", "two");
  EXPECT_NE(second, identity());
}

TEST_F(PlannedCompile, SaysWhatIsMissing) {
  std::filesystem::remove(tree_.path("bin/cc1"));
  EXPECT_EQ(plan({.name = "main.x"})->compile->argv.front(), tree_.path("bin/cc2"));
  std::filesystem::remove(tree_.path("bin/cc2"));
  const auto steps = plan({.name = "main.x"});
  ASSERT_FALSE(steps);
  EXPECT_THAT(steps.error().to_string(), HasSubstr("no 'cc1' or 'cc2' found"));
}

TEST_F(PlannedCompile, ShowsWhatOfThePatternsIsThere) {
  tree_.file("etc/java-17/x");
  tree_.file("etc/java-21/x");
  std::string text = kGood;
  text.insert(text.find("[versions]"),
              "read_only_paths = [\"" + tree_.path("etc/java-*") + "\", \"/not/there\"]\n");
  const auto steps = plan({.name = "main.x"}, {}, text);
  ASSERT_TRUE(steps) << steps.error().to_string();
  EXPECT_THAT(steps->run.read_only_paths,
              ElementsAre(tree_.path("etc/java-17"), tree_.path("etc/java-21")));
}

TEST_F(PlannedCompile, IsNotInstalledWithoutWhatItNeeds) {
  tree_.file("share/x-1.2/x.jar");
  const std::string needs = "needs = [\"" + tree_.path("share/x-*/x.jar") + "\"]\n";
  ASSERT_TRUE(plan({.name = "main.x"}, {}, needs + kGood));
  std::filesystem::remove(tree_.path("share/x-1.2/x.jar"));
  const auto steps = plan({.name = "main.x"}, {}, needs + kGood);
  ASSERT_FALSE(steps);
  EXPECT_THAT(steps.error().to_string(), HasSubstr("is not installed"));
  EXPECT_THAT(steps.error().to_string(), HasSubstr("share/x-*/x.jar"));
}

TEST(Rustup, IsSeenThroughToItsDefaultToolChain) {
  const TempTree tree;
  LookupContext context;
  context.first = {tree.path(".cargo/bin")};
  context.home = tree.path();
  tree.program(".cargo/bin/rustup");
  tree.link(".cargo/bin/rustc", "rustup");
  const std::string real = tree.program(".rustup/toolchains/stable-x/bin/rustc");
  EXPECT_FALSE(find_interpreter("rustc", context)) << "no default is set";
  tree.file(".rustup/settings.toml", "version = \"12\"\ndefault_toolchain = \"stable-x\"\n");
  const auto found = find_interpreter("rustc", context);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->real, real);
  EXPECT_THAT(found->trees, ElementsAre(tree.path(".rustup/toolchains/stable-x")));
  tree.file(".rustup/settings.toml", "default_toolchain = \"../../etc\"\n");
  EXPECT_FALSE(find_interpreter("rustc", context));
}

}  // namespace
}  // namespace sandpit
