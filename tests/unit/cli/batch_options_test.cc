#include "cli/batch_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "batch/tally.h"
#include "cli/batch_summary.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/units.h"
#include "support/documents.h"

namespace sandpit::cli {
namespace {

using testing::HasSubstr;

Result<BatchArguments> parse(std::vector<std::string> words) { return parse_batch(words, "/here"); }

std::string error_of(std::vector<std::string> words) {
  const auto parsed = parse(std::move(words));
  return parsed ? "it was taken" : parsed.error().to_string();
}

TEST(BatchOptions, AreRead) {
  const auto parsed =
      parse({"-j",          "3",      "-o",           "out.jsonl", "--ordered",       "--resume",
             "--fail-fast", "--cold", "--memory",     "64",        "--net",           "loopback",
             "--env",       "A=1",    "--overcommit", "1.5",       "--memory-budget", "2GiB",
             "--runtime",   "lua",    "tasks.jsonl"});
  ASSERT_TRUE(parsed.has_value()) << parsed.error().to_string();
  EXPECT_EQ(parsed->jobs, 3U);
  EXPECT_EQ(parsed->results, "out.jsonl");
  EXPECT_EQ(parsed->tasks, "tasks.jsonl");
  EXPECT_EQ(parsed->order, batch::Order::kInput);
  EXPECT_EQ(parsed->existing, batch::Existing::kResume);
  EXPECT_EQ(parsed->on_failure, batch::OnFailure::kStop);
  EXPECT_EQ(parsed->defaults.limits.memory, ByteCount::mib(64));
  EXPECT_EQ(parsed->defaults.network, NetworkMode::kLoopback);
  EXPECT_EQ(parsed->defaults.env.at("A"), "1");
  EXPECT_EQ(parsed->defaults.runtime, "lua");
  EXPECT_TRUE(parsed->defaults.cold);
  EXPECT_EQ(parsed->overcommit, 1.5);
  EXPECT_EQ(parsed->memory_budget, ByteCount::gib(2));
}

TEST(BatchOptions, HostsAreForAllTasks) {
  const auto parsed = parse({"--net", "db:5432", "--net", "pypi.org:443", "tasks.jsonl"});
  ASSERT_TRUE(parsed.has_value()) << parsed.error().to_string();
  EXPECT_EQ(parsed->defaults.network, NetworkMode::kAllow);
  EXPECT_THAT(parsed->defaults.hosts, testing::ElementsAre("db:5432", "pypi.org:443"));
}

TEST(BatchOptions, OptionsMayFollowTheFile) {
  const auto parsed = parse({"tasks.jsonl", "-o", "out.jsonl", "--force"});
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->existing, batch::Existing::kReplace);
  EXPECT_EQ(parse({"-"})->tasks, "-");
}

TEST(BatchOptions, WhatMakesNoSenseIsRefused) {
  EXPECT_THAT(error_of({}), HasSubstr("no file of tasks"));
  EXPECT_THAT(error_of({"a", "b"}), HasSubstr("one file of tasks"));
  EXPECT_THAT(error_of({"--resume", "a"}), HasSubstr("--resume needs the results file"));
  EXPECT_THAT(error_of({"--resume", "--force", "-o", "b", "a"}), HasSubstr("contradict"));
  EXPECT_THAT(error_of({"--ordred", "a"}),
              HasSubstr("unknown option --ordred (did you mean \"--ordered\"?)"));
  EXPECT_THAT(error_of({"-j", "0", "a"}), HasSubstr("--jobs: \"0\""));
  EXPECT_THAT(error_of({"-j", "5000", "a"}), HasSubstr("at most 1024"));
  for (const char* factor : {"0", "-1", "x", "1x", "inf", "nan", "1e9"}) {
    EXPECT_THAT(error_of({std::string("--overcommit=") + factor, "a"}), HasSubstr("--overcommit"))
        << factor;
  }
  EXPECT_THAT(error_of({"--output=", "a"}), HasSubstr("has no value"));
}

TEST(BatchOptions, EveryBadValueIsReported) {
  const std::string said = error_of({"-j", "x", "--memory", "lots", "--net", "lan:", "a"});
  EXPECT_THAT(said, HasSubstr("--jobs"));
  EXPECT_THAT(said, HasSubstr("--memory"));
  EXPECT_THAT(said, HasSubstr("--net"));
}

TEST(BatchOptions, HelpPageAndCompletionsKnowEveryOption) {
  const auto help = parse({"--help"});
  ASSERT_TRUE(help.has_value());
  ASSERT_GT(batch_option_names().size(), 20U);
  for (const std::string& name : batch_option_names()) EXPECT_THAT(help->help, HasSubstr(name));
  test::expect_documented(batch_option_names());
}

TEST(BatchSummary, TellsStatusesPercentilesAndVerdicts) {
  batch::Tally tally;
  for (int i = 1; i <= 100; ++i) {
    Outcome outcome;
    outcome.status = i <= 90 ? Status::kExited : Status::kWallTimeExceeded;
    outcome.start = i <= 70 ? "warm" : "cold";
    outcome.wall_time = Microseconds(i * 1000);
    outcome.peak_memory = ByteCount::mib(static_cast<std::uint64_t>(i));
    tally.started();
    tally.finished(outcome, i <= 80 ? "accepted" : "wrong_answer", true, 1);
  }
  tally.started();
  tally.finished(Outcome{}, std::nullopt, true, 1);
  tally.bad_line(1);
  const std::string text = batch_summary(tally.totals(), 2, Colour::kNever);
  EXPECT_THAT(text,
              HasSubstr("101 results in 2.0 s (50.5/s), 1 bad line, 1 that could not be run"));
  EXPECT_THAT(text, HasSubstr("verdicts: 80 accepted, 20 wrong_answer"));
  EXPECT_THAT(text, HasSubstr("starts: 30 cold, 70 warm"));
  EXPECT_THAT(text, testing::ContainsRegex("exited +90 "));
  EXPECT_THAT(text, testing::ContainsRegex("wall_time_exceeded +10 .*100 ms"));
  EXPECT_THAT(text, testing::ContainsRegex("sandbox_error +1 +- +-"));
  EXPECT_THAT(text, testing::ContainsRegex("all +101 .*100 ms.*100 MiB"));
}

}  // namespace
}  // namespace sandpit::cli
