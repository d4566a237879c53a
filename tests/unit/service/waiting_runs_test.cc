// Runs that are forked before they are asked for: TemplateOptions::waiting.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "sandpit/sandbox.h"
#include "support/host_state.h"
#include "support/own_processes.h"
#include "support/slowness.h"
#include "support/warm_fixture.h"

namespace sandpit {
namespace {

using namespace std::chrono_literals;

class WaitingRuns : public test::WarmFixture {
 protected:
  void TearDown() override { ::unsetenv("SANDPIT_INJECT_WARM"); }

  // Until there is a run that waits, for requests like this one.
  static bool bring_up(const Sandbox& sandbox, const Request& request) {
    return comes_true([&] {
      return run(sandbox, request).start == "warm" && comes_true([&] {
               const TemplateCounts now = counts(sandbox);
               return now.waiting > 0 || now.hits == 0;
             });
    });
  }
};

TEST_F(WaitingRuns, ServeRequestsThatDifferInTheirProgramOnly) {
  const Sandbox sandbox = make({.most = 1});
  ASSERT_TRUE(bring_up(sandbox, hello()));
  const std::uint64_t before = counts(sandbox).waited;
  Request other =
      hello("import sys\nprint(sys.argv[1:], sys.stdin.read(), open('more.txt').read())\n");
  other.args = {"a", "b c"};
  other.input = StdinBytes{"typed"};
  other.files = {{.name = "more.txt", .content = SourceText{.text = "more", .name = "more.txt"}}};
  const Outcome outcome = run(sandbox, other);
  EXPECT_EQ(outcome.start, "warm");
  EXPECT_EQ(outcome.stdout_text, "['a', 'b c'] typed more\n") << outcome.stderr_text;
  EXPECT_EQ(counts(sandbox).waited, before + 1);
}

TEST_F(WaitingRuns, AreNoneWhereNoneAreWanted) {
  const Sandbox sandbox = make({.most = 1, .waiting = 0});
  ASSERT_EQ(run_warm(sandbox, hello()).start, "warm");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run(sandbox, hello()).stdout_text, "hello\n");
  EXPECT_EQ(counts(sandbox).waiting, 0U);
  EXPECT_EQ(counts(sandbox).waited, 0U);
}

TEST_F(WaitingRuns, AreOfNoUseToRequestsWithOtherLimits) {
  const Sandbox sandbox = make({.most = 1});
  ASSERT_TRUE(bring_up(sandbox, hello()));
  const std::uint64_t before = counts(sandbox).waited;
  Request other = hello("import resource\nprint(resource.getrlimit(resource.RLIMIT_FSIZE)[0])\n");
  other.limits.file_size = ByteCount::kib(7);
  const Outcome outcome = run(sandbox, other);
  EXPECT_EQ(outcome.start, "warm");
  EXPECT_EQ(outcome.stdout_text, "7168\n") << outcome.stderr_text;
  EXPECT_EQ(counts(sandbox).waited, before);
}

TEST_F(WaitingRuns, HaveAllOfTheirTimeWhenTheyBegin) {
  const Sandbox sandbox = make({.most = 1});
  Request request = hello("import time\ntime.sleep(0.5)\nprint('done')\n");
  const Milliseconds limit(1500 * test::slowness());
  request.limits.wall_time = limit;
  ASSERT_TRUE(bring_up(sandbox, request));
  const std::uint64_t before = counts(sandbox).waited;
  std::this_thread::sleep_for(limit);
  const Outcome outcome = run(sandbox, request);
  EXPECT_EQ(outcome.stdout_text, "done\n") << outcome.message;
  EXPECT_LT(outcome.wall_time, limit - Milliseconds(100));
  EXPECT_EQ(counts(sandbox).waited, before + 1);
}

TEST_F(WaitingRuns, WithASourceLargerThanAFileMayBeAreForkedWhenAskedFor) {
  const Sandbox sandbox = make({.most = 1});
  Request request = hello();
  request.limits.file_size = ByteCount::kib(1);
  ASSERT_TRUE(bring_up(sandbox, request));
  const std::uint64_t before = counts(sandbox).waited;
  request.source =
      SourceText{.text = "print('large')\n" + std::string(5000, '#'), .name = "main.py"};
  EXPECT_EQ(run(sandbox, request).stdout_text, "large\n");
  EXPECT_EQ(counts(sandbox).waited, before);
}

TEST_F(WaitingRuns, WaitBeforeTheirWallsWhereTheFilterForbidsTheRest) {
  const Sandbox sandbox = make({.most = 1}, {"sendfile"});
  const Request request =
      hello("import os\ntry:\n os.sendfile(1, 0, 0, 1)\nexcept OSError as e:\n print(e.errno)\n");
  ASSERT_TRUE(bring_up(sandbox, request));
  const std::uint64_t before = counts(sandbox).waited;
  EXPECT_EQ(run(sandbox, request).stdout_text, "1\n");
  EXPECT_EQ(counts(sandbox).waited, before + 1);
}

TEST_F(WaitingRuns, ThatWereKilledAreMissedByNobody) {
  test::mark_launcher();
  const Sandbox sandbox = make({.most = 1});
  ASSERT_TRUE(bring_up(sandbox, hello()));
  // A template's namespace lies between this one and the run's.
  pid_t ours = -1;
  ASSERT_TRUE(comes_true([&] { return (ours = test::process_of_launcher(3, 2)) > 0; }));
  ASSERT_EQ(::kill(ours, SIGKILL), 0);
  std::this_thread::sleep_for(100ms);
  for (int i = 0; i < 3; ++i) {
    const Outcome outcome = run(sandbox, hello());
    EXPECT_EQ(outcome.start, "warm");
    EXPECT_EQ(outcome.stdout_text, "hello\n") << outcome.message;
  }
  EXPECT_TRUE(comes_true([&] { return counts(sandbox).waiting == 1; }));
}

// Older than the ten seconds after which a run that is not born has a template that is stuck.
TEST_F(WaitingRuns, ThatWereKilledAfterAWhileTakeNobodyAlong) {
  test::mark_launcher();
  const Sandbox sandbox = make({.most = 1});
  Request other = hello("import time\ntime.sleep(13)\nprint('done')\n");
  other.limits.wall_time = Milliseconds(60'000);
  ASSERT_TRUE(bring_up(sandbox, hello()));
  auto beside = sandbox.start(other, [](OutputStream, std::string_view) {});
  ASSERT_TRUE(beside) << beside.error().to_string();
  for (int i = 0; i < 2; ++i) (void)run(sandbox, hello());
  ASSERT_TRUE(comes_true([&] { return counts(sandbox).waiting == 1; }));
  std::this_thread::sleep_for(10'500ms);
  const pid_t waiting = test::process_of_launcher(3, 2);
  ASSERT_GT(waiting, 1);
  ASSERT_EQ(::kill(waiting, SIGKILL), 0);
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(run(sandbox, hello()).stdout_text, "hello\n");
  const auto outcome = beside->wait();
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  EXPECT_EQ(outcome->start, "warm");
  EXPECT_EQ(outcome->stdout_text, "done\n") << outcome->message;
  EXPECT_EQ(counts(sandbox).crashed, 0U);
}

TEST_F(WaitingRuns, ThatFailToWaitAreDoneWithout) {
  const test::HostState before = test::host_state();
  ::setenv("SANDPIT_INJECT_WARM", "wait for go:18", 1);
  {
    const Sandbox sandbox = make({.most = 1});
    ASSERT_EQ(run_warm(sandbox, hello()).start, "warm");
    // One that is asked for before it has failed is a launch that fails, as any other; those that
    // have failed are not asked, and after three of them there are no more.
    for (int i = 0; i < 12; ++i) {
      std::this_thread::sleep_for(100ms);
      const Outcome outcome = run(sandbox, hello());
      EXPECT_EQ(outcome.start, "warm");
      const bool failed = outcome.status == Status::kSandboxError;
      if (!failed || i >= 8) {
        EXPECT_EQ(outcome.stdout_text, "hello\n") << outcome.message;
      }
    }
    EXPECT_EQ(counts(sandbox).waiting, 0U);  // given up for a while
  }
  const test::HostState after = test::settled_state(before);
  EXPECT_EQ(after, before) << after.text() << " instead of " << before.text();
}

TEST_F(WaitingRuns, GoWithTheirSandbox) {
  const test::HostState before = test::host_state();
  {
    const Sandbox sandbox = make({.most = 2, .waiting = 3});
    ASSERT_TRUE(bring_up(sandbox, hello()));
    EXPECT_TRUE(comes_true([&] { return counts(sandbox).waiting >= 3; }));
  }
  const test::HostState after = test::settled_state(before);
  EXPECT_EQ(after, before) << after.text() << " instead of " << before.text();
}

TEST_F(WaitingRuns, GoWithTheirTemplate) {
  const Sandbox sandbox = make({.most = 1, .idle = 300ms * test::slowness()});
  ASSERT_TRUE(bring_up(sandbox, hello()));
  EXPECT_TRUE(comes_true([&] { return sandbox.template_counts()->empty(); }));
}

}  // namespace
}  // namespace sandpit
