// The small pure pieces: histogram, ids, defaults, verdicts, the progress line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "batch/defaults.h"
#include "batch/histogram.h"
#include "batch/id_set.h"
#include "batch/progress.h"
#include "batch/tally.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/units.h"

namespace sandpit::batch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 20; ++value) histogram.add(value);
  EXPECT_EQ(histogram.percentile(0.5), 10U);
  EXPECT_EQ(histogram.percentile(1), 20U);
  EXPECT_EQ(histogram.percentile(0), 1U);
  EXPECT_EQ(histogram.max(), 20U);
}

TEST(Histogram, IsTooHighByAtMostAThirtySecondPart) {
  std::mt19937_64 random(1);  // NOLINT(bugprone-random-generator-seed): the same values each time
  std::vector<std::uint64_t> values;
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t value = random() >> (random() % 64);
    values.push_back(value);
    histogram.add(value);
  }
  std::ranges::sort(values);
  for (const double fraction : {0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(fraction * 20'000) - 1;
    const std::uint64_t exact = values.at(rank);
    EXPECT_GE(histogram.percentile(fraction), exact);
    EXPECT_LE(histogram.percentile(fraction) - exact, exact / 32) << fraction;
  }
}

TEST(Histogram, TakesTheLargestNumberAndNone) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile(0.5), 0U);
  histogram.add(UINT64_MAX);
  EXPECT_EQ(histogram.percentile(0.5), UINT64_MAX);
  histogram.add(0);
  EXPECT_EQ(histogram.percentile(0.5), 0U);
}

TEST(Histogram, MergedOnesCountTogether) {
  Histogram low;
  Histogram high;
  low.add(1);
  high.add(1000);
  low.merge(high);
  EXPECT_EQ(low.count(), 2U);
  EXPECT_EQ(low.max(), 1000U);
  EXPECT_EQ(low.percentile(0.5), 1U);
}

TEST(IdSet, RemembersEachMarkOfEachId) {
  IdSet ids;
  EXPECT_EQ(ids.mark("1", IdSet::kDone), 0);
  EXPECT_EQ(ids.mark("\"1\"", IdSet::kDone), 0) << "a number and a text are two ids";
  EXPECT_EQ(ids.mark("1", IdSet::kSeen), IdSet::kDone);
  EXPECT_EQ(ids.mark("1", IdSet::kSeen), IdSet::kDone | IdSet::kSeen);
  EXPECT_EQ(ids.mark("2", IdSet::kSeen), 0);
  EXPECT_EQ(ids.size(), 3U);
}

TEST(IdSet, HoldsAMillionIdsInBoundedMemory) {
  IdSet ids;
  constexpr std::uint64_t kMany = 1'000'000;
  for (std::uint64_t i = 0; i < kMany; ++i) {
    ASSERT_EQ(ids.mark(std::to_string(i), IdSet::kDone), 0) << i;
  }
  EXPECT_EQ(ids.size(), kMany);
  EXPECT_LE(ids.bytes(), kMany * 43);
  for (std::uint64_t i = 0; i < kMany; i += 997) {
    ASSERT_EQ(ids.mark(std::to_string(i), IdSet::kSeen), IdSet::kDone) << i;
  }
  EXPECT_EQ(ids.mark("1000000", IdSet::kSeen), 0);
}

TEST(Defaults, TheTasksOwnLimitsWin) {
  const LimitOverrides merged =
      merge({.memory = ByteCount::mib(64), .processes = 3}, {.memory = ByteCount::mib(128)});
  EXPECT_EQ(merged.memory, ByteCount::mib(128));
  EXPECT_EQ(merged.processes, 3U);
}

TEST(Defaults, OfTwoTimesThatContradictEachOtherTheLowerCounts) {
  EXPECT_EQ(merge({.cpu_time = Milliseconds(5000)}, {.wall_time = Milliseconds(1000)}).cpu_time,
            Milliseconds(1000));
  EXPECT_EQ(merge({.wall_time = Milliseconds(1000)}, {.cpu_time = Milliseconds(5000)}).cpu_time,
            Milliseconds(1000));
}

TEST(Defaults, OneTasksOwnContradictionIsLeftForItsRunToName) {
  const LimitOverrides own{.cpu_time = Milliseconds(5000), .wall_time = Milliseconds(1000)};
  EXPECT_EQ(merge({}, own), own);
  EXPECT_EQ(merge(own, {}), own);
}

TEST(Defaults, FilesAboveTheOtherLayersMemoryGetHalfOfIt) {
  EXPECT_EQ(merge({.disk = ByteCount::mib(100)}, {.memory = ByteCount::mib(64)}).disk,
            ByteCount::mib(32));
  EXPECT_EQ(merge({.memory = ByteCount::mib(64)}, {.disk = ByteCount::mib(100)}).disk,
            ByteCount::mib(32));
}

TEST(Defaults, FillInWhatATaskLeavesOpen) {
  Request defaults;
  defaults.runtime = "python";
  defaults.network = NetworkMode::kAllow;
  defaults.hosts = {"a:1"};
  defaults.env = {{"A", "1"}};
  defaults.cold = true;
  Request named;
  named.runtime = "lua";
  apply_defaults(named, defaults);
  EXPECT_EQ(named.runtime, "lua");
  EXPECT_EQ(named.network, NetworkMode::kAllow);
  EXPECT_THAT(named.hosts, ElementsAre("a:1"));
  Request open;
  apply_defaults(open, defaults);
  EXPECT_EQ(open.runtime, "python");
  EXPECT_EQ(open.env.at("A"), "1");
  EXPECT_TRUE(open.cold);
}

Outcome exited(int code, const std::string& output = {}) {
  Outcome outcome;
  outcome.status = Status::kExited;
  outcome.exit_code = code;
  outcome.stdout_text = output;
  return outcome;
}

TEST(Verdict, IsThereOnlyWithAnExpectation) {
  EXPECT_FALSE(verdict_of(std::nullopt, exited(0, "x")).has_value());
}

TEST(Verdict, ComparesByteForByte) {
  EXPECT_EQ(verdict_of("4\n", exited(0, "4\n")), "accepted");
  EXPECT_EQ(verdict_of("4", exited(0, "4\n")), "wrong_answer");
  EXPECT_EQ(verdict_of("", exited(0, "")), "accepted");
}

TEST(Verdict, AProgramThatDidNotEndWellIsNeverAccepted) {
  EXPECT_EQ(verdict_of("4\n", exited(1, "4\n")), "exited");
  Outcome killed;
  killed.status = Status::kCpuTimeExceeded;
  killed.stdout_text = "4\n";
  EXPECT_EQ(verdict_of("4\n", killed), "cpu_time_exceeded");
  Outcome cut = exited(0, "4\n");
  cut.stdout_truncated = true;
  EXPECT_EQ(verdict_of("4\n", cut), "wrong_answer");
}

TEST(Tally, CountsFailuresAndWhatNeverRan) {
  Tally tally;
  const auto finish = [&](const Outcome& outcome, bool ran = true) {
    tally.started();
    tally.finished(outcome, std::nullopt, ran, 10);
  };
  finish(exited(0));
  finish(exited(3));
  Outcome refused;
  refused.status = Status::kRefused;
  finish(refused);
  finish(refused, false);
  finish(Outcome{});  // sandbox_error
  tally.bad_line(5);
  tally.skipped(7);
  const Totals totals = tally.totals();
  EXPECT_EQ(totals.counts.results, 5U);
  EXPECT_EQ(totals.counts.failed, 4U);
  EXPECT_EQ(totals.counts.not_run, 2U);
  EXPECT_EQ(totals.counts.running, 0U);
  EXPECT_EQ(totals.counts.bytes, 62U);
  EXPECT_EQ(totals.counts.skipped_bytes, 7U);
  EXPECT_EQ(totals.nonzero, 1U);
  EXPECT_EQ(totals.statuses.at(Status::kExited).count, 2U);
  EXPECT_EQ(totals.statuses.at(Status::kRefused).wall.count(), 0U) << "nothing ran";
}

TEST(Rate, IsThatOfTheLastTenSeconds) {
  Rate rate;
  EXPECT_EQ(rate.per_second(), 0);
  for (int i = 0; i <= 100; ++i) rate.update(i * 0.5, i * 5.0);  // 10 per second
  EXPECT_NEAR(rate.per_second(), 10, 0.01);
  for (int i = 1; i <= 40; ++i) rate.update(50 + i * 0.5, 500 + i * 50.0);
  EXPECT_NEAR(rate.per_second(), 100, 0.01);
}

TEST(Rate, ManyUpdatesTakeLittleMemoryAndCount) {
  Rate rate;
  for (int i = 0; i <= 100'000; ++i) rate.update(i * 0.001, i);
  EXPECT_NEAR(rate.per_second(), 1000, 20);
}

TEST(ProgressLine, ShowsBarRateEtaAndCounts) {
  const ProgressState state{
      .counts =
          {.results = 1234, .failed = 12, .bad_lines = 1, .skipped = 5, .running = 4, .bytes = 500},
      .file_bytes = 1000,
      .tasks_per_second = 81.4,
      .bytes_per_second = 2.5};
  const std::string line = progress_line(state, 200);
  EXPECT_THAT(line, HasSubstr("[============>           ]  50%"));
  EXPECT_THAT(line, HasSubstr("1234 done 81/s ETA 3:20"));
  EXPECT_THAT(line, HasSubstr("12 failed 4 running 5 skipped 1 bad"));
}

TEST(ProgressLine, OfAPipeHasNeitherBarNorEta) {
  const std::string line =
      progress_line({.counts = {.results = 7}, .file_bytes = {}, .tasks_per_second = 2}, 200);
  EXPECT_THAT(line, HasSubstr("7 done 2.0/s"));
  EXPECT_THAT(line, Not(HasSubstr("ETA")));
  EXPECT_THAT(line, Not(HasSubstr("%")));
}

TEST(ProgressLine, FitsTheTerminalAndAFileThatGrew) {
  const ProgressState grown{
      .counts = {.results = 9, .bytes = 2000}, .file_bytes = 1000, .bytes_per_second = 1};
  EXPECT_THAT(progress_line(grown, 200), HasSubstr("100%"));
  EXPECT_EQ(progress_line(grown, 20).size(), 20U);
}

TEST(ProgressLine, ClockTexts) {
  EXPECT_EQ(clock_text(6.2), "0:07");
  EXPECT_EQ(clock_text(200), "3:20");
  EXPECT_EQ(clock_text(7500), "2:05:00");
  EXPECT_EQ(clock_text(1e12), "99:59:59");
}

}  // namespace
}  // namespace sandpit::batch
