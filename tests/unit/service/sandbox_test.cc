// The library's front door, as an embedding program uses it.
#include "sandpit/sandbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "sandbox_fixture.h"
#include "support/temp_tree.h"

namespace sandpit {
namespace {

using test::eventually;
using test::MarkedSandbox;
using test::python;
using test::shell;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Collects what a run says; safe to look at while it runs.
class Listener {
 public:
  OutputCallback callback() {
    return [this](OutputStream stream, std::string_view bytes) {
      const std::scoped_lock lock(mutex_);
      EXPECT_FALSE(inside_.exchange(true)) << "two calls at a time";
      (stream == OutputStream::kStdout ? out_ : err_) += bytes;
      all_ += bytes;
      inside_ = false;
    };
  }
  [[nodiscard]] std::string out() const { return copy(out_); }
  [[nodiscard]] std::string err() const { return copy(err_); }
  [[nodiscard]] std::string all() const { return copy(all_); }

 private:
  [[nodiscard]] std::string copy(const std::string& text) const {
    const std::scoped_lock lock(mutex_);
    return text;
  }
  mutable std::mutex mutex_;
  std::atomic<bool> inside_ = false;
  std::string out_;
  std::string err_;
  std::string all_;
};

class SandboxTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(sandbox_.valid()) << sandbox_.error(); }
  Outcome run(const Request& request) {
    auto outcome = sandbox_->run(request);
    if (outcome) return std::move(*outcome);
    ADD_FAILURE() << outcome.error().to_string();
    return {};
  }
  sandpit::Run start(const Request& request, OutputCallback callback = {}) {
    auto run = sandbox_->start(request, std::move(callback));
    if (!run) {
      ADD_FAILURE() << run.error().to_string();
      std::abort();
    }
    return std::move(*run);
  }
  MarkedSandbox sandbox_;
};

TEST_F(SandboxTest, RunsAProgramToItsEnd) {
  const Outcome outcome = run(shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(outcome.status, Status::kExited) << outcome.message;
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(outcome.stdout_text, "out\n");
  EXPECT_EQ(outcome.stderr_text, "err\n");
  EXPECT_EQ(outcome.stdout_bytes, 4U);
  EXPECT_EQ(outcome.runtime, "shell");
  EXPECT_GT(outcome.wall_time.count(), 0);
}

TEST_F(SandboxTest, PassesArgumentsEnvironmentAndInput) {
  Request request =
      python("import os, sys; print(sys.argv[1:], os.environ['A'], sys.stdin.read())");
  request.args = {"a b", "-x"};
  request.env = {{"A", "1"}};
  request.input = StdinBytes{"given"};
  EXPECT_EQ(run(request).stdout_text, "['a b', '-x'] 1 given\n");
}

TEST_F(SandboxTest, RefusesArgumentsThatTheKernelDoesNotTake) {
  const std::vector<std::string> one_long = {std::string(128UL << 10U, 'x')};
  const std::vector<std::string> many(30, std::string(100UL << 10U, 'x'));
  Request request = shell("echo $#");
  for (const auto& args : {one_long, many}) {
    request.args = args;
    const Outcome outcome = run(request);
    EXPECT_EQ(outcome.status, Status::kRefused);
    EXPECT_THAT(outcome.message, HasSubstr("Argument list too long (one argument or variable may"));
  }
  request.limits.stack = ByteCount::mib(16);
  EXPECT_EQ(run(request).stdout_text, "30\n");
}

TEST_F(SandboxTest, TracesFilesAndSaysWhichOptionShowsThem) {
  const TempTree tree;
  const std::string data = tree.file("data.csv", "1");
  Request request = shell("cat '" + data + "' /srv/absent");
  request.trace = true;
  const auto outcome = run(request);
  ASSERT_TRUE(outcome.files_traced.has_value());
  EXPECT_EQ(outcome.start_reason, "it is traced");
  EXPECT_EQ(outcome.files_traced->missing, "");
  ASSERT_EQ(outcome.files_traced->failed.size(), 2U);
  const FileAccess& first = outcome.files_traced->failed.front();
  EXPECT_EQ(first.path, data);
  EXPECT_EQ(first.error, "ENOENT");
  EXPECT_EQ(first.hint, "--read " + data);
  ASSERT_TRUE(first.grant.has_value());
  EXPECT_EQ(first.grant->host, data);
  EXPECT_EQ(outcome.files_traced->failed.back().path, "/srv/absent");
  request.paths.push_back(*first.grant);
  const auto granted = run(request);
  EXPECT_EQ(granted.stdout_text, "1");
  EXPECT_EQ(granted.files_traced->failed.size(), 1U);
}

TEST_F(SandboxTest, ReadsAFileOfTheHostAsInput) {
  const TempTree tree;
  Request request = shell("cat");
  request.input = StdinFile{tree.file("in", "from a file")};
  EXPECT_EQ(run(request).stdout_text, "from a file");
}

TEST_F(SandboxTest, ReadsTheCallersDescriptorAndLeavesItOpen) {
  const TempTree tree;
  const UniqueFd file(::open(tree.file("in", "from a descriptor").c_str(), O_RDONLY | O_CLOEXEC));
  Request request = shell("cat");
  request.input = StdinDescriptor{file.get()};
  EXPECT_EQ(run(request).stdout_text, "from a descriptor");
  EXPECT_GE(::fcntl(file.get(), F_GETFD), 0);
}

TEST_F(SandboxTest, LimitsOfTheRequestWin) {
  Request request = shell("sleep 100");
  request.limits.wall_time = Milliseconds(300);
  EXPECT_EQ(run(request).status, Status::kWallTimeExceeded);
  request = python("x = bytearray(300 << 20)");
  request.limits.memory = ByteCount::mib(64);
  EXPECT_EQ(run(request).status, Status::kMemoryExceeded);
}

TEST_F(SandboxTest, CopiesOutWhatTheProgramMade) {
  const TempTree tree;
  Request request = shell("echo made > file");
  request.out_dir = tree.path("out");
  EXPECT_THAT(run(request).warnings, ::testing::IsEmpty());
  EXPECT_EQ(test::slurp(tree.path("out/file")), "made\n");
}

TEST_F(SandboxTest, StreamsOutputWhileTheProgramRuns) {
  Listener listener;
  Request request = python(
      "import sys\nprint('first', flush=True)\nsys.stdin.readline()\nprint('second', flush=True)");
  request.input = StdinStream{};
  sandpit::Run running = start(request, listener.callback());
  ASSERT_TRUE(eventually([&] { return listener.out() == "first\n"; })) << listener.all();
  ASSERT_TRUE(running.write_stdin("go\n"));
  const auto outcome = running.wait();
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  EXPECT_EQ(listener.out(), "first\nsecond\n");
  EXPECT_EQ(outcome->stdout_text, "first\nsecond\n");
}

TEST_F(SandboxTest, CallsBackInTheOrderOfEachStream) {
  Listener listener;
  sandpit::Run running =
      start(python("import sys\nfor i in range(20000):\n  print(i)\n  print(-i, file=sys.stderr)"),
            listener.callback());
  const auto outcome = running.wait();
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  std::string expected_out;
  std::string expected_err;
  for (int i = 0; i < 20000; ++i) {
    expected_out += fmt::format("{}\n", i);
    expected_err += fmt::format("{}\n", -i);
  }
  EXPECT_TRUE(listener.out() == expected_out) << listener.out().size();
  EXPECT_TRUE(listener.err() == expected_err) << listener.err().size();
  EXPECT_TRUE(outcome->stdout_text == expected_out);
}

TEST_F(SandboxTest, TenMegabytesArriveComplete) {
  std::string expected;
  for (int i = 0; i < 1'250'000; ++i) expected += fmt::format("{:07}\n", i);
  const std::string program =
      "import sys\nsys.stdout.write(''.join(f'{i:07}\\n' for i in range(1250000)))";
  EXPECT_TRUE(run(python(program)).stdout_text == expected);
  Listener listener;
  sandpit::Run running = start(python(program), listener.callback());
  const auto outcome = running.wait();
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->stdout_truncated);
  EXPECT_EQ(outcome->stdout_bytes, 10'000'000U);
  EXPECT_TRUE(listener.out() == expected) << listener.out().size();
  EXPECT_TRUE(outcome->stdout_text == expected) << outcome->stdout_text.size();
}

TEST_F(SandboxTest, ASlowListenerHoldsTheProgramBackAndLosesNothing) {
  std::size_t bytes = 0;
  int calls = 0;
  sandpit::Run running =
      start(shell("head -c 3000000 /dev/zero"), [&](OutputStream, std::string_view part) {
        if (++calls < 20) std::this_thread::sleep_for(std::chrono::milliseconds(20));
        bytes += part.size();
      });
  ASSERT_TRUE(running.wait());
  EXPECT_EQ(bytes, 3'000'000U);
}

TEST_F(SandboxTest, OutputPastItsLimitKeepsHeadAndTailInTheOutcomeAndForTheListener) {
  Listener listener;
  Request request = python("import sys\nsys.stdout.write('HEAD' + 'x' * 3000000 + 'TAIL')");
  Config config = test::test_config();
  config.settings().limits.output = ByteCount::kib(64);
  MarkedSandbox small(std::move(config));
  ASSERT_TRUE(small.valid()) << small.error();
  auto running = small->start(request, listener.callback());
  ASSERT_TRUE(running) << running.error().to_string();
  const auto outcome = running->wait();
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->stdout_truncated);
  EXPECT_EQ(outcome->stdout_bytes, 3'000'008U);
  EXPECT_THAT(outcome->stdout_text.substr(0, 8), StartsWith("HEAD"));
  EXPECT_THAT(outcome->stdout_text.substr(outcome->stdout_text.size() - 8), EndsWith("TAIL"));
  EXPECT_TRUE(listener.out() == outcome->stdout_text);
}

TEST_F(SandboxTest, FeedsStandardInputInPieces) {
  Request request = shell("while read -r line; do echo \"<$line>\"; done; echo end");
  request.input = StdinStream{};
  sandpit::Run running = start(request);
  for (const char* piece : {"one\nt", "wo", "\nthree\n"}) ASSERT_TRUE(running.write_stdin(piece));
  running.close_stdin();
  EXPECT_FALSE(running.write_stdin("late"));
  const auto outcome = running.wait();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->stdout_text, "<one>\n<two>\n<three>\nend\n");
}

TEST_F(SandboxTest, FeedsMoreInputThanAPipeHolds) {
  Request request = shell("wc -c");
  request.input = StdinStream{};
  sandpit::Run running = start(request);
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(running.write_stdin(piece));
  running.close_stdin();
  const auto outcome = running.wait();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->stdout_text, fmt::format("{}\n", 5 << 20));
}

TEST_F(SandboxTest, WritingToAProgramThatHasEndedIsAnErrorAndNoSignal) {
  // With the default disposition SIGPIPE would end this test.
  ASSERT_NE(::signal(SIGPIPE, SIG_DFL), SIG_ERR);
  Request request = shell("exit 0");
  request.input = StdinStream{};
  sandpit::Run running = start(request);
  Result<void> written;
  ASSERT_TRUE(eventually([&] {
    written = running.write_stdin("x");
    return !written.has_value();
  }));
  EXPECT_EQ(written.error().code, ErrorCode::kCancelled);
  ASSERT_TRUE(running.wait());
  sigset_t pending;
  ASSERT_EQ(::sigpending(&pending), 0);
  EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
}

TEST_F(SandboxTest, CancelKillsTheWholeTree) {
  const std::string word = test::unique_word();
  Listener listener;
  sandpit::Run running = start(shell("(exec -a " + word + " sleep 1000) & (exec -a " + word +
                                     " sleep 1000) & echo ready; wait"),
                               listener.callback());
  ASSERT_TRUE(eventually([&] {
    return listener.out() == "ready\n" && test::processes_with("cmdline", word).size() >= 2;
  }));
  running.cancel();
  running.cancel();
  const auto outcome = running.wait();
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  EXPECT_EQ(outcome->status, Status::kSignaled);
  EXPECT_EQ(outcome->signal, SIGKILL);
  EXPECT_EQ(outcome->message, "cancelled");
  EXPECT_EQ(outcome->stdout_text, "ready\n");
  EXPECT_TRUE(eventually([&] { return test::processes_with("cmdline", word).empty(); }));
}

TEST_F(SandboxTest, CancelAfterTheEndDoesNothingToTheNextRun) {
  for (int i = 0; i < 20; ++i) {
    sandpit::Run running = start(shell("true"));
    if (i % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    running.cancel();
    ASSERT_TRUE(running.wait());
    running.cancel();
  }
  for (int i = 0; i < 5; ++i) EXPECT_EQ(run(shell("echo fine")).stdout_text, "fine\n");
}

TEST_F(SandboxTest, CancelFromAnotherThreadEndsABlockedWrite) {
  Request request = shell("sleep 1000");
  request.input = StdinStream{};
  sandpit::Run running = start(request);
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    running.cancel();
  });
  const std::string more_than_a_pipe(1 << 20, 'x');
  const auto written = running.write_stdin(more_than_a_pipe);
  canceller.join();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kCancelled);
  ASSERT_TRUE(running.wait());
}

TEST_F(SandboxTest, DestroyingARunCancelsIt) {
  const std::string word = test::unique_word();
  {
    sandpit::Run running = start(shell("exec -a " + word + " sleep 1000"));
    ASSERT_TRUE(eventually([&] { return !test::processes_with("cmdline", word).empty(); }));
  }
  EXPECT_TRUE(eventually([&] { return test::processes_with("cmdline", word).empty(); }));
  EXPECT_EQ(run(shell("echo fine")).stdout_text, "fine\n");
}

TEST_F(SandboxTest, ARunOutlivesItsSandboxObject) {
  Request request = shell("read -r x; echo \"$x\"");
  request.input = StdinStream{};
  sandpit::Run running = start(request);
  sandbox_.destroy();
  ASSERT_TRUE(running.write_stdin("still served\n"));
  const auto outcome = running.wait();
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  EXPECT_EQ(outcome->stdout_text, "still served\n");
}

TEST_F(SandboxTest, WaitIsForOnce) {
  sandpit::Run running = start(shell("true"));
  EXPECT_TRUE(running.wait());
  const auto again = running.wait();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kUsage);
}

TEST_F(SandboxTest, AMovedRunGoesOn) {
  sandpit::Run first = start(shell("echo moved"));
  sandpit::Run second = std::move(first);
  sandpit::Run third = start(shell("sleep 1000"));
  third = std::move(second);  // cancels the sleeper
  const auto outcome = third.wait();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->stdout_text, "moved\n");
}

TEST_F(SandboxTest, EightThreadsRunAtOnceAndGetTheirOwnResults) {
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int number = 0; number < 8; ++number) {
    threads.emplace_back([&, number] {
      for (int i = 0; i < 6; ++i) {
        Request request = shell("read -r x; echo \"$x-$1\"; exit $1");
        request.args = {std::to_string(number)};
        request.input = StdinBytes{std::to_string(i) + "\n"};
        const auto outcome = sandbox_->run(request);
        if (outcome && outcome->stdout_text == fmt::format("{}-{}\n", i, number) &&
            outcome->exit_code == number)
          ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 48);
}

TEST_F(SandboxTest, RequestErrorsCarryTheRightCode) {
  const TempTree tree;
  const auto code_of = [&](const Request& request) {
    const auto outcome = sandbox_->run(request);
    EXPECT_FALSE(outcome) << outcome->message;
    const auto started = sandbox_->start(request);
    EXPECT_FALSE(started);
    if (!outcome && !started) {
      EXPECT_EQ(outcome.error().code, started.error().code);
    }
    return outcome ? ErrorCode::kSystem : outcome.error().code;
  };
  const auto file = [](std::string path) {
    Request request;
    request.source = SourceFile{std::move(path)};
    return request;
  };
  EXPECT_EQ(code_of(file("/no/such/file.py")), ErrorCode::kUsage);
  EXPECT_EQ(code_of(file(tree.directory("d.py"))), ErrorCode::kUsage);
  EXPECT_EQ(code_of(file(tree.file("a.zzz", "text"))), ErrorCode::kNoRuntime);
  Request request = shell("true");
  request.runtime = "klingon";
  EXPECT_EQ(code_of(request), ErrorCode::kNoRuntime);
  request = shell("true");
  request.input = StdinFile{"/no/such/input"};
  EXPECT_EQ(code_of(request), ErrorCode::kUsage);
  request = shell("true");
  request.paths = {{.host = "/no/such/grant", .inside = {}, .access = Access::kRead}};
  EXPECT_EQ(code_of(request), ErrorCode::kUsage);
  request = shell("true");
  request.env = {{"A=B", "1"}};
  EXPECT_EQ(code_of(request), ErrorCode::kUsage);
  request = shell("true");
  request.limits.wall_time = Milliseconds(0);
  EXPECT_EQ(code_of(request), ErrorCode::kUsage);
  request = {};
  request.source = HostCommand{{"/no/such/command"}};
  EXPECT_EQ(code_of(request), ErrorCode::kNoRuntime);
  request.source = HostCommand{{}};
  EXPECT_EQ(code_of(request), ErrorCode::kUsage);
  EXPECT_EQ(run(shell("echo fine")).stdout_text, "fine\n");
}

TEST_F(SandboxTest, ArgumentsWithNulBytesAreRefusedNotCut) {
  Request request = shell("echo \"$1\"");
  request.args = {std::string("a\0b", 3)};
  const auto outcome = sandbox_->run(request);
  ASSERT_FALSE(outcome) << outcome->stdout_text;
  EXPECT_EQ(outcome.error().code, ErrorCode::kUsage);
}

TEST(SandboxCreation, AMissingLauncherIsAnErrorWithAHint) {
  const auto sandbox = Sandbox::create(test::test_config(), {.launcher = "/no/such/launcher"});
  ASSERT_FALSE(sandbox);
  EXPECT_EQ(sandbox.error().code, ErrorCode::kSandbox);
  EXPECT_FALSE(sandbox.error().hint.empty());
}

TEST(SandboxCreation, AProgramThatIsNoLauncherIsAnError) {
  for (const char* path : {"/bin/true", "/bin/false"}) {
    const auto sandbox = Sandbox::create(test::test_config(), {.launcher = path});
    ASSERT_FALSE(sandbox);
    EXPECT_EQ(sandbox.error().code, ErrorCode::kSandbox) << sandbox.error().to_string();
  }
}

}  // namespace
}  // namespace sandpit
