// Processes that serve one run each (serves_one_run()). Their runtime is Perl's, started in
// whatever way a test wants.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sandpit/sandbox.h"
#include "support/host_state.h"
#include "support/own_processes.h"
#include "support/warm_fixture.h"

namespace sandpit {
namespace {

using namespace std::chrono_literals;

class Once : public test::WarmFixture {
 protected:
  void SetUp() override {
    test::WarmFixture::SetUp();
    if (::access("/usr/bin/perl", X_OK) != 0) GTEST_SKIP() << "needs perl";
    char name[] = "/tmp/sandpit-once-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    starts_with(R"("{source}", "{args}")");
    test::mark_launcher();
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
    ::unsetenv("SANDPIT_INJECT_WAIT");
  }

  // The words after the interpreter.
  void starts_with(const std::string& words) const { add_runtime("once", words, "true"); }
  void add_runtime(const std::string& name, const std::string& words,
                   const std::string& once) const {
    std::filesystem::create_directory(directory_ / name);
    std::ofstream(directory_ / name / "runtime.toml") << "id = \"" << name << R"("
display_name = "Perl"
tier = 1
extensions = [")" << name << R"("]
interpreter = ["perl"]
argv = ["{interpreter}", "{source}", "{args}"]
source_name = "main.)" << name << R"("
syscall_profile = "interpreter"
helper_files = 20
install = "-"
[version]
argv = ["{interpreter}", "-v"]
after = "v"
[warm]
once = )" << once << R"(
trigger = "{source}"
argv = ["{interpreter}", )" << words << "]\n";
  }

  [[nodiscard]] Sandbox make(const TemplateOptions& options = {.most = 1},
                             const std::vector<std::string>& denied = {}) const {
    return WarmFixture::make(options, denied, {directory_.string()});
  }

  static Request hello(const std::string& text = "print 'hello';",
                       const std::string& name = "main.once") {
    return {.source = SourceText{.text = text, .name = name}};
  }
  static Request stuck() { return hello("print 'stuck';", "main.stuck"); }

  static Outcome run(const Sandbox& sandbox, const Request& request = hello()) {
    return WarmFixture::run(sandbox, request);
  }

  // Of the kind that came last.
  static unsigned waiting(const Sandbox& sandbox) {
    const auto all = sandbox.template_counts();
    EXPECT_TRUE(all) << all.error().to_string();
    return all->empty() ? 0 : all->back().waiting;
  }

  // Until there is a process that waits for requests like this one.
  static bool bring_up(const Sandbox& sandbox, const Request& request = hello()) {
    (void)run(sandbox, request);
    (void)run(sandbox, request);
    return comes_true([&] { return waiting(sandbox) > 0; });
  }

  // Runs until a process was needed and could not be used; the run itself is a cold one.
  static Outcome run_until_it_failed(const Sandbox& sandbox) {
    Outcome outcome;
    EXPECT_TRUE(comes_true([&] {
      outcome = run(sandbox);
      EXPECT_EQ(outcome.start, "cold");
      EXPECT_EQ(outcome.stdout_text, "hello") << outcome.message;
      return outcome.start_reason.starts_with("its process failed: ");
    })) << outcome.start_reason;
    return outcome;
  }

  // The program of a jail is its process 2.
  static pid_t process_that_waits() { return test::process_of_launcher(2, 2); }

  std::filesystem::path directory_;
};

TEST_F(Once, AreMadeForTheSecondOfAKindAndServeOneRunEach) {
  const Sandbox sandbox = make();
  EXPECT_EQ(run(sandbox).start_reason, "it is the first of its kind");
  EXPECT_EQ(counts(sandbox).made, 0U);
  EXPECT_EQ(run(sandbox).start_reason, "its process is being made");
  std::set<std::string> seen;
  // What it has started at: two runs of one process would have it in common.
  const std::string text = "open F, '/proc/self/stat'; print +(split ' ', <F>)[21];";
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(comes_true([&] { return counts(sandbox).waiting == 1; }));
    std::this_thread::sleep_for(20ms);  // so are two that started in one tick of that clock
    const Outcome outcome = run(sandbox, hello(text));
    EXPECT_EQ(outcome.start, "warm");
    EXPECT_EQ(outcome.start_reason, "");
    EXPECT_TRUE(seen.insert(outcome.stdout_text).second) << outcome.stdout_text;
  }
  const TemplateCounts now = counts(sandbox);
  EXPECT_EQ(now.runtime, "once");
  EXPECT_EQ(now.hits, 4U);
  EXPECT_EQ(now.waited, 4U);
  EXPECT_EQ(now.misses, 2U);
  EXPECT_GE(now.made, 4U);
  EXPECT_EQ(now.failed + now.crashed, 0U);
}

TEST_F(Once, BringArgumentsInputAndFiles) {
  const Sandbox sandbox = make();
  Request request = hello(
      "open F, 'more.txt'; print join('|', $0, @ARGV), '; ', <STDIN>, '; ', <F>, '; ',\n"
      "(stat 'more.txt')[2], ' ', umask, ' ', join ',', grep /SANDPIT|LD_/, keys %ENV;");
  request.args = {"a", "b c"};
  request.input = StdinBytes{"typed"};
  request.files = {{.name = "more.txt", .content = SourceText{.text = "more", .name = "more.txt"}}};
  const Outcome cold = run(sandbox, request);
  ASSERT_TRUE(bring_up(sandbox, request));
  const Outcome warm = run(sandbox, request);
  EXPECT_EQ(warm.start, "warm");
  EXPECT_EQ(cold.stdout_text, "/work/main.once|a|b c; typed; more; 33188 18 ");
  EXPECT_EQ(warm.stdout_text, cold.stdout_text) << warm.stderr_text;
}

TEST_F(Once, AreOfNoUseToRequestsWithOtherLimits) {
  const Sandbox sandbox = make();
  ASSERT_TRUE(bring_up(sandbox));
  Request other = hello("open F, '/proc/self/limits'; print grep /file size/, <F>;");
  other.limits.file_size = ByteCount::kib(7);
  const Outcome outcome = run(sandbox, other);
  EXPECT_EQ(outcome.start, "cold");
  EXPECT_EQ(outcome.start_reason, "it is the first of its kind");
  EXPECT_NE(outcome.stdout_text.find("7168"), std::string::npos) << outcome.stdout_text;
}

TEST_F(Once, AreNotMadeForKindsThatAlternate) {
  const Sandbox sandbox = make();
  Request other = hello();
  other.limits.file_size = ByteCount::kib(7);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(run(sandbox).start, "cold");
    EXPECT_EQ(run(sandbox, other).start, "cold");
  }
  const auto kinds = sandbox.template_counts();
  ASSERT_TRUE(kinds);
  for (const TemplateCounts& kind : *kinds) EXPECT_EQ(kind.made, 0U);
}

TEST_F(Once, AreAnsweredForWithTheirOwnTimeOnly) {
  // What it does before it waits takes longer than any run may.
  starts_with(
      R"("-e", "1 while (times)[0] < 0.2; open F, shift; eval join '', <F>; die $@ if $@", "{source}")");
  const Sandbox sandbox = make();
  Request request = hello("select undef, undef, undef, 0.2; print 'done';");
  request.limits.wall_time = Milliseconds(2000);
  request.limits.cpu_time = Milliseconds(150);
  ASSERT_TRUE(bring_up(sandbox, request));
  std::this_thread::sleep_for(2100ms);
  const Outcome outcome = run(sandbox, request);
  EXPECT_EQ(outcome.start, "warm") << outcome.start_reason;
  EXPECT_EQ(outcome.stdout_text, "done") << outcome.message;
  EXPECT_LT(outcome.wall_time, Milliseconds(2000));
  EXPECT_LT(outcome.cpu_time, Milliseconds(100));
}

TEST_F(Once, AreEndedAtTheirLimits) {
  const Sandbox sandbox = make();
  const auto ends = [&](Request request, const std::string& text) {
    EXPECT_TRUE(bring_up(sandbox, request));
    request.source = SourceText{.text = text, .name = "main.once"};
    const Outcome outcome = run(sandbox, request);
    EXPECT_EQ(outcome.start, "warm");
    return outcome.status;
  };
  Request request = hello();
  request.limits.wall_time = Milliseconds(60000);
  request.limits.cpu_time = Milliseconds(300);
  EXPECT_EQ(ends(request, "1 while 1;"), Status::kCpuTimeExceeded);
  request.limits.memory = ByteCount::mib(64);
  request.limits.cpu_time = Milliseconds(30000);
  EXPECT_EQ(ends(request, "my @a; push @a, 'x' x 1e6 while 1;"), Status::kMemoryExceeded);
  request.limits.cpu_time = Milliseconds(1000);
  request.limits.wall_time = Milliseconds(1000);
  EXPECT_EQ(ends(request, "sleep 60;"), Status::kWallTimeExceeded);
}

TEST_F(Once, WithMemoryOfTheirOwnHaveItCounted) {
  starts_with(
      R"("-e", "$kept = 'x' x 40_000_000; open F, shift; eval join '', <F>; die $@ if $@", "{source}")");
  const Sandbox sandbox = make();
  ASSERT_TRUE(bring_up(sandbox));
  const Outcome outcome = run(sandbox);
  EXPECT_EQ(outcome.start, "warm");
  EXPECT_GT(outcome.peak_memory, ByteCount::mib(40));
}

TEST_F(Once, HandOnWhatTheyHaveWrittenBefore) {
  starts_with(
      R"("-e", "$| = 1; print 'early '; print STDERR 'error'; open F, shift; eval join '', <F>; die $@ if $@", "{source}")");
  const Sandbox sandbox = make();
  ASSERT_TRUE(bring_up(sandbox));
  const Outcome outcome = run(sandbox);
  EXPECT_EQ(outcome.start, "warm");
  EXPECT_EQ(outcome.stdout_text, "early hello");
  EXPECT_EQ(outcome.stderr_text, "error");
}

TEST_F(Once, ThatHaveNoRoomForTheirFilesSaySo) {
  starts_with(
      R"("-e", "open O, '>fill'; print O 'x' x 900_000; close O; open F, shift; eval <F>", )"
      R"("{source}")");
  const Sandbox sandbox = make();
  Request request = hello();
  request.limits.disk = ByteCount::mib(1);
  ASSERT_TRUE(bring_up(sandbox, request));
  request.files = {{.name = "large",
                    .content = SourceText{.text = std::string(500U << 10U, 'x'), .name = "large"}}};
  const Outcome outcome = run(sandbox, request);
  EXPECT_EQ(outcome.start, "warm");
  EXPECT_EQ(outcome.status, Status::kRefused);
  EXPECT_TRUE(outcome.message.starts_with("large does not fit")) << outcome.message;
  EXPECT_EQ(outcome.stdout_text, "");
}

TEST_F(Once, ThatDieAreReplaced) {
  const Sandbox sandbox = make();
  ASSERT_TRUE(bring_up(sandbox));
  const pid_t ours = process_that_waits();
  ASSERT_GT(ours, 0);
  ASSERT_EQ(::kill(ours, SIGKILL), 0);
  ASSERT_TRUE(comes_true([&] { return counts(sandbox).crashed == 1; }));
  ASSERT_TRUE(comes_true([&] { return counts(sandbox).waiting == 1; }));
  EXPECT_EQ(run(sandbox).start, "warm");
}

TEST_F(Once, ThatAlwaysDieAreDoneWithout) {
  const test::HostState before = test::host_state();
  {
    const Sandbox sandbox = make();
    ASSERT_TRUE(bring_up(sandbox));
    for (std::uint64_t i = 1; i <= 3; ++i) {
      ASSERT_TRUE(comes_true([&] { return counts(sandbox).waiting == 1; })) << i;
      ASSERT_EQ(::kill(process_that_waits(), SIGKILL), 0);
      ASSERT_TRUE(comes_true([&] { return counts(sandbox).crashed == i; })) << i;
    }
    const Outcome outcome = run(sandbox);
    EXPECT_EQ(outcome.start, "cold");
    EXPECT_EQ(outcome.stdout_text, "hello");
    EXPECT_TRUE(outcome.start_reason.starts_with("its process failed: ")) << outcome.start_reason;
    EXPECT_EQ(counts(sandbox).waiting + counts(sandbox).starting, 0U);
  }
  EXPECT_EQ(test::settled_state(before), before);
}

TEST_F(Once, ThatAreFrozenAreNotWaitedFor) {
  const test::HostState before = test::host_state();
  {
    const Sandbox sandbox = make();
    ASSERT_TRUE(bring_up(sandbox));
    const pid_t ours = process_that_waits();
    ASSERT_GT(ours, 0);
    ASSERT_EQ(::kill(ours, SIGSTOP), 0);
    Request request = hello("print <STDIN>;");
    request.input = StdinBytes{"typed"};
    const Outcome outcome = run(sandbox, request);
    EXPECT_EQ(outcome.start, "cold");
    EXPECT_EQ(outcome.start_reason, "its process failed: it does not answer");
    EXPECT_EQ(outcome.stdout_text, "typed");
    EXPECT_LT(outcome.wall_time, Milliseconds(900));
    EXPECT_TRUE(comes_true([&] { return ::kill(ours, 0) < 0; }));
    EXPECT_EQ(counts(sandbox).crashed, 1U);
    EXPECT_EQ(counts(sandbox).hits, 0U);
  }
  EXPECT_EQ(test::settled_state(before), before);
}

// While a request waits for a process that does not come up, two seconds at most, nothing else is
// tidied up. What waits meanwhile must not be used when its own init is about to end it.
TEST_F(Once, ThatHaveWaitedForTooLongServeNobody) {
  ::setenv("SANDPIT_INJECT_WAIT", "500", 1);
  add_runtime("stuck", R"("-e", "sleep 600", "{source}")", "true");
  const Sandbox sandbox = make();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(run(sandbox, stuck()).start, "cold");
  ASSERT_TRUE(bring_up(sandbox));
  auto pending = sandbox.start(stuck());
  ASSERT_TRUE(pending) << pending.error().to_string();
  std::this_thread::sleep_for(700ms);
  const Outcome outcome = run(sandbox);
  EXPECT_EQ(outcome.start, "cold");
  EXPECT_EQ(outcome.start_reason, "its process is being made");
  EXPECT_EQ(outcome.stdout_text, "hello") << outcome.message;
  EXPECT_EQ(pending->wait()->start_reason, "its process failed: it did not come up in time");
}

TEST_F(Once, LetNoRunThatWasForkedAheadServeAfterItsTime) {
  ::setenv("SANDPIT_INJECT_WAIT", "500", 1);
  add_runtime("stuck", R"("-e", "sleep 600", "{source}")", "true");
  add_runtime("forked", R"("{source}")", "false");
  const Sandbox sandbox = make();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(run(sandbox, stuck()).start, "cold");
  const Request request = hello("print 'hello';", "main.forked");
  ASSERT_EQ(run_warm(sandbox, request).start, "warm");
  const auto waited = [&] {
    const auto kinds = sandbox.template_counts();
    EXPECT_TRUE(kinds);
    for (const TemplateCounts& kind : *kinds) {
      if (kind.runtime == "forked") return std::pair(kind.waiting, kind.waited);
    }
    return std::pair(0U, std::uint64_t{0});
  };
  ASSERT_TRUE(comes_true([&] { return waited().first == 1; }));
  const std::uint64_t before = waited().second;
  auto pending = sandbox.start(stuck());
  ASSERT_TRUE(pending) << pending.error().to_string();
  std::this_thread::sleep_for(700ms);
  const Outcome outcome = run(sandbox, request);
  EXPECT_EQ(outcome.start, "warm") << outcome.start_reason;
  EXPECT_EQ(outcome.stdout_text, "hello") << outcome.message;
  EXPECT_EQ(waited().second, before);
  EXPECT_TRUE(pending->wait());
}

TEST_F(Once, ThatNeverComeToTheirProgramAreNotWaitedFor) {
  starts_with(R"("-e", "sleep 600", "{source}")");
  const test::HostState before = test::host_state();
  {
    const Sandbox sandbox = make();
    const Outcome outcome = run_until_it_failed(sandbox);
    EXPECT_EQ(outcome.start_reason, "its process failed: it did not come up in time");
  }
  EXPECT_EQ(test::settled_state(before), before);
}

TEST_F(Once, ThatEndAtOnceAreDoneWithout) {
  starts_with(R"("-e", "print STDERR 'no such thing'; exit 3", "{source}")");
  const test::HostState before = test::host_state();
  {
    const Sandbox sandbox = make();
    EXPECT_EQ(run_until_it_failed(sandbox).start_reason, "its process failed: no such thing");
    EXPECT_TRUE(comes_true([&] { return counts(sandbox).failed >= 3; }));
    std::this_thread::sleep_for(200ms);
    EXPECT_LE(counts(sandbox).made, 4U);  // and then for a while no more
  }
  EXPECT_EQ(test::settled_state(before), before);
}

TEST_F(Once, ThatWantTooMuchMemoryAreDoneWithout) {
  starts_with(R"("-e", "my @a; push @a, 'x' x 1e6 while 1", "{source}")");
  const test::HostState before = test::host_state();
  {
    const Sandbox sandbox = make();
    Request request = hello();
    request.limits.memory = ByteCount::mib(32);
    Outcome outcome;
    EXPECT_TRUE(comes_true([&] {
      outcome = run(sandbox, request);
      return outcome.start_reason.starts_with("its process failed: ");
    }));
    EXPECT_NE(outcome.start_reason.find("memory"), std::string::npos) << outcome.start_reason;
    EXPECT_EQ(outcome.stdout_text, "hello");
  }
  EXPECT_EQ(test::settled_state(before), before);
}

TEST_F(Once, ThatWriteWithoutEndAreDoneWithout) {
  starts_with(R"("-e", "print 'x' x 1000 while 1", "{source}")");
  const Sandbox sandbox = make();
  EXPECT_EQ(run_until_it_failed(sandbox).start_reason,
            "its process failed: it writes before it has a program");
}

TEST_F(Once, CanNotWaitWhereTheFilterForbidsIt) {
  const Sandbox sandbox = make({.most = 1}, {"sendfile"});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(run(sandbox).start_reason,
              "its system call profile or its limits do not let it wait");
  }
  EXPECT_EQ(counts(sandbox).made, 0U);
}

TEST_F(Once, GoWhenNobodyAsksForThem) {
  const Sandbox sandbox = make({.most = 1, .idle = 300ms * test::slowness()});
  ASSERT_TRUE(bring_up(sandbox));
  EXPECT_TRUE(comes_true([&] { return sandbox.template_counts()->empty(); }));
  EXPECT_TRUE(comes_true([&] { return process_that_waits() < 0; }));
}

TEST_F(Once, GoWithTheirSandbox) {
  const test::HostState before = test::host_state();
  {
    const Sandbox sandbox = make({.least = 3, .most = 3});
    (void)run(sandbox);
    EXPECT_TRUE(comes_true([&] { return counts(sandbox).waiting == 3; }));
  }
  EXPECT_EQ(test::settled_state(before), before);
}

TEST_F(Once, AreMoreWhereMoreAreNeededAtATime) {
  const Sandbox sandbox = make({.most = 3});
  ASSERT_TRUE(bring_up(sandbox));
  EXPECT_TRUE(comes_true([&] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] { EXPECT_EQ(run(sandbox).stdout_text, "hello"); });
    }
    for (std::thread& thread : threads) thread.join();
    return counts(sandbox).waiting == 3;
  }));
  EXPECT_LE(counts(sandbox).waiting + counts(sandbox).starting, 3U);
}

TEST_F(Once, ThatAreAskedForWhenTheirCallerIsGoneEndWithIt) {
  const Sandbox sandbox = make();
  ASSERT_TRUE(bring_up(sandbox));
  ASSERT_EQ(::kill(process_that_waits(), SIGSTOP), 0);
  auto pending = sandbox.start(hello("sleep 600;"));
  ASSERT_TRUE(pending) << pending.error().to_string();
  std::this_thread::sleep_for(100ms);
  pending->cancel();
  const auto outcome = pending->wait();
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  EXPECT_EQ(outcome->status, Status::kSignaled);
  EXPECT_EQ(outcome->message, "cancelled");
}

}  // namespace
}  // namespace sandpit
