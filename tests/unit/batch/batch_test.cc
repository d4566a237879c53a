// The batch as a whole, run by functions in place of a jail.
#include "batch/batch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "batch/id_set.h"
#include "batch/result_sink.h"
#include "batch/results_file.h"
#include "batch/tally.h"
#include "codec/batch_json.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/units.h"
#include "service/run_needs.h"

namespace sandpit::batch {
namespace {

using std::chrono_literals::operator""ms;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::string source_of(const Request& request) { return std::get<SourceText>(request.source).text; }

Outcome good(std::string output = {}) {
  Outcome outcome;
  outcome.status = Status::kExited;
  outcome.stdout_text = std::move(output);
  return outcome;
}

std::string task_line(const std::string& id, const std::string& source,
                      const std::string& runtime = "python", const std::string& more = {}) {
  return R"({"id":)" + id + R"(,"runtime":")" + runtime + R"(","source":")" + source + "\"" + more +
         "}\n";
}

class BatchTest : public testing::Test {
 protected:
  BatchTest() {
    std::string pattern = testing::TempDir() + "sandpit-batch-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    results_ = root_ + "/results";
    options_ = {.jobs = 2, .budget = ByteCount::mib(100), .ahead = {}, .name = "tasks.jsonl"};
    hooks_ = {
        .run = [](const Request& request) -> Result<Outcome> { return good(source_of(request)); },
        .needs =
            [](const Request& request) {
              return RunNeeds{.runtime = request.runtime,
                              .memory = request.limits.memory.value_or(ByteCount::mib(10))};
            },
        .warn =
            [this](const Error& error) {
              const std::scoped_lock lock(mutex_);
              warnings_.push_back(error.to_string());
            }};
  }
  ~BatchTest() override { std::filesystem::remove_all(root_); }

  // Runs it to its end.
  Ending run(const std::string& tasks) {
    begin(tasks);
    return end();
  }
  void begin(const std::string& tasks) {
    std::ofstream(root_ + "/tasks", std::ios::binary) << tasks;
    tasks_ = UniqueFd(::open((root_ + "/tasks").c_str(), O_RDONLY | O_CLOEXEC));
    begin_from(tasks_.get());
  }
  void begin_from(int descriptor) {
    auto file = ResultsFile::open(results_, Existing::kReplace, ids_, resumed_);
    ASSERT_TRUE(file.has_value()) << file.error().to_string();
    file_.emplace(std::move(*file));
    sink_.emplace(*file_, options_.order);
    batch_.emplace(options_, hooks_, descriptor, *sink_, ids_, tally_);
    ASSERT_TRUE(batch_->start().has_value());
  }
  Ending end() {
    pollfd done{.fd = batch_->done_descriptor(), .events = POLLIN, .revents = 0};
    constexpr int kPatienceMs = 60'000;
    EXPECT_EQ(::poll(&done, 1, kPatienceMs), 1) << "the batch does not end";
    Ending ending = batch_->join();
    (void)sink_->finish();
    return ending;
  }
  // A slow machine is waited for; false after a minute.
  static bool comes(const std::function<bool()>& condition) {
    for (int i = 0; i < 6000 && !condition(); ++i) std::this_thread::sleep_for(10ms);
    return condition();
  }
  // Ids as they stand in the file.
  [[nodiscard]] std::vector<std::string> ids_written() const {
    std::ifstream file(results_);
    std::vector<std::string> ids;
    for (std::string line; std::getline(file, line);) {
      auto id = batch_result_id(line);
      ids.push_back(id ? *id : "not a result: " + line);
    }
    return ids;
  }
  [[nodiscard]] std::string written() const {
    std::ifstream file(results_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string root_;
  std::string results_;
  BatchOptions options_;
  BatchHooks hooks_;
  std::mutex mutex_;
  std::vector<std::string> warnings_;
  UniqueFd tasks_;
  IdSet ids_;
  Resumed resumed_;
  Tally tally_;
  std::optional<ResultsFile> file_;
  std::optional<ResultSink> sink_;
  std::optional<Batch> batch_;
};

TEST_F(BatchTest, EveryTaskGetsALineWithItsIdAndOutcome) {
  const Ending ending = run(task_line("1", "a") + task_line("\"x\"", "b") + "\n" +
                            task_line("3", "c", "python", R"(,"expected_stdout":"c")"));
  EXPECT_FALSE(ending.error.has_value());
  EXPECT_THAT(ids_written(), UnorderedElementsAre("1", "\"x\"", "3"));
  EXPECT_THAT(written(), HasSubstr(R"({"id":3,"verdict":"accepted","schema_version":1,)"));
  EXPECT_EQ(tally_.counts().results, 3U);
  EXPECT_EQ(tally_.counts().bytes, std::filesystem::file_size(root_ + "/tasks"));
  EXPECT_THAT(warnings_, testing::IsEmpty());
}

TEST_F(BatchTest, ABadLineIsToldWithItsNumberAndTheRestGoesOn) {
  options_.longest_line = 200;
  const Ending ending =
      run(task_line("1", "a") + "nonsense\n" + task_line("3", std::string(300, 'x')) +
          task_line("1", "again") + task_line("5", "b"));
  EXPECT_FALSE(ending.error.has_value());
  EXPECT_THAT(ids_written(), UnorderedElementsAre("1", "5"));
  ASSERT_EQ(warnings_.size(), 3U);
  EXPECT_THAT(warnings_[0], HasSubstr("tasks.jsonl:2: column"));
  EXPECT_THAT(warnings_[1], HasSubstr("tasks.jsonl:3: the line is longer than 200 bytes"));
  EXPECT_THAT(warnings_[2], HasSubstr("tasks.jsonl:4: id: an earlier line has the id 1"));
  EXPECT_EQ(tally_.counts().bad_lines, 3U);
}

TEST_F(BatchTest, AByteOrderMarkAtTheBeginningIsNoPartOfTheFirstLine) {
  run("\xef\xbb\xbf" + task_line("1", "a"));
  EXPECT_THAT(ids_written(), ElementsAre("1"));
}

TEST_F(BatchTest, WhatIsDoneIsSkipped) {
  (void)ids_.mark("1", IdSet::kDone);
  run(task_line("1", "a") + task_line("2", "b"));
  EXPECT_THAT(ids_written(), ElementsAre("2"));
  EXPECT_EQ(tally_.counts().skipped, 1U);
}

TEST_F(BatchTest, OrderedResultsStandInTheOrderOfTheTasks) {
  options_.order = Order::kInput;
  options_.jobs = 4;
  hooks_.run = [](const Request& request) -> Result<Outcome> {
    // The first ones take longest.
    std::this_thread::sleep_for(std::stoi(source_of(request)) * 1ms);
    return good();
  };
  std::string tasks;
  std::vector<std::string> ids;
  for (int i = 0; i < 40; ++i) {
    tasks += task_line(std::to_string(i), std::to_string(40 - i), i % 2 == 0 ? "python" : "lua");
    ids.push_back(std::to_string(i));
  }
  run(tasks);
  EXPECT_EQ(ids_written(), ids);
}

TEST_F(BatchTest, OrderedResultsThatWaitAreBoundedAndTheirFirstStillComes) {
  options_.order = Order::kInput;
  options_.jobs = 2;
  options_.ahead.held_bytes = 1;
  std::atomic<int> started = 0;
  std::binary_semaphore go(0);
  hooks_.run = [&](const Request& request) -> Result<Outcome> {
    ++started;
    if (source_of(request) == "slow") go.acquire();
    return good();
  };
  std::string tasks = task_line("0", "slow");
  for (int i = 1; i < 20; ++i) tasks += task_line(std::to_string(i), "fast");
  begin(tasks);
  ASSERT_TRUE(comes([&] { return started >= 2; }));
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(started, 2) << "the one that is waited for, and one that came past before";
  go.release();
  end();
  EXPECT_EQ(ids_written().size(), 20U);
}

TEST_F(BatchTest, NeverPromisesMoreMemoryThanTheBudget) {
  options_.jobs = 8;
  options_.budget = ByteCount::mib(25);
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  hooks_.run = [&](const Request&) -> Result<Outcome> {
    const int now = ++running;
    int before = most;
    while (before < now && !most.compare_exchange_weak(before, now)) {
    }
    std::this_thread::sleep_for(2ms);
    --running;
    return good();
  };
  std::string tasks;
  for (int i = 0; i < 50; ++i) tasks += task_line(std::to_string(i), "x");
  run(tasks);
  EXPECT_EQ(ids_written().size(), 50U);
  EXPECT_EQ(most, 2);
  EXPECT_EQ(batch_->most_reserved(), ByteCount::mib(20));
}

TEST_F(BatchTest, ATaskAboveTheWholeBudgetIsRefusedWithTheReason) {
  options_.budget = ByteCount::mib(25);
  run(task_line("1", "a", "python", R"(,"limits":{"memory_limit_mb":26})") + task_line("2", "b"));
  EXPECT_THAT(ids_written(), UnorderedElementsAre("1", "2"));
  EXPECT_THAT(written(), HasSubstr(R"("status":"refused")"));
  EXPECT_THAT(written(), HasSubstr("26 MiB"));
  EXPECT_THAT(written(), HasSubstr("--memory-budget"));
  EXPECT_EQ(tally_.counts().not_run, 0U) << "it is an answer";
}

TEST_F(BatchTest, RuntimesTakeTurns) {
  options_.jobs = 1;
  std::vector<std::string> order;
  std::atomic<int> asked = 0;
  const auto needs = hooks_.needs;
  hooks_.needs = [&, needs](const Request& request) {
    ++asked;
    return needs(request);
  };
  std::counting_semaphore<> go(0);
  hooks_.run = [&](const Request& request) -> Result<Outcome> {
    go.acquire();
    order.push_back(request.runtime);
    return good();
  };
  std::string tasks;
  for (int i = 0; i < 20; ++i) tasks += task_line(std::to_string(i), "x", "java");
  for (int i = 20; i < 24; ++i) tasks += task_line(std::to_string(i), "x", "lua");
  begin(tasks);
  ASSERT_TRUE(comes([&] { return asked == 24; }));
  std::this_thread::sleep_for(50ms);  // the last one is on its way into its queue
  go.release(24);
  end();
  ASSERT_EQ(order.size(), 24U);
  EXPECT_EQ(std::count(order.begin(), order.begin() + 10, "lua"), 4)
      << "they did not wait for twenty others";
}

TEST_F(BatchTest, ReadsAheadOnlySoFar) {
  options_.jobs = 1;
  options_.ahead.tasks = 5;
  std::atomic<int> asked = 0;
  const auto needs = hooks_.needs;
  hooks_.needs = [&, needs](const Request& request) {
    ++asked;
    return needs(request);
  };
  std::counting_semaphore<> go(0);
  hooks_.run = [&](const Request&) -> Result<Outcome> {
    go.acquire();
    return good();
  };
  std::string tasks;
  for (int i = 0; i < 100; ++i) tasks += task_line(std::to_string(i), "x");
  begin(tasks);
  ASSERT_TRUE(comes([&] { return asked >= 7; }));
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(asked, 7) << "one runs, five wait, one is in the reader's hand";
  go.release(100);
  end();
  EXPECT_EQ(ids_written().size(), 100U);
}

TEST_F(BatchTest, FailFastBeginsNothingMoreAndWritesWhatRan) {
  options_.jobs = 1;
  options_.on_failure = OnFailure::kStop;
  hooks_.run = [](const Request& request) -> Result<Outcome> {
    Outcome outcome = good();
    if (source_of(request) == "bad") outcome.exit_code = 1;
    return outcome;
  };
  std::string tasks = task_line("1", "fine") + task_line("2", "bad");
  for (int i = 3; i < 100; ++i) tasks += task_line(std::to_string(i), "fine");
  const Ending ending = run(tasks);
  EXPECT_TRUE(ending.failed_fast);
  EXPECT_EQ(ending.failed_id, "2");
  EXPECT_THAT(ids_written(), ElementsAre("1", "2"));
}

TEST_F(BatchTest, FailFastCountsABadLine) {
  options_.on_failure = OnFailure::kStop;
  const Ending ending = run("nonsense\n" + task_line("1", "a"));
  EXPECT_TRUE(ending.failed_fast);
  EXPECT_EQ(ending.failed_id, "");
  EXPECT_THAT(ids_written(), testing::IsEmpty());
}

TEST_F(BatchTest, StoppedItWaitsForWhatRunsAndWritesIt) {
  options_.jobs = 2;
  std::counting_semaphore<> go(0);
  std::atomic<int> started = 0;
  hooks_.run = [&](const Request&) -> Result<Outcome> {
    ++started;
    go.acquire();
    return good();
  };
  std::string tasks;
  for (int i = 0; i < 100; ++i) tasks += task_line(std::to_string(i), "x");
  begin(tasks);
  while (started < 2) std::this_thread::sleep_for(1ms);
  batch_->stop();
  pollfd done{.fd = batch_->done_descriptor(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&done, 1, 50), 0) << "two are running";
  go.release(100);
  end();
  EXPECT_EQ(started, 2);
  EXPECT_EQ(ids_written().size(), 2U);
}

TEST_F(BatchTest, StoppedItDoesNotWaitForASilentPipe) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd in(ends[0]);
  const UniqueFd out(ends[1]);
  begin_from(in.get());
  batch_->stop();
  end();
  EXPECT_THAT(ids_written(), testing::IsEmpty());
}

TEST_F(BatchTest, ARequestThatCantBeRunGetsALineAndIsCounted) {
  hooks_.run = [](const Request& request) -> Result<Outcome> {
    if (source_of(request) == "lint") {
      return fail({.code = ErrorCode::kRefused, .message = "lint says no"});
    }
    return fail({.code = ErrorCode::kNoRuntime, .message = "no runtime 'klingon'"});
  };
  const Ending ending = run(task_line("1", "a", "klingon") + task_line("2", "lint"));
  EXPECT_FALSE(ending.error.has_value());
  EXPECT_THAT(ids_written(), UnorderedElementsAre("1", "2"));
  EXPECT_THAT(written(), HasSubstr("no runtime 'klingon'"));
  EXPECT_EQ(tally_.counts().not_run, 1U);
}

TEST_F(BatchTest, WhenNothingMoreCanBeRunItEnds) {
  options_.jobs = 1;
  hooks_.run = [](const Request&) -> Result<Outcome> {
    return fail({.code = ErrorCode::kCancelled, .message = "the launcher is gone"});
  };
  const Ending ending = run(task_line("1", "a") + task_line("2", "b"));
  ASSERT_TRUE(ending.error.has_value());
  EXPECT_THAT(ending.error->message, HasSubstr("the launcher is gone"));
  EXPECT_THAT(ids_written(), testing::IsEmpty()) << "--resume runs them";
  EXPECT_EQ(tally_.counts().running, 0U);
}

TEST_F(BatchTest, AFullDiskEndsIt) {
  results_ = "/dev/full";
  std::string tasks;
  for (int i = 0; i < 1000; ++i) tasks += task_line(std::to_string(i), "x");
  const Ending ending = run(tasks);
  ASSERT_TRUE(ending.error.has_value());
  EXPECT_EQ(ending.error->errno_value, ENOSPC);
  EXPECT_EQ(tally_.counts().results, 0U);
}

TEST_F(BatchTest, RelativeFilesStartAtTheTasksDirectory) {
  options_.directory = "/data/";
  std::string seen;
  hooks_.run = [&](const Request& request) -> Result<Outcome> {
    seen = std::get<SourceFile>(request.source).path;
    return good();
  };
  run("{\"id\":1,\"file\":\"a.py\"}\n");
  EXPECT_EQ(seen, "/data/a.py");
}

}  // namespace
}  // namespace sandpit::batch
