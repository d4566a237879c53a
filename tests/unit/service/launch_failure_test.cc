// Every step of the launch, and every system call of it, made to fail: the run ends as
// sandbox_error naming the step, and nothing is left behind.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "engine/jail/child.h"
#include "sandpit/sandbox.h"
#include "service/one_shot.h"
#include "support/host_state.h"
#include "support/launch_steps.h"

namespace sandpit {
namespace {

using jail::LaunchStep;
using test::Way;

Request request_for(Way way) {
  Request request{.source = HostCommand{{"/bin/true"}}};
  if (way == Way::kColdLoopback) request.network = NetworkMode::kLoopback;
  if (way == Way::kColdHosts) request.hosts = {"127.0.0.1:1"};
  return request;
}

Config config() {
  Config config = Config::defaults();
  config.settings().security.allow_degraded = {"all"};
  return config;
}

// With no more than `descriptors` open while the run is made; 0: as many as usual.
Result<Outcome> run_true(Way way, rlim_t descriptors = 0) {
  const Host host = probe_host();
  const RuntimeRegistry registry;
  SP_TRY(Prepared prepared, prepare(request_for(way), config(), registry, host.facts));
  rlimit usual{};
  ::getrlimit(RLIMIT_NOFILE, &usual);
  const rlimit few{.rlim_cur = descriptors, .rlim_max = usual.rlim_max};
  if (descriptors != 0) ::setrlimit(RLIMIT_NOFILE, &few);
  auto outcome = run_one_shot(std::move(prepared), {}, host);
  ::setrlimit(RLIMIT_NOFILE, &usual);
  return outcome;
}

class Injected {
 public:
  explicit Injected(const std::string& what) {
    ::setenv("SANDPIT_INJECT", fmt::format("{}:{}", what, EXDEV).c_str(), 1);
  }
  Injected(const Injected&) = delete;
  Injected& operator=(const Injected&) = delete;
  ~Injected() { ::unsetenv("SANDPIT_INJECT"); }
};

void expect_nothing_left(const test::HostState& before) {
  const test::HostState after = test::settled_state(before);
  EXPECT_EQ(after, before) << after.text() << " instead of " << before.text();
}

struct Case {
  LaunchStep step;
  Way way;
};

std::string name_of(const Case& tested) {
  std::string name = jail::to_string(tested.step);
  if (tested.way == Way::kColdLoopback) name += "OfALoopback";
  if (tested.way == Way::kColdHosts) name += "OfAListOfHosts";
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return name;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const LaunchStep step : test::all_launch_steps()) {
    for (const Way way : test::ways_to(step)) {
      if (way != Way::kForked) cases.push_back({step, way});  // those: warm_failure_test.cc
    }
  }
  return cases;
}

class LaunchFailure : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (GetParam().step == LaunchStep::kJoinCgroup && ::geteuid() != 0) {
      GTEST_SKIP() << "needs cgroups";
    }
  }
  static void expect_told(const Result<Outcome>& outcome) {
    ASSERT_TRUE(outcome.has_value()) << outcome.error().to_string();
    EXPECT_EQ(outcome->status, Status::kSandboxError) << outcome->message;
    EXPECT_EQ(exit_status(*outcome), 125);
    const LaunchStep step = GetParam().step;
    const std::string name = step == LaunchStep::kExec ? "can't execute" : jail::to_string(step);
    EXPECT_NE(outcome->message.find(name), std::string::npos) << outcome->message;
    EXPECT_NE(outcome->message.find("cross-device"), std::string::npos) << outcome->message;
  }
};

TEST_P(LaunchFailure, EndsAsSandboxErrorAndLeavesNothing) {
  const test::HostState before = test::host_state();
  {
    const Injected injected(jail::to_string(GetParam().step));
    expect_told(run_true(GetParam().way));
  }
  expect_nothing_left(before);
}

bool is_ready_made(LaunchStep step) {
  return step == LaunchStep::kNetworkNamespace || step == LaunchStep::kReadOnlyRoot ||
         step == LaunchStep::kPivot || step == LaunchStep::kDetachOldRoot;
}

// Whose launcher keeps cells, trees and networks for the next run: none of them is the worse.
TEST_P(LaunchFailure, IsTheSameThroughTheLibraryTheSecondTimeToo) {
  if (::geteuid() == 0 && is_ready_made(GetParam().step)) {
    GTEST_SKIP() << "needs an ordinary user: root's launcher has networks and roots ready";
  }
  const test::HostState before = test::host_state();
  {
    const Injected injected(jail::to_string(GetParam().step));
    auto sandbox = Sandbox::create(config());
    ASSERT_TRUE(sandbox) << sandbox.error().to_string();
    for (int round = 0; round < 2; ++round) {
      expect_told(sandbox->run(request_for(GetParam().way)));
    }
  }
  expect_nothing_left(before);
}

INSTANTIATE_TEST_SUITE_P(EachStep, LaunchFailure, testing::ValuesIn(all_cases()),
                         [](const auto& tested) { return name_of(tested.param); });

TEST(LaunchSteps, AllAreMadeToFailSomewhere) {
  for (const LaunchStep step : test::all_launch_steps()) {
    EXPECT_FALSE(test::ways_to(step).empty()) << jail::to_string(step);
  }
}

class LaunchFailures : public testing::TestWithParam<Way> {};

// A step is several calls: each of them in turn, until there are no more.
TEST_P(LaunchFailures, OfEachSystemCallEndAsSandboxErrorAndLeaveNothing) {
  const test::HostState before = test::host_state();
  constexpr int kTooMany = 1000;
  int call = 0;
  for (bool ended = false; !ended;) {
    ASSERT_LT(++call, kTooMany);
    const Injected injected(fmt::format("#{}", call));
    const auto outcome = run_true(GetParam());
    ASSERT_TRUE(outcome.has_value()) << outcome.error().to_string();
    ended = outcome->status == Status::kExited;
    if (ended) break;
    ASSERT_EQ(outcome->status, Status::kSandboxError) << call << ": " << outcome->message;
    EXPECT_NE(outcome->message.find("cross-device"), std::string::npos)
        << call << ": " << outcome->message;
  }
  constexpr int kAtLeast = 40;
  EXPECT_GT(call, kAtLeast);
  expect_nothing_left(before);
}

// The host's side, where nothing is injected: for want of a descriptor all that opens one fails in
// turn, and so does clone3, which is to give a pidfd.
TEST_P(LaunchFailures, ForWantOfDescriptorsEndAsAnErrorAndLeaveNothing) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "needs a build without sanitizers: UBSan looks at an object through a pipe";
#endif
  const test::HostState before = test::host_state();
  constexpr rlim_t kTooMany = 400;
  rlim_t descriptors = 3;
  unsigned failures = 0;
  for (;; ++descriptors) {
    ASSERT_LT(descriptors, kTooMany);
    const auto outcome = run_true(GetParam(), descriptors);
    if (outcome && outcome->status == Status::kExited) break;
    ++failures;
    const std::string said = outcome ? outcome->message : outcome.error().to_string();
    EXPECT_FALSE(said.empty()) << descriptors;
    if (outcome) {
      EXPECT_EQ(outcome->status, Status::kSandboxError) << descriptors << ": " << said;
    }
  }
  constexpr unsigned kAtLeast = 5;
  EXPECT_GT(failures, kAtLeast);
  expect_nothing_left(before);
}

TEST_P(LaunchFailures, AreNoneWithoutInjection) {
  const test::HostState before = test::host_state();
  const auto outcome = run_true(GetParam());
  ASSERT_TRUE(outcome.has_value()) << outcome.error().to_string();
  EXPECT_EQ(outcome->status, Status::kExited) << outcome->message;
  EXPECT_EQ(outcome->exit_code, 0);
  expect_nothing_left(before);
}

INSTANTIATE_TEST_SUITE_P(Ways, LaunchFailures,
                         testing::Values(Way::kCold, Way::kColdLoopback, Way::kColdHosts),
                         [](const auto& way) {
                           switch (way.param) {
                             case Way::kColdLoopback:
                               return "Loopback";
                             case Way::kColdHosts:
                               return "ListOfHosts";
                             default:
                               return "Plain";
                           }
                         });

}  // namespace
}  // namespace sandpit
