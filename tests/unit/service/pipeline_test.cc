#include "service/pipeline.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "service/host_command.h"
#include "service/source_input.h"
#include "support/temp_tree.h"

namespace sandpit {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

HostFacts good_host() {
  HostFacts facts{
      .kernel_major = 6, .kernel_minor = 1, .is_root = true, .uid = 0, .gid = 0, .landlock_abi = 2};
  for (ControllerFacts* controller : {&facts.memory, &facts.pids, &facts.cpu})
    controller->version = CgroupVersion::kV2;
  return facts;
}

class Pipeline : public ::testing::Test {
 protected:
  Pipeline() {
    EXPECT_THAT(load_manifests(registry_, {std::string(SANDPIT_SOURCE_DIR) + "/runtimes"}),
                IsEmpty());
  }

  [[nodiscard]] Result<Prepared> run(Request request) const {
    return prepare(request, config_, registry_, good_host());
  }

  [[nodiscard]] Result<Prepared> run_file(const std::string& path) const {
    return run({.source = SourceFile{path}});
  }

  [[nodiscard]] Error error_of(Request request) const {
    const Result<Prepared> prepared = run(std::move(request));
    if (!prepared) return prepared.error();
    ADD_FAILURE() << "it was prepared";
    return {};
  }

  static std::string content(const UniqueFd& fd) {
    std::string text(4096, '\0');
    const ssize_t count = ::read(fd.get(), text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }

  TempTree tree_;
  RuntimeRegistry registry_;
  Config config_ = Config::defaults();
};

TEST_F(Pipeline, PreparesAPythonFile) {
  const Result<Prepared> prepared = run(
      {.source = SourceFile{tree_.file("hello.py", "print(1)\n")}, .runtime = {}, .args = {"Ada"}});
  ASSERT_TRUE(prepared) << prepared.error().to_string();
  EXPECT_EQ(prepared->plan.runtime, "python");
  EXPECT_THAT(prepared->plan.argv, ElementsAre(HasSubstr("python"), "/work/hello.py", "Ada"));
  ASSERT_THAT(prepared->plan.inputs, SizeIs(1));
  EXPECT_EQ(prepared->plan.inputs[0].name, "hello.py");
  EXPECT_EQ(prepared->plan.inputs[0].size, 9U);
  ASSERT_THAT(prepared->inputs, SizeIs(1));
  EXPECT_EQ(content(prepared->inputs[0]), "print(1)\n");
  EXPECT_EQ(prepared->source_display, tree_.path("hello.py"));
}

TEST_F(Pipeline, KeepsEveryByteOfTheName) {
  for (const std::string& name : {std::string("-c.py"), std::string("a b\nc.py"),
                                  std::string("\xff\xfe.py"), std::string("{args}.py")}) {
    const Result<Prepared> prepared = run_file(tree_.file(name, ""));
    ASSERT_TRUE(prepared) << prepared.error().to_string();
    EXPECT_EQ(prepared->plan.inputs[0].name, name);
    EXPECT_EQ(prepared->plan.argv.back(), "/work/" + name);
  }
}

TEST_F(Pipeline, AnEmptyFileIsAProgram) { EXPECT_TRUE(run_file(tree_.file("empty.py"))); }

TEST_F(Pipeline, FollowsALinkThatTheUserNamed) {
  tree_.file("real.txt", "x = 1\n");
  const Result<Prepared> prepared = run_file(tree_.link("name.py", "real.txt"));
  ASSERT_TRUE(prepared) << prepared.error().to_string();
  EXPECT_EQ(prepared->plan.inputs[0].name, "name.py");
}

TEST_F(Pipeline, SaysWhatASourceIsThatIsNoRegularFile) {
  ASSERT_EQ(::mkfifo(tree_.path("fifo.py").c_str(), 0600), 0);
  struct Case {
    std::string path;
    const char* what;
  };
  for (const Case& bad :
       {Case{tree_.path("missing.py"), "No such file"},
        Case{tree_.directory("dir.py"), "a directory"}, Case{tree_.path("fifo.py"), "a FIFO"},
        Case{"/dev/null", "a device"}, Case{tree_.path("dir.py/"), "a directory"},
        Case{"", "empty"}, Case{std::string("a\0b", 3), "NUL"}}) {
    const Error error = error_of({.source = SourceFile{bad.path}});
    EXPECT_EQ(error.code, ErrorCode::kUsage) << bad.path;
    EXPECT_THAT(error.to_string(), HasSubstr(bad.what));
  }
}

TEST_F(Pipeline, AnUnreadableFileIsAUsageErrorWithItsReason) {
  if (::geteuid() == 0) GTEST_SKIP() << "needs an ordinary user";
  const std::string path = tree_.file("secret.py", "x");
  std::filesystem::permissions(path, std::filesystem::perms::none);
  const Error error = error_of({.source = SourceFile{path}});
  EXPECT_EQ(error.code, ErrorCode::kUsage);
  EXPECT_THAT(error.to_string(), HasSubstr("Permission denied"));
}

TEST_F(Pipeline, ASourceLargerThanTheDiskIsRefused) {
  const std::string path = tree_.file("big.py");
  std::filesystem::resize_file(path, 100UL << 20U);
  Request request{.source = SourceFile{path}};
  request.limits.memory = ByteCount::mib(64);
  const Error error = error_of(request);
  EXPECT_EQ(error.code, ErrorCode::kRefused);
  EXPECT_THAT(error.to_string(), HasSubstr("--disk"));
}

TEST_F(Pipeline, AnUnknownKindOfFileSaysWhatListsTheKnownOnes) {
  const Error error = error_of({.source = SourceFile{tree_.file("a.xyz", "?")}});
  EXPECT_EQ(error.code, ErrorCode::kNoRuntime);
  EXPECT_THAT(
      error.to_string(),
      HasSubstr(
          "unknown and it has no #! line (choose one with --runtime NAME; `sandpit runtimes`"));
}

TEST_F(Pipeline, AnUnknownRuntimeSuggestsTheNearest) {
  const Error error = error_of({.source = SourceFile{tree_.file("a.py")}, .runtime = "pyton"});
  EXPECT_EQ(error.code, ErrorCode::kNoRuntime);
  EXPECT_THAT(error.to_string(), HasSubstr("\"python\""));
}

TEST_F(Pipeline, BinaryGarbageIsAFindingOrARefusal) {
  Request request{.source = SourceFile{tree_.file("a.py", std::string("\x01\0\xff", 3))}};
  request.lint = LintLevel::kWarn;
  const Result<Prepared> warned = run(request);
  ASSERT_TRUE(warned) << warned.error().to_string();
  ASSERT_THAT(warned->lint, SizeIs(1));
  EXPECT_EQ(warned->lint[0].rule, "binary-source");
  request.lint = LintLevel::kOff;
  EXPECT_THAT(run(request)->lint, IsEmpty());
  request.lint = LintLevel::kDeny;
  const Error error = error_of(request);
  EXPECT_EQ(error.code, ErrorCode::kRefused);
  EXPECT_THAT(error.to_string(), HasSubstr("a.py:1:2"));
}

TEST_F(Pipeline, TextGetsTheNameItCameWithOrTheRuntimesDefault) {
  Result<Prepared> prepared = run({.source = SourceText{"print(2)\n", ""}, .runtime = "python"});
  ASSERT_TRUE(prepared) << prepared.error().to_string();
  EXPECT_EQ(prepared->plan.inputs[0].name, "main.py");
  EXPECT_EQ(content(prepared->inputs[0]), "print(2)\n");
  prepared = run({.source = SourceText{"1", "x.js"}});
  if (prepared) {
    EXPECT_EQ(prepared->plan.inputs[0].name, "x.js");
  } else {
    EXPECT_EQ(prepared.error().code, ErrorCode::kNoRuntime);
  }
  for (const char* bad : {"a/b.py", "..", "."}) {
    EXPECT_EQ(error_of({.source = SourceText{"", bad}, .runtime = "python"}).code,
              ErrorCode::kUsage);
  }
}

TEST_F(Pipeline, TextIsSealedSoThatWhatWasLintedRuns) {
  const Result<SourceInput> input = store_source_text({"abc", "a.py"}, "/tmp");
  ASSERT_TRUE(input) << input.error().to_string();
  EXPECT_EQ(::pwrite(input->fd.get(), "x", 1, 0), -1);
  EXPECT_EQ(input->size, 3U);
}

TEST_F(Pipeline, LargeTextGoesToTheTemporaryDirectory) {
  const std::string text(2UL << 20U, 'x');
  const Result<SourceInput> input = store_source_text({text, "a.py"}, tree_.path());
  ASSERT_TRUE(input) << input.error().to_string();
  EXPECT_EQ(read_beginning(*input, text.size() + 1), text);
  EXPECT_TRUE(std::filesystem::is_empty(tree_.path()));
  const Result<SourceInput> nowhere = store_source_text({text, "a.py"}, tree_.path("missing"));
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().to_string(), HasSubstr("general.tmp_dir"));
}

TEST_F(Pipeline, ANativeFileIsExecutable) {
  const Result<Prepared> prepared = run_file(tree_.file("prog",
                                                        "\x7f"
                                                        "ELF"));
  ASSERT_TRUE(prepared) << prepared.error().to_string();
  EXPECT_EQ(prepared->plan.runtime, "native");
  EXPECT_EQ(prepared->plan.inputs[0].mode, 0755);
  EXPECT_EQ(prepared->plan.syscall_profile, "native");
}

TEST_F(Pipeline, PolicyErrorsComeThrough) {
  Request request{.source = SourceFile{tree_.file("a.py")}};
  request.paths = {{.host = tree_.path("missing")}};
  EXPECT_EQ(error_of(request).code, ErrorCode::kUsage);
}

TEST_F(Pipeline, ACommandStartsInTheCurrentDirectoryOnlyWhenThatIsGranted) {
  const std::string here = std::filesystem::current_path().string();
  std::filesystem::current_path(tree_.path());
  Request request{.source = HostCommand{{"/bin/true"}}};
  const Result<Prepared> without = run(request);
  request.paths = {{.host = "."}};
  const Result<Prepared> granted = run(request);
  request.paths = {{.host = ".", .inside = "/data"}};
  const Result<Prepared> elsewhere = run(request);
  std::filesystem::current_path(here);
  ASSERT_TRUE(without && granted && elsewhere);
  EXPECT_EQ(without->plan.cwd, "/work");
  EXPECT_EQ(granted->plan.cwd, tree_.path());
  EXPECT_EQ(elsewhere->plan.cwd, "/work");
}

class HostCommands : public ::testing::Test {
 protected:
  [[nodiscard]] Result<Step> step(std::vector<std::string> argv) const {
    return plan_host_command({std::move(argv)}, {}, "/work",
                             {.first = {},
                              .path = tree_.path("bin") + ":/usr/bin",
                              .home = tree_.path("home"),
                              .cwd = tree_.path(),
                              .environment = {}});
  }

  TempTree tree_;
};

TEST_F(HostCommands, OfTheSystemNeedNoTree) {
  const Result<Step> found = step({"true", "a"});
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_THAT(found->argv, ElementsAre("/usr/bin/true", "a"));
  EXPECT_THAT(found->read_only_paths, IsEmpty());
  EXPECT_EQ(found->syscall_profile, "native");
}

TEST_F(HostCommands, OutsideUsrBringTheirTree) {
  const std::string program = tree_.program("opt/tool/bin/tool");
  const Result<Step> found = step({program});
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_THAT(found->argv, ElementsAre(program));
  EXPECT_THAT(found->read_only_paths, ElementsAre(tree_.path("opt/tool")));
}

TEST_F(HostCommands, ScriptsBringTheirInterpretersTree) {
  const std::string interpreter = tree_.program("opt/lua/bin/lua");
  const Result<Step> found = step({tree_.program("scripts/run", "#!" + interpreter + " -x\n")});
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_THAT(found->read_only_paths, ElementsAre(tree_.path("scripts"), tree_.path("opt/lua")));
}

TEST_F(HostCommands, InAHomeDirectoryShowTheFileAlone) {
  const std::string program = tree_.program("home/run");
  EXPECT_THAT(step({program})->read_only_paths, ElementsAre(program));
}

TEST_F(HostCommands, NeverMountATreeOverTheWorkingDirectory) {
  const std::string program = tree_.program("project/run");
  const LookupContext context{
      .first = {}, .path = {}, .home = {}, .cwd = tree_.path(), .environment = {}};
  const Result<Step> found =
      plan_host_command({{program}}, {}, tree_.path("project/work"), context);
  ASSERT_TRUE(found);
  EXPECT_THAT(found->read_only_paths, ElementsAre(program));
}

TEST_F(HostCommands, NeverShowTheCurrentDirectoryBecauseTheyLieInIt) {
  const std::string program = tree_.program("run");
  EXPECT_THAT(step({"./run"})->read_only_paths, ElementsAre(program));
  const std::string in_bin = tree_.program("bin/tool");
  EXPECT_THAT(step({"tool"})->read_only_paths, ElementsAre(in_bin));
}

TEST_F(HostCommands, ThatAreNotThereAreErrors) {
  tree_.file("bin/plain", "x");
  for (const char* name : {"no-such-command", "plain", "/no/such/file", "/usr"}) {
    const Result<Step> found = step({name});
    ASSERT_FALSE(found) << name;
    EXPECT_EQ(found.error().code, ErrorCode::kNoRuntime);
  }
  EXPECT_EQ(step({}).error().code, ErrorCode::kUsage);
  EXPECT_EQ(step({""}).error().code, ErrorCode::kUsage);
}

TEST(RuntimeDirectories, ComeFromTheEnvironmentThenTheSystemThenTheUser) {
  ASSERT_EQ(::setenv("SANDPIT_RUNTIMES_DIR", "/a/runtimes", 1), 0);
  ASSERT_EQ(::setenv("XDG_CONFIG_HOME", "/b", 1), 0);
  EXPECT_THAT(default_runtime_directories(),
              ElementsAre("/a/runtimes", "/etc/sandpit/runtimes", "/b/sandpit/runtimes"));
  ASSERT_EQ(::unsetenv("SANDPIT_RUNTIMES_DIR"), 0);
  ASSERT_EQ(::unsetenv("XDG_CONFIG_HOME"), 0);
  // This test itself runs from a build directory in the source tree, or else from anywhere: then
  // there is nothing to find.
  EXPECT_THAT(default_runtime_directories(), Contains("/etc/sandpit/runtimes"));
}

}  // namespace
}  // namespace sandpit
