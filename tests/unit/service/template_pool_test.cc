// Templates as the library's user sets and sees them: TemplateOptions and template_counts().
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <csignal>
#include <string_view>
#include <thread>
#include <vector>

#include "sandpit/sandbox.h"
#include "support/own_processes.h"
#include "support/slowness.h"
#include "support/warm_fixture.h"

namespace sandpit {
namespace {

using namespace std::chrono_literals;

class Templates : public test::WarmFixture {
 protected:
  static Outcome run(const Sandbox& sandbox, const Request& request = hello()) {
    Outcome outcome = WarmFixture::run(sandbox, request);
    EXPECT_EQ(outcome.status, Status::kExited) << outcome.message;
    return outcome;
  }

  static void warm_up(const Sandbox& sandbox) {
    ASSERT_EQ(run_warm(sandbox, hello()).start, "warm");
  }
};

TEST_F(Templates, AreMadeForTheSecondOfAKindAndCounted) {
  const Sandbox sandbox = make({.most = 1});
  EXPECT_TRUE(sandbox.template_counts()->empty());
  EXPECT_EQ(run(sandbox).start_reason, "it is the first of its kind");
  EXPECT_EQ(counts(sandbox).made, 0U);
  warm_up(sandbox);
  const TemplateCounts before = counts(sandbox);
  EXPECT_EQ(before.runtime, "python");
  EXPECT_EQ(before.ready, 1U);
  EXPECT_EQ(before.made, 1U);
  EXPECT_EQ(before.hits, 1U);
  EXPECT_GE(before.misses, 2U);
  EXPECT_GT(before.memory, ByteCount::mib(1));
  EXPECT_LT(before.memory, ByteCount::mib(200));
  EXPECT_EQ(run(sandbox).start, "warm");
  EXPECT_EQ(counts(sandbox).hits, 2U);
  EXPECT_EQ(counts(sandbox).misses, before.misses);
}

TEST_F(Templates, AreNoMoreThanTheMost) {
  const Sandbox sandbox = make({.most = 1});
  warm_up(sandbox);
  std::vector<std::thread> callers;
  callers.reserve(6);
  for (int i = 0; i < 6; ++i) {
    callers.emplace_back([&] {
      (void)run(sandbox, hello(fmt::format("import time; time.sleep({})", 0.2 * test::slowness())));
    });
  }
  std::this_thread::sleep_for(100ms * test::slowness());
  EXPECT_LE(counts(sandbox).ready + counts(sandbox).starting, 1U);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(counts(sandbox).made, 1U);
}

TEST_F(Templates, GoWhenNobodyAsksForThem) {
  const Sandbox sandbox = make({.idle = 300ms * test::slowness()});
  warm_up(sandbox);
  EXPECT_TRUE(comes_true([&] { return sandbox.template_counts()->empty(); }));
}

TEST_F(Templates, AreKeptDownToTheLeast) {
  const Sandbox sandbox = make({.least = 2, .most = 2, .idle = 300ms * test::slowness()});
  (void)run(sandbox);
  EXPECT_TRUE(comes_true([&] { return counts(sandbox).ready == 2; }));
  std::this_thread::sleep_for(700ms * test::slowness());
  EXPECT_EQ(counts(sandbox).ready, 2U);
  EXPECT_EQ(counts(sandbox).made, 2U);
}

TEST_F(Templates, AreReplacedAfterSoManyRuns) {
  const Sandbox sandbox = make({.most = 1, .runs = 3});
  for (int i = 0; i < 3; ++i) warm_up(sandbox);
  EXPECT_TRUE(comes_true([&] {
    (void)run(sandbox);
    return counts(sandbox).made >= 2;
  }));
  warm_up(sandbox);
}

TEST_F(Templates, AreReplacedWhenTheyAreOld) {
  const Sandbox sandbox = make({.most = 1, .life = 400ms * test::slowness()});
  warm_up(sandbox);
  EXPECT_TRUE(comes_true([&] { return counts(sandbox).ready == 0; }));
}

TEST_F(Templates, KeepBelowTheirMemory) {
  const Sandbox sandbox =
      make({.most = 1, .idle = 2s * test::slowness(), .memory = ByteCount::mib(1)});
  // Made, since nothing is known of it yet, then seen to be too large, and not made again.
  for (int i = 0; i < 3; ++i) (void)run(sandbox);
  EXPECT_TRUE(comes_true([&] { return sandbox.template_counts()->empty(); }));
}

// One that is stopped begins nothing. Whoever has asked, and does not want it any more, is told
// soon.
TEST_F(Templates, ThatAreStuckKeepNoCancelledRun) {
  test::mark_launcher();
  const Sandbox sandbox = make({.most = 1, .waiting = 0});
  warm_up(sandbox);
  const pid_t stuck = test::process_of_launcher(2, 32767);
  ASSERT_GT(stuck, 1);
  ASSERT_EQ(::kill(stuck, SIGSTOP), 0);
  Request request = hello();
  request.limits.wall_time = Milliseconds(60'000);
  auto begun = sandbox.start(request, [](OutputStream, std::string_view) {});
  ASSERT_TRUE(begun) << begun.error().to_string();
  const auto before = std::chrono::steady_clock::now();
  begun->cancel();
  const auto outcome = begun->wait();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 30s);
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  EXPECT_EQ(outcome->message, "cancelled");
  EXPECT_TRUE(comes_true([&] { return counts(sandbox).crashed == 1; }));
}

TEST_F(Templates, AreReplacedWhenTheyAreKilled) {
  test::mark_launcher();
  const Sandbox sandbox = make({.most = 1});
  warm_up(sandbox);
  // A template's number in its own namespace (plan/template_plan.h).
  const pid_t ours = test::process_of_launcher(2, 32767);
  ASSERT_GT(ours, 0);
  ASSERT_EQ(::kill(ours, SIGKILL), 0);
  EXPECT_TRUE(comes_true([&] { return counts(sandbox).crashed == 1; }));
  warm_up(sandbox);
  EXPECT_EQ(counts(sandbox).made, 2U);
}

}  // namespace
}  // namespace sandpit
