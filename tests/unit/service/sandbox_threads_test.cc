// One Sandbox, several threads of the host: what the tsan preset is for.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/own_path.h"
#include "sandbox_fixture.h"
#include "support/temp_tree.h"

namespace sandpit {
namespace {

constexpr int kThreads = 4;

void in_threads(const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int number = 0; number < kThreads; ++number) threads.emplace_back(body, number);
  for (std::thread& thread : threads) thread.join();
}

// Ends with a status of its own, so that a mixed-up answer is noticed; each is another module.
Request module(int status) {
  Request request;
  request.source = SourceText{
      .text = fmt::format(
          R"((module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
               (memory (export "memory") 1)
               (func (export "_start") (call $exit (i32.const {})))))",
          status),
      .name = "main.wat"};
  return request;
}

TEST(SandboxThreads, RunTwoRuntimesAtOnceAndGetTheirOwnResults) {
  test::MarkedSandbox sandbox;
  ASSERT_TRUE(sandbox.valid()) << sandbox.error();
  std::atomic<int> right = 0;
  in_threads([&](int number) {
    const std::string mine = fmt::format("{}\n", number);
    for (const auto& program :
         {test::shell("cat; exit $1"),
          test::python("import sys; print(input()); sys.exit(int(sys.argv[1]))")}) {
      Request request = program;
      request.args = {std::to_string(number)};
      request.input = StdinBytes{mine};
      const auto outcome = sandbox->run(request);
      if (outcome && outcome->stdout_text == mine && outcome->exit_code == number) ++right;
    }
  });
  EXPECT_EQ(right, 2 * kThreads);
}

TEST(SandboxThreads, StartStreamAndCancelRunsOfOneSandbox) {
  test::MarkedSandbox sandbox;
  ASSERT_TRUE(sandbox.valid()) << sandbox.error();
  std::atomic<int> right = 0;
  in_threads([&](int number) {
    std::atomic<bool> heard = false;
    Request request = test::shell("echo ready; cat");
    request.input = StdinStream{};
    auto run = sandbox->start(request, [&](OutputStream, std::string_view) { heard = true; });
    if (!run || !test::eventually([&] { return heard.load(); })) return;
    std::thread writer([&] { (void)run->write_stdin(std::string(1U << 20U, 'x')); });
    if (number % 2 == 0) {
      run->cancel();
    } else {
      writer.join();
      run->close_stdin();
    }
    const auto outcome = run->wait();
    if (writer.joinable()) writer.join();
    const Status expected = number % 2 == 0 ? Status::kSignaled : Status::kExited;
    if (outcome && outcome->status == expected) ++right;
  });
  EXPECT_EQ(right, kThreads);
}

// Fewer workers than threads, replaced now and then, and two domains: the pool's every path.
TEST(SandboxThreads, ShareTheWarmWorkersOfModules) {
  if (find_own_program("wasm-worker", "SANDPIT_WASM_WORKER", nullptr).empty()) {
    GTEST_SKIP() << "needs wasm-worker: beside this build, or named by SANDPIT_WASM_WORKER";
  }
  const TempTree tree;
  Config config = test::test_config();
  config.settings().wasm.cache_dir = tree.directory("cache");
  auto sandbox = Sandbox::create(std::move(config), {.warm = {.workers = 2, .runs_per_worker = 5}});
  ASSERT_TRUE(sandbox) << sandbox.error().to_string();
  constexpr int kRuns = 12;
  std::atomic<int> right = 0;
  std::atomic<int> warm = 0;
  in_threads([&](int number) {
    for (int i = 0; i < kRuns; ++i) {
      const int status = 10 * number + i % 3;
      Request request = module(status);
      request.trust_domain = number == 0 ? "one" : "other";
      const auto outcome = sandbox->run(request);
      if (outcome && outcome->exit_code == status) {
        ++right;
      } else {
        ADD_FAILURE() << (outcome ? outcome->message : outcome.error().to_string());
      }
      if (outcome && outcome->wasm && outcome->wasm->warm) ++warm;
    }
  });
  EXPECT_EQ(right, kThreads * kRuns);
  EXPECT_GT(warm, 0);
}

}  // namespace
}  // namespace sandpit
