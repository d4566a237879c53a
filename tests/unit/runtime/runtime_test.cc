// Runtimes and their registry, over the manifests of the source tree and some made here.
#include "sandpit/runtime.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "runtime/version.h"
#include "support/temp_tree.h"

namespace sandpit {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Runtimes : public ::testing::Test {
 protected:
  Runtimes() {
    errors_ = load_manifests(registry_, {std::string(SANDPIT_SOURCE_DIR) + "/runtimes"});
  }

  [[nodiscard]] std::string runtime_of(std::string_view name, std::string_view head = {}) const {
    const Result<const Runtime*> runtime = registry_.for_source(name, head, settings_);
    return runtime ? std::string((*runtime)->name()) : runtime.error().to_string();
  }

  [[nodiscard]] Result<Steps> plan(std::string_view runtime, const SourceInfo& source,
                                   Request request = {}) const {
    return registry_.find(runtime)->plan(request, source, settings_);
  }

  RuntimeRegistry registry_;
  Settings settings_;
  std::vector<Error> errors_;
};

TEST_F(Runtimes, OfTheSourceTreeAreAllGood) {
  EXPECT_THAT(errors_, IsEmpty()) << errors_.front().to_string();
  std::vector<std::string> names;
  for (const Runtime* runtime : registry_.all()) names.emplace_back(runtime->name());
  for (const char* name : {"javascript", "native", "python", "shell"})
    EXPECT_THAT(names, Contains(name));
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST_F(Runtimes, AreChosenByExtensionThenShebangThenFirstBytes) {
  EXPECT_EQ(runtime_of("a.py"), "python");
  EXPECT_EQ(runtime_of("A.PY"), "python");
  EXPECT_EQ(runtime_of("a.mjs"), "javascript");
  EXPECT_EQ(runtime_of("a.py", "#!/bin/sh\n"), "python");
  EXPECT_EQ(runtime_of("script", "#!/usr/bin/env python3.12\n"), "python");
  EXPECT_EQ(runtime_of("script.txt", "#!/bin/dash\n"), "shell");
  EXPECT_EQ(runtime_of("a.out",
                       "\x7f"
                       "ELF\x02"),
            "native");
  EXPECT_EQ(runtime_of(".py", "#!/bin/sh\n"), "shell");
}

TEST_F(Runtimes, TheExtensionMapOfTheConfigurationComesFirst) {
  settings_.extensions = {{"pyw", "python"}, {"py", "shell"}, {"x", "nosuch"}};
  EXPECT_EQ(runtime_of("a.pyw"), "python");
  EXPECT_EQ(runtime_of("a.py"), "shell");
  EXPECT_THAT(runtime_of("a.x"), HasSubstr("nosuch"));
}

TEST_F(Runtimes, AnUnknownKindOfFileIsAnErrorThatSaysWhereTheKnownOnesAre) {
  const Result<const Runtime*> runtime = registry_.for_source("a.xyz", "hello", settings_);
  ASSERT_FALSE(runtime);
  EXPECT_EQ(runtime.error().code, ErrorCode::kNoRuntime);
  EXPECT_THAT(runtime.error().to_string(), HasSubstr(".xyz"));
  // Sixty languages have too many extensions for a message.
  EXPECT_THAT(runtime.error().to_string(), HasSubstr("`sandpit runtimes`"));
  EXPECT_LT(runtime.error().to_string().size(), 200U);
}

TEST_F(Runtimes, PythonRunsTheSourceByItsAbsolutePath) {
  settings_.runtimes["python"].extra_args = {"-X", "dev"};
  const Result<Steps> steps = plan("python", {.name = "-c {args}.py", .head = {}},
                                   {.source = {}, .runtime = {}, .args = {"a b", "{source}"}});
  if (!steps && steps.error().code == ErrorCode::kNoRuntime) GTEST_SKIP() << "needs python3";
  ASSERT_TRUE(steps) << steps.error().to_string();
  EXPECT_EQ(steps->source_name, "-c {args}.py");
  EXPECT_THAT(steps->run.argv, ElementsAre(HasSubstr("python"), "-X", "dev", "/work/-c {args}.py",
                                           "a b", "{source}"));
  EXPECT_EQ(steps->run.syscall_profile, "interpreter");
}

TEST_F(Runtimes, PythonImportsFromPackagesDir) {
  TempTree tree;
  settings_.runtimes["python"].packages_dir = tree.path();
  const Result<Steps> steps = plan("python", {.name = "a.py", .head = {}});
  if (!steps && steps.error().code == ErrorCode::kNoRuntime) GTEST_SKIP() << "needs python3";
  ASSERT_TRUE(steps) << steps.error().to_string();
  ASSERT_THAT(steps->run.packages, SizeIs(1));
  EXPECT_EQ(steps->run.packages[0].host, tree.path());
  EXPECT_EQ(steps->run.packages[0].access, Access::kRead);
  EXPECT_THAT(steps->run.env, Contains("PYTHONPATH=" + steps->run.packages[0].inside));
}

TEST_F(Runtimes, NativeProgramsRunThemselves) {
  const Result<Steps> steps =
      plan("native", {.name = "a.out", .head = {}}, {.source = {}, .runtime = {}, .args = {"1"}});
  ASSERT_TRUE(steps);
  EXPECT_THAT(steps->run.argv, ElementsAre("/work/a.out", "1"));
  EXPECT_TRUE(steps->source_executable);
  EXPECT_TRUE(steps->run.executable_work_dir);
  EXPECT_EQ(steps->run.syscall_profile, "native");
}

TEST_F(Runtimes, TheShellIsTheOneInTheShebangLine) {
  const Result<Steps> sh = plan("shell", {.name = "a.sh", .head = "#!/bin/sh -e\n"});
  ASSERT_TRUE(sh) << sh.error().to_string();
  EXPECT_THAT(sh->run.argv, ElementsAre("/usr/bin/sh", "-e", "/work/a.sh"));
  const Result<Steps> bash = plan("shell", {.name = "a", .head = "#!/usr/bin/env bash\n"});
  if (!bash) GTEST_SKIP() << "needs bash";
  EXPECT_THAT(bash->run.argv, ElementsAre("/usr/bin/bash", "/work/a"));
}

TEST_F(Runtimes, AMissingInterpreterSaysWhatInstallsIt) {
  TempTree tree;
  tree.file("ghost/runtime.toml",
            "id = \"ghost\"\ninterpreter = \"no-such-interpreter-here\"\nargv = "
            "[\"{interpreter}\", \"{source}\"]\n"
            "syscall_profile = \"interpreter\"\ninstall = \"apt-get install ghost\"\n");
  ASSERT_THAT(load_manifests(registry_, {tree.path()}), IsEmpty());
  const Result<Steps> steps = plan("ghost", {.name = "a", .head = {}});
  ASSERT_FALSE(steps);
  EXPECT_EQ(steps.error().code, ErrorCode::kNoRuntime);
  EXPECT_THAT(steps.error().to_string(), HasSubstr("apt-get install ghost"));
  EXPECT_EQ(registry_.find("ghost")->info({}, Runtime::Probe::kPathOnly).state,
            RuntimeState::kNotInstalled);
}

TEST_F(Runtimes, AConfiguredInterpreterThatIsMissingIsNamedByItsSetting) {
  settings_.runtimes["javascript"].interpreter = "/no/such/node";
  const Result<Steps> steps = plan("javascript", {.name = "a.js", .head = {}});
  ASSERT_FALSE(steps);
  EXPECT_EQ(steps.error().code, ErrorCode::kNoRuntime);
  EXPECT_EQ(steps.error().where, "runtimes.javascript.runtime");
}

TEST_F(Runtimes, ABadManifestDoesNotStopTheOthers) {
  TempTree tree;
  tree.file("bad/runtime.toml", "id = \n");
  tree.file("good/runtime.toml",
            "id = \"good\"\nargv = [\"{source}\"]\nsyscall_profile = \"native\"\n");
  tree.file("other/runtime.toml",
            "id = \"liar\"\nargv = [\"{source}\"]\nsyscall_profile = \"native\"\n");
  tree.directory("empty");
  const std::vector<Error> errors =
      load_manifests(registry_, {tree.path(), tree.path("no-such-directory")});
  ASSERT_THAT(errors, SizeIs(2));
  EXPECT_THAT(errors[0].to_string(), HasSubstr("bad/runtime.toml:1:"));
  EXPECT_THAT(errors[1].to_string(), HasSubstr("liar"));
  EXPECT_NE(registry_.find("good"), nullptr);
  EXPECT_EQ(registry_.find("liar"), nullptr);
}

TEST_F(Runtimes, EveryMistakeOfAManifestIsToldByItself) {
  TempTree tree;
  tree.file("bad/runtime.toml", "id = \"bad\"\nfoo = 3\nbar = 4\n");
  const std::vector<Error> errors = load_manifests(registry_, {tree.path()});
  ASSERT_THAT(errors, SizeIs(4));  // two keys too many, argv and syscall_profile missing
  for (const Error& error : errors) {
    EXPECT_THAT(error.others, IsEmpty());
    EXPECT_THAT(error.to_string(), HasSubstr("bad/runtime.toml:"));
  }
}

TEST_F(Runtimes, ALaterDirectoryReplacesAnEarlierManifest) {
  TempTree tree;
  tree.file("python/runtime.toml",
            "id = \"python\"\nargv = [\"{source}\"]\nsyscall_profile = \"native\"\nextensions = "
            "[\"own\"]\n");
  ASSERT_THAT(load_manifests(registry_, {tree.path()}), IsEmpty());
  EXPECT_THAT(registry_.find("python")->extensions(), ElementsAre("own"));
}

TEST_F(Runtimes, AnExtensionIsThatOfTheManifestThatWasReadLast) {
  TempTree tree;
  tree.file("aaa/runtime.toml",
            "id = \"aaa\"\nargv = [\"{source}\"]\nsyscall_profile = \"native\"\n"
            "extensions = [\"py\"]\nshebangs = [\"node\"]\n");
  ASSERT_THAT(load_manifests(registry_, {tree.path()}), IsEmpty());
  const auto by_extension = registry_.for_source("x.py", "", settings_);
  ASSERT_TRUE(by_extension);
  EXPECT_EQ((*by_extension)->name(), "aaa");
  const auto by_shebang = registry_.for_source("x", "#!/usr/bin/node\n", settings_);
  ASSERT_TRUE(by_shebang);
  EXPECT_EQ((*by_shebang)->name(), "aaa");
}

TEST_F(Runtimes, TwoOfOneDirectoryThatWantTheSameExtensionAreReported) {
  TempTree tree;
  for (const std::string id : {"aaa", "bbb"}) {
    tree.file(id + "/runtime.toml",
              fmt::format("id = \"{}\"\nargv = [\"{{source}}\"]\nsyscall_profile = \"native\"\n"
                          "extensions = [\"own{}\", \"both\"]\n",
                          id, id));
  }
  const std::vector<Error> errors = load_manifests(registry_, {tree.path()});
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_THAT(errors[0].to_string(), HasSubstr("bbb/runtime.toml:4:"));
  EXPECT_THAT(errors[0].to_string(), HasSubstr("'both' is that of 'aaa' too"));
  const auto found = registry_.for_source("x.both", "", settings_);
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)->name(), "bbb");
}

TEST_F(Runtimes, AskTheInterpreterForItsVersion) {
  const RuntimeInfo info = registry_.find("python")->info({}, Runtime::Probe::kWithVersion);
  if (info.state != RuntimeState::kReady) GTEST_SKIP() << "needs python3";
  EXPECT_THAT(info.version, ::testing::MatchesRegex("3\\.[0-9]+\\.[0-9]+.*"));
  EXPECT_THAT(info.interpreter, HasSubstr("python"));
}

TEST_F(Runtimes, SourcesThatAreNoTextAreFound) {
  using namespace std::string_view_literals;
  const Runtime* python = registry_.find("python");
  EXPECT_THAT(python->lint("print('grüß')\n"), IsEmpty());
  EXPECT_THAT(python->lint(""), IsEmpty());
  LintReport report = python->lint("a = 1\nb\0c"sv);
  ASSERT_THAT(report, SizeIs(1));
  EXPECT_EQ(report[0].rule, "binary-source");
  EXPECT_EQ(report[0].severity, Severity::kError);
  EXPECT_EQ(report[0].line, 2U);
  EXPECT_EQ(report[0].column, 2U);
  report = python->lint("\n\xff\x01"sv);
  ASSERT_THAT(report, SizeIs(1));
  EXPECT_EQ(report[0].line, 2U);
  report = python->lint(
      "\xff\xfe"
      "a\0"sv);
  ASSERT_THAT(report, SizeIs(1));
  EXPECT_EQ(report[0].rule, "utf16-source");
  report = python->lint("#!/bin/sh\r\necho\r\n");
  ASSERT_THAT(report, SizeIs(1));
  EXPECT_EQ(report[0].severity, Severity::kInfo);
  EXPECT_THAT(registry_.find("native")->lint("\x7f"
                                             "ELF\0"sv),
              IsEmpty());
}

TEST(Version, OfACommandThatHangsIsEmptyAfterTheTimeout) {
  EXPECT_EQ(output_of({"/bin/sleep", "60"}, Milliseconds{50}), "");
  EXPECT_EQ(output_of({"/no/such/program"}, Milliseconds{50}), "");
  EXPECT_EQ(output_of({}, Milliseconds{50}), "");
}

TEST(Version, OutputIsBounded) {
  EXPECT_THAT(output_of({"/bin/sh", "-c", "yes"}, Milliseconds{2000}), SizeIs(4096));
}

TEST(Version, TheEnvironmentOfTheHostIsNotPassedOn) {
  const std::string output = output_of({"/usr/bin/env"}, Milliseconds{2000});
  EXPECT_THAT(output, HasSubstr("LANG=C"));
  EXPECT_EQ(std::count(output.begin(), output.end(), '\n'), 3);
}

TEST(Version, IsTheWordAfterTheMark) {
  EXPECT_EQ(version_in("GNU bash, version 5.2.15(1)-release", "version "), "5.2.15");
  EXPECT_EQ(version_in("v20.1.0\n", "v"), "20.1.0");
  EXPECT_EQ(version_in("nothing", "version "), "");
}

}  // namespace
}  // namespace sandpit
