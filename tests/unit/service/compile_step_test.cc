// Compile steps through the library. The "compiler" is a shell that runs the source as a script, so
// that each test says exactly what a compiler leaves behind.
#include "service/compile_step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sandbox_fixture.h"
#include "support/slowness.h"
#include "support/temp_tree.h"

namespace sandpit {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kManifest = R"(id = "maker"
extensions = ["make"]
argv = ["/bin/sh", "{work_dir}/program", "{args}"]
syscall_profile = "interpreter"
helper_files = 16
)";

std::string manifest(const std::string& more = {}) {
  return std::string(kManifest) + R"([compile]
compiler = "/bin/sh"
argv = ["{compiler}", "{source_name}", "{extra_args}"]
outputs = ["program"]
)" + more;
}

class CompileStep : public ::testing::Test {
 protected:
  void make(const std::string& text = manifest()) {
    tree_.file("runtimes/maker/runtime.toml", text);
    Config config = test::test_config();
    config.settings().compile.cache_dir = tree_.path("cache");
    config.settings().limits.compile_time = Milliseconds(20'000 * test::slowness());
    if (change_) change_(config.settings());
    auto made =
        Sandbox::create(std::move(config), {.runtime_directories = {tree_.path("runtimes")}});
    ASSERT_TRUE(made) << made.error().to_string();
    sandbox_.emplace(std::move(*made));
  }
  Outcome run(const std::string& script, Request request = {}) {
    request.source = SourceText{.text = script, .name = "main.make"};
    auto outcome = sandbox_->run(request);
    if (outcome) return std::move(*outcome);
    ADD_FAILURE() << outcome.error().to_string();
    return {};
  }
  std::size_t entries() const {
    std::size_t count = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(tree_.path("cache"), error))
      count += entry.path().extension() == ".program" ? 1 : 0;
    return count;
  }

  TempTree tree_;
  std::function<void(Settings&)> change_;
  std::optional<Sandbox> sandbox_;
};

constexpr const char* kHello = "echo 'echo \"hello $1\"; exit 4' > program; echo a warning >&2";

TEST_F(CompileStep, RunsWhatItMadeAndTellsWhatTheCompilerSaid) {
  make();
  const Outcome outcome = run(kHello, {.args = {"you"}});
  EXPECT_EQ(outcome.status, Status::kExited) << outcome.message;
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_EQ(outcome.stdout_text, "hello you\n");
  EXPECT_THAT(outcome.stderr_text, IsEmpty());
  ASSERT_NE(outcome.compile, nullptr);
  EXPECT_FALSE(outcome.compile->cached);
  EXPECT_EQ(outcome.compile->stderr_text, "a warning\n");
  EXPECT_EQ(outcome.compile->enforcement.at("seccomp"), "compiler");
  EXPECT_EQ(outcome.enforcement.at("seccomp"), "interpreter");
}

TEST_F(CompileStep, ComesFromTheCacheWithItsWarningsTheSecondTime) {
  make();
  (void)run(kHello);
  const Outcome outcome = run(kHello, {.args = {"again"}});
  EXPECT_EQ(outcome.stdout_text, "hello again\n");
  ASSERT_NE(outcome.compile, nullptr);
  EXPECT_TRUE(outcome.compile->cached);
  EXPECT_EQ(outcome.compile->stderr_text, "a warning\n");
  EXPECT_EQ(entries(), 1U);
}

TEST_F(CompileStep, IsCompiledAnewForOtherSourcesOtherFilesAndOtherDomains) {
  make();
  (void)run(kHello);
  EXPECT_FALSE(run(std::string(kHello) + " # other").compile->cached);
  Request with_file;
  with_file.files = {{.name = "x.h", .content = SourceText{.text = "1", .name = {}}}};
  EXPECT_FALSE(run(kHello, with_file).compile->cached);
  EXPECT_TRUE(run(kHello, with_file).compile->cached);
  with_file.files[0].content = SourceText{.text = "2", .name = {}};
  EXPECT_FALSE(run(kHello, with_file).compile->cached);
  EXPECT_FALSE(run(kHello, {.trust_domain = "somebody else"}).compile->cached);
  EXPECT_TRUE(run(kHello, {.trust_domain = "somebody else"}).compile->cached);
}

TEST_F(CompileStep, IsSharedBetweenDomainsOnlyWhenConfigured) {
  change_ = [](Settings& settings) { settings.compile.share_between_domains = true; };
  make();
  (void)run(kHello, {.trust_domain = "a"});
  EXPECT_TRUE(run(kHello, {.trust_domain = "b"}).compile->cached);
}

TEST_F(CompileStep, IsNeverCachedWhenTheCacheIsOff) {
  change_ = [](Settings& settings) { settings.compile.cache = false; };
  make();
  (void)run(kHello);
  EXPECT_FALSE(run(kHello).compile->cached);
  EXPECT_EQ(entries(), 0U);
}

// The keys of [compile] as a configuration file says them.
class CompileSettingsOfAFile : public CompileStep {
 protected:
  void configure(const std::string& lines) {
    const std::string file = tree_.file("sandbox.toml", "[compile]\n" + lines);
    auto config = Config::load({.system_file = tree_.path("none"),
                                .user_file = tree_.path("none"),
                                .named_file = file,
                                .trust_file = tree_.path("none")});
    ASSERT_TRUE(config) << config.error().to_string();
    change_ = [settings = config->settings().compile, this](Settings& all) {
      all.compile = settings;
      if (all.compile.cache_dir.empty()) all.compile.cache_dir = tree_.path("cache");
    };
    make();
  }
};

TEST_F(CompileSettingsOfAFile, CacheTurnsItOnAndOff) {
  configure("cache = false\n");
  (void)run(kHello);
  EXPECT_FALSE(run(kHello).compile->cached);
  configure("cache = true\n");
  (void)run(kHello);
  EXPECT_TRUE(run(kHello).compile->cached);
}

TEST_F(CompileSettingsOfAFile, CacheDirIsWhereTheEntriesAre) {
  configure("cache_dir = \"" + tree_.path("other/place") + "\"\n");
  (void)run(kHello);
  EXPECT_TRUE(run(kHello).compile->cached);
  EXPECT_EQ(entries(), 0U) << "the usual place";
  std::filesystem::remove_all(tree_.path("other/place"));
  EXPECT_FALSE(run(kHello).compile->cached);
}

TEST_F(CompileSettingsOfAFile, CacheMaxSizeMakesTheOldestEntriesGo) {
  const auto large = [](int number) {
    return fmt::format("echo 'echo {}; exit' > program; head -c 700000 /dev/zero >> program",
                       number);
  };
  configure("cache_max_size = \"2MiB\"\n");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(run(large(i)).stdout_text, fmt::format("{}\n", i));
  EXPECT_EQ(entries(), 2U);
  EXPECT_TRUE(run(large(3)).compile->cached);
  EXPECT_FALSE(run(large(0)).compile->cached);
  configure("cache_max_size = \"20MiB\"\n");
  for (int i = 0; i < 4; ++i) (void)run(large(i));
  EXPECT_EQ(entries(), 4U);
}

TEST_F(CompileSettingsOfAFile, ShareBetweenDomainsLetsOneGetWhatAnotherCompiled) {
  configure("share_between_domains = false\n");
  (void)run(kHello, {.trust_domain = "a"});
  EXPECT_FALSE(run(kHello, {.trust_domain = "b"}).compile->cached);
  configure("share_between_domains = true\n");
  (void)run(kHello, {.trust_domain = "c"});
  EXPECT_TRUE(run(kHello, {.trust_domain = "d"}).compile->cached);
}

TEST_F(CompileStep, ThatIsDamagedInTheCacheIsDoneAgain) {
  make();
  (void)run(kHello);
  for (const auto& entry : std::filesystem::directory_iterator(tree_.path("cache"))) {
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-12, std::ios::end);
    file.put('!');
  }
  const Outcome outcome = run(kHello);
  EXPECT_FALSE(outcome.compile->cached);
  EXPECT_EQ(outcome.stdout_text, "hello \n");
  EXPECT_TRUE(run(kHello).compile->cached);
}

TEST_F(CompileStep, ThatFailsRunsNothingAndIsNotCached) {
  make();
  for (int i = 0; i < 2; ++i) {
    const Outcome outcome = run("echo 'main.make:1: mistake' >&2; echo x > program; exit 7");
    EXPECT_EQ(outcome.status, Status::kCompileFailed);
    EXPECT_EQ(exit_status(outcome), 65);
    EXPECT_THAT(outcome.message, HasSubstr("exited with 7"));
    EXPECT_THAT(outcome.stdout_text, IsEmpty());
    EXPECT_EQ(outcome.compile->stderr_text, "main.make:1: mistake\n");
    EXPECT_FALSE(outcome.compile->cached);
  }
  EXPECT_EQ(entries(), 0U);
}

struct BadOutput {
  const char* name;
  const char* script;
  const char* message;
};
class BadOutputs : public CompileStep, public ::testing::WithParamInterface<BadOutput> {};

TEST_P(BadOutputs, AreRefusedAndNothingRuns) {
  change_ = [](Settings& settings) {
    settings.limits.compile_file_size = ByteCount::mib(1);
    settings.limits.compile_memory = ByteCount::mib(64);
  };
  make();
  const Outcome outcome = run(GetParam().script);
  EXPECT_EQ(outcome.status, Status::kCompileFailed) << outcome.stdout_text;
  EXPECT_THAT(outcome.message, HasSubstr(GetParam().message));
  EXPECT_THAT(outcome.stdout_text, IsEmpty());
  EXPECT_EQ(entries(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    OfACompiler, BadOutputs,
    ::testing::Values(
        BadOutput{"Missing", "true", "is not there"},
        BadOutput{"ALinkToAHostFile", "ln -s /etc/passwd program", "neither a file nor"},
        BadOutput{"ALinkInsideADirectory", "mkdir program; ln -s /etc program/etc",
                  "neither a file nor"},
        BadOutput{"ALinkOutOfTheDirectory", "ln -s ../../../../etc/shadow program",
                  "neither a file nor"},
        BadOutput{"AFifo", "mkfifo program", "neither a file nor"},
        BadOutput{"TooLargeTogether",
                  "mkdir program; for i in 1 2 3; do head -c 700000 /dev/zero > program/$i; done",
                  "more than 1 MiB"},
        BadOutput{"ASparseFileAboveTheLimit", "truncate -s 10G program", "exited with"},
        BadOutput{"SparseFilesThatAreTooLargeTogether",
                  "mkdir program; for i in 1 2 3; do truncate -s 700000 program/$i; done",
                  "more than 1 MiB"},
        BadOutput{"ASocketWhichItMayNotMake",
                  "perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, "
                  "sockaddr_un(\"program\")) or die'",
                  "exited with"},
        BadOutput{"ANameThatIsNoPathAnyMore",
                  "n=$(printf '%0240d' 0); mkdir program; cd program; for i in $(seq 18); do mkdir "
                  "$n && cd ./$n 2> /dev/null; done; true",
                  "more than 4000 bytes"},
        BadOutput{"TooManyDirectories",
                  "mkdir program; cd program; for i in $(seq 200); do mkdir d$i; (cd d$i; mkdir "
                  "$(seq 100)); done",
                  "more than 16384 files"},
        BadOutput{"TooDeep",
                  "mkdir program; cd program; for i in $(seq 40); do mkdir d; cd d; done",
                  "nested too deeply"}),
    [](const auto& bad) { return bad.param.name; });

TEST_F(CompileStep, HasLimitsOfItsOwn) {
  change_ = [](Settings& settings) {
    settings.limits.compile_time = Milliseconds(300);
    settings.limits.wall_time = Milliseconds(60'000);
  };
  make();
  const Outcome outcome = run("sleep 30");
  EXPECT_EQ(outcome.status, Status::kCompileFailed);
  EXPECT_THAT(outcome.message, HasSubstr("compile time limit 300 ms"));
  EXPECT_EQ(outcome.compile->status, Status::kWallTimeExceeded);
}

TEST_F(CompileStep, IsNotLimitedByTheRunsTimeout) {
  make();
  Request request;
  const Milliseconds limit(400 * test::slowness());
  request.limits.wall_time = limit;
  request.limits.cpu_time = limit;
  const Outcome outcome =
      run(fmt::format("sleep {}; echo echo ran > program", 0.6 * test::slowness()), request);
  EXPECT_EQ(outcome.stdout_text, "ran\n") << outcome.message;
}

TEST_F(CompileStep, SeesNothingOfWhatTheRunWasGranted) {
  make();
  const std::string secret = tree_.file("granted/secret", "secret");
  Request request;
  request.paths = {{.host = tree_.path("granted"), .inside = "/granted", .access = Access::kRead}};
  request.env = {{"TOKEN", "secret"}};
  const Outcome outcome =
      run("if [ -e /granted ] || [ -n \"$TOKEN\" ]; then exit 9; fi\n"
          "echo 'cat /granted/secret; echo $TOKEN' > program",
          request);
  EXPECT_EQ(outcome.stdout_text, "secretsecret\n") << outcome.message;
}

TEST_F(CompileStep, HandsADirectoryOnWholeWithItsExecutableFiles) {
  std::string text = manifest();
  text.replace(text.find("{work_dir}/program"), 18, "{work_dir}/program/bin/run");
  make(text);
  const Outcome outcome =
      run("mkdir -p program/bin program/empty; echo 'ls program; cat program/data; stat -c %a "
          "program/bin/run' > program/bin/run; chmod +x program/bin/run; echo data > "
          "program/data");
  EXPECT_EQ(outcome.stdout_text, "bin\ndata\nempty\ndata\n755\n") << outcome.message;
}

TEST_F(CompileStep, WinsOverAFileOfTheSameName) {
  make();
  Request request;
  request.files = {{.name = "program", .content = SourceText{.text = "echo the file", .name = {}}},
                   {.name = "data", .content = SourceText{.text = "beside it\n", .name = {}}}};
  const Outcome outcome = run("echo 'echo made; cat data' > program", request);
  EXPECT_EQ(outcome.stdout_text, "made\nbeside it\n") << outcome.message;
}

TEST_F(CompileStep, KeepsItsSourceToItselfUnlessItIsAskedFor) {
  make();
  EXPECT_EQ(run("echo 'ls' > program").stdout_text, "program\n");
  make(manifest("keep_source = true\n"));
  EXPECT_EQ(run("echo 'ls' > program").stdout_text, "main.make\nprogram\n");
}

TEST_F(CompileStep, LeavesNoSetIdFile) {
  make();
  const Outcome outcome = run("echo 'stat -c %a program' > program; chmod 6755 program; true");
  EXPECT_THAT(outcome.stdout_text, ::testing::AnyOf("644\n", "755\n")) << outcome.message;
}

TEST_F(CompileStep, ThatMakesAFileWhereTheSourcesHaveADirectoryIsRefused) {
  make();
  Request request;
  request.source =
      SourceText{.text = "rm -r program; echo echo ran > program", .name = "main.make"};
  request.files = {{.name = "program/x", .content = SourceText{.text = "1", .name = {}}}};
  const auto outcome = sandbox_->run(request);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kRefused);
  EXPECT_THAT(outcome.error().to_string(), HasSubstr("'program' would be two things"));
}

TEST_F(CompileStep, DoesNotWaitForWhatTheCompilerLeftInTheBackground) {
  make();
  const auto began = std::chrono::steady_clock::now();
  const Outcome outcome = run(
      "setsid sleep 300 > /dev/null 2>&1 & (trap '' TERM; sleep 300) & echo echo ran > program");
  EXPECT_EQ(outcome.stdout_text, "ran\n") << outcome.message;
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(60));
}

// Whoever is left when the compiler ends is dead before its output is looked at.
TEST_F(CompileStep, IsNotFooledByAProcessThatChangesTheOutputForEver) {
  change_ = [](Settings& settings) { settings.compile.cache = false; };
  make();
  for (int i = 0; i < 20; ++i) {
    const Outcome outcome =
        run("(while :; do ln -sf /etc/passwd l; mv l program; echo 'echo fine' > f; mv f program; "
            "done) > /dev/null 2>&1 & sleep 0.02");
    if (outcome.status == Status::kCompileFailed) {
      EXPECT_THAT(outcome.message,
                  ::testing::AnyOf(HasSubstr("neither a file nor"), HasSubstr("is not there")));
    } else {
      EXPECT_EQ(outcome.stdout_text, "fine\n") << outcome.message;
    }
  }
}

TEST_F(CompileStep, IsNotTakenFromAnEntryThatOthersMayWriteToOrThatIsALink) {
  make();
  const std::string entry_made = [&] {
    (void)run(kHello);
    return std::filesystem::directory_iterator(tree_.path("cache"))->path().string();
  }();
  EXPECT_TRUE(run(kHello).compile->cached);
  std::filesystem::permissions(entry_made, std::filesystem::perms(0666));
  EXPECT_FALSE(run(kHello).compile->cached);
  EXPECT_TRUE(run(kHello).compile->cached) << "it was replaced by one that is ours alone";
  std::filesystem::rename(entry_made, tree_.path("elsewhere"));
  std::filesystem::create_symlink(tree_.path("elsewhere"), entry_made);
  EXPECT_FALSE(run(kHello).compile->cached);
}

TEST_F(CompileStep, IsNotTakenFromTheEntryOfAnotherProgram) {
  make();
  (void)run(kHello);
  const std::string first =
      std::filesystem::directory_iterator(tree_.path("cache"))->path().string();
  (void)run("echo echo other > program");
  ASSERT_EQ(entries(), 2U);
  for (const auto& entry : std::filesystem::directory_iterator(tree_.path("cache"))) {
    if (entry.path() == first) continue;
    std::filesystem::copy_file(first, entry.path(),
                               std::filesystem::copy_options::overwrite_existing);
  }
  const Outcome outcome = run("echo echo other > program");
  EXPECT_FALSE(outcome.compile->cached);
  EXPECT_EQ(outcome.stdout_text, "other\n");
}

TEST_F(CompileStep, IsNotCachedWhereOthersMayWrite) {
  make();
  std::filesystem::create_directory(tree_.path("cache"));
  std::filesystem::permissions(tree_.path("cache"), std::filesystem::perms(0777));
  (void)run(kHello);
  EXPECT_FALSE(run(kHello).compile->cached);
  EXPECT_EQ(entries(), 0U);
}

TEST_F(CompileStep, NeverChangesTheModeOfTheCachesDirectory) {
  for (const unsigned mode : {0750U, 0777U}) {
    std::filesystem::remove_all(tree_.path("cache"));
    std::filesystem::create_directory(tree_.path("cache"));
    std::filesystem::permissions(tree_.path("cache"), std::filesystem::perms(mode));
    make(manifest("[compile.warm]\nargv = [\"/bin/sh\", \"-c\", \"echo 1 > x\"]\n"));
    Request request;
    request.source = SourceText{.text = kHello, .name = "main.make"};
    const auto outcome = sandbox_->run(request);
    // What others may write to is no place for a compiler's files.
    EXPECT_EQ(static_cast<bool>(outcome), mode == 0750U);
    EXPECT_EQ(std::filesystem::status(tree_.path("cache")).permissions(),
              std::filesystem::perms(mode));
  }
}

TEST_F(CompileStep, ThatASignalEndsHasNotCompiled) {
  make();
  const Outcome outcome = run("kill -SEGV $$");
  EXPECT_EQ(outcome.status, Status::kCompileFailed);
  EXPECT_EQ(outcome.message, "the compiler was killed by SIGSEGV");
  ASSERT_NE(outcome.compile, nullptr);
  EXPECT_EQ(outcome.compile->signal, SIGSEGV);
}

TEST_F(CompileStep, NamesTheSettingOfALargestFile) {
  change_ = [](Settings& settings) { settings.limits.compile_file_size = ByteCount::kib(64); };
  make();
  const Outcome killed = run("exec dd if=/dev/zero of=program bs=1024 count=100");
  EXPECT_EQ(killed.status, Status::kCompileFailed);
  EXPECT_EQ(killed.message,
            "the compiler was killed by SIGXFSZ; a file of the compile step may have 64 KiB, "
            "compile_max_file_size_kb in [resource_limits] raises it");
  ASSERT_NE(killed.compile, nullptr);
  ASSERT_THAT(killed.compile->limits_reached, SizeIs(1));
  EXPECT_EQ(killed.compile->limits_reached[0].hint,
            "compile_max_file_size_kb in [resource_limits]");
  const Outcome exited = run("echo 'ld: File too large' >&2; exit 1");
  EXPECT_THAT(exited.message, HasSubstr("the compiler exited with 1; a file of"));
  EXPECT_EQ(run("exit 1").message, "the compiler exited with 1");
}

TEST_F(CompileStep, CanBeCancelled) {
  make();
  Request request;
  request.source = SourceText{.text = "sleep 30", .name = "main.make"};
  auto run = sandbox_->start(request);
  ASSERT_TRUE(run) << run.error().to_string();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  run->cancel();
  const auto outcome = run->wait();
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  EXPECT_EQ(outcome->status, Status::kSignaled);
  EXPECT_EQ(outcome->signal, SIGKILL);
}

TEST_F(CompileStep, LeavesStandardInputToTheProgram) {
  make();
  Request request;
  request.input = StdinBytes{.bytes = "for the program\n"};
  EXPECT_EQ(run("cat; echo cat > program", request).stdout_text, "for the program\n");
}

TEST_F(CompileStep, ByEightThreadsAtOnceGivesEachItsResult) {
  make();
  std::vector<std::thread> threads;
  std::vector<std::string> outputs(8);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    threads.emplace_back([&, i] {
      outputs[i] =
          run(i % 2 == 0 ? kHello : "echo echo odd > program", {.args = {"t"}}).stdout_text;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < outputs.size(); ++i)
    EXPECT_EQ(outputs[i], i % 2 == 0 ? "hello t\n" : "odd\n");
  EXPECT_EQ(entries(), 2U);
}

TEST_F(CompileStep, FindsWhatWasMadeOnceForTheCompiler) {
  std::string text = manifest(R"([compile.warm]
argv = ["/bin/sh", "-c", "mkdir d; date +%s%N > d/stamp; chmod 700 d; chmod 600 d/stamp"]
)");
  make(text);
  const std::string script = "echo echo $(cat /warm/d/stamp) > program; touch /warm/x 2> /dev/null";
  const std::string first = run(script + "; true # 1").stdout_text;
  const std::string second = run(script + "; true # 2").stdout_text;
  EXPECT_GT(first.size(), 10U);
  EXPECT_EQ(first, second);
}

TEST_F(CompileStep, FailsWhenWhatItNeedsOnceCannotBeMade) {
  make(manifest(R"([compile.warm]
argv = ["/bin/sh", "-c", "echo no header >&2; exit 3"]
)"));
  Request request;
  request.source = SourceText{.text = kHello, .name = "main.make"};
  const auto outcome = sandbox_->run(request);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().to_string(), HasSubstr("compile.warm"));
  EXPECT_THAT(outcome.error().to_string(), HasSubstr("no header"));
  std::size_t left = 0;
  std::error_code error;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(tree_.path("cache"), error))
    ++left;
  EXPECT_EQ(left, 0U);
}

TEST(CompileKey, DependsOnFlagsCompilerSourcesAndDomain) {
  Plan plan;
  plan.argv = {"cc", "-O2"};
  Step step;
  step.identity = "cc 1";
  const std::string key = compile_key(plan, step, {"a"}, "d");
  EXPECT_EQ(key.size(), 64U);
  EXPECT_EQ(key, compile_key(plan, step, {"a"}, "d"));
  EXPECT_NE(key, compile_key(plan, step, {"b"}, "d"));
  EXPECT_NE(key, compile_key(plan, step, {"a"}, "e"));
  Step other = step;
  other.identity = "cc 2";
  EXPECT_NE(key, compile_key(plan, other, {"a"}, "d"));
  other = step;
  other.warm_dir = "/cache/warm-1";
  EXPECT_NE(key, compile_key(plan, other, {"a"}, "d"));
  plan.argv = {"cc", "-O3"};
  EXPECT_NE(key, compile_key(plan, step, {"a"}, "d"));
}

TEST(CompileKey, DiffersWhereOnePartEndsAndTheNextOneBegins) {
  const auto key = [](std::vector<std::string> argv, std::vector<std::string> env,
                      std::vector<std::string> outputs, std::vector<std::string> sources,
                      const char* domain) {
    Plan plan;
    plan.argv = std::move(argv);
    plan.env = std::move(env);
    Step step;
    step.outputs = std::move(outputs);
    return compile_key(plan, step, sources, domain);
  };
  const std::vector<std::string> keys = {
      key({"cc", "a b"}, {}, {}, {}, ""), key({"cc", "a", "b"}, {}, {}, {}, ""),
      key({"cc a", "b"}, {}, {}, {}, ""), key({"cc"}, {"a", "b"}, {}, {}, ""),
      key({"cc"}, {"a"}, {"b"}, {}, ""),  key({"cc"}, {}, {"a"}, {"b"}, ""),
      key({"cc"}, {}, {}, {"a"}, "b"),    key({"cc"}, {}, {}, {"a", "b"}, ""),
      key({"cc"}, {}, {}, {"ab"}, "")};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    for (std::size_t j = i + 1; j < keys.size(); ++j) EXPECT_NE(keys[i], keys[j]) << i << j;
  }
}

}  // namespace
}  // namespace sandpit
