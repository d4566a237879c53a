#include "codec/json.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "codec/outcome_json.h"
#include "codec/plan_json.h"
#include "codec/runtimes_json.h"

namespace sandpit {
namespace {

using boost::json::value;

TEST(Render, WritesNumbersAsPeopleDo) {
  EXPECT_EQ(codec::render(value(12.345), codec::Layout::kCompact), "12.345\n");
  EXPECT_EQ(codec::render(value(0.0), codec::Layout::kCompact), "0\n");
  EXPECT_EQ(codec::render(boost::json::object{{"a", boost::json::array{1, nullptr, "x\n"}}},
                          codec::Layout::kCompact),
            "{\"a\":[1,null,\"x\\n\"]}\n");
}

TEST(Render, IndentsByTwo) {
  EXPECT_EQ(
      codec::render(boost::json::object{{"a", boost::json::array{1}}, {"b", boost::json::object{}}},
                    codec::Layout::kIndented),
      "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}\n");
}

TEST(Base64, AgreesWithTheVectorsOfRfc4648) {
  EXPECT_EQ(codec::base64(""), "");
  EXPECT_EQ(codec::base64("f"), "Zg==");
  EXPECT_EQ(codec::base64("fo"), "Zm8=");
  EXPECT_EQ(codec::base64("foo"), "Zm9v");
  EXPECT_EQ(codec::base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(codec::base64("\xFF\xFE\xFD"), "//79");
}

Outcome sample() {
  Outcome outcome;
  outcome.status = Status::kExited;
  outcome.exit_code = 3;
  outcome.stdout_text = "h\xC3\xA9llo\n";
  outcome.stderr_text = "\xFF";
  outcome.stdout_bytes = 7;
  outcome.stderr_bytes = 1;
  outcome.wall_time = Microseconds(12345);
  outcome.cpu_time = Microseconds(7);
  outcome.peak_memory = ByteCount::bytes(1025);
  outcome.runtime = "python";
  outcome.enforcement = {{"memory", "cgroup-v1"}};
  outcome.warnings = {"one"};
  return outcome;
}

TEST(OutcomeJson, HasExactlyTheFieldsOfItsSchema) {
  const boost::json::object json = boost::json::parse(outcome_to_json(sample())).as_object();
  std::vector<std::string> names;
  for (const auto& pair : json) names.emplace_back(pair.key());
  EXPECT_EQ(names, (std::vector<std::string>{
                       "schema_version", "status",          "exit_code",        "signal",
                       "stdout",         "stdout_encoding", "stderr",           "stderr_encoding",
                       "stdout_bytes",   "stderr_bytes",    "stdout_truncated", "stderr_truncated",
                       "wall_time_ms",   "cpu_time_ms",     "user_time_ms",     "system_time_ms",
                       "peak_memory_kb", "runtime",         "runtime_version",  "engine",
                       "compile",        "denials",         "enforcement",      "message",
                       "warnings"}));
}

TEST(OutcomeJson, KeepsMicrosecondsAndRoundsKibibytesUp) {
  const boost::json::value json = boost::json::parse(outcome_to_json(sample()));
  EXPECT_EQ(json.at("wall_time_ms").as_double(), 12.345);
  EXPECT_EQ(json.at("cpu_time_ms").as_double(), 0.007);
  EXPECT_EQ(json.at("peak_memory_kb").as_int64(), 2);
}

TEST(OutcomeJson, SendsBytesThatAreNotUtf8AsBase64) {
  const boost::json::value json = boost::json::parse(outcome_to_json(sample()));
  EXPECT_EQ(json.at("stdout").as_string(), "h\xC3\xA9llo\n");
  EXPECT_EQ(json.at("stdout_encoding").as_string(), "utf-8");
  EXPECT_EQ(json.at("stderr").as_string(), "/w==");
  EXPECT_EQ(json.at("stderr_encoding").as_string(), "base64");
}

TEST(OutcomeJson, GivesNoExitCodeToAProgramThatDidNotExit) {
  Outcome outcome = sample();
  outcome.status = Status::kSignaled;
  outcome.signal = 11;
  const boost::json::value json = boost::json::parse(outcome_to_json(outcome));
  EXPECT_TRUE(json.at("exit_code").is_null());
  EXPECT_EQ(json.at("signal").as_string(), "SIGSEGV");
  EXPECT_TRUE(json.at("compile").is_null());
}

TEST(OutcomeJson, NestsTheCompileStep) {
  Outcome outcome = sample();
  auto compile = std::make_shared<Outcome>(sample());
  compile->exit_code = 1;
  outcome.status = Status::kCompileFailed;
  outcome.compile = compile;
  const boost::json::value json = boost::json::parse(outcome_to_json(outcome));
  EXPECT_EQ(json.at("compile").at("exit_code").as_int64(), 1);
}

TEST(OutcomeJson, IsValidUtf8WhateverNamesAreInItsMessages) {
  Outcome outcome = sample();
  outcome.message = "no such file: \xFF.py";
  const boost::json::value json = boost::json::parse(outcome_to_json(outcome));
  EXPECT_EQ(json.at("message").as_string(), "no such file: \xEF\xBF\xBD.py");
}

TEST(PlanJson, ShowsNamesThatAreNotUtf8BothReadablyAndExactly) {
  Plan plan;
  plan.argv = {"/usr/bin/python3", "\xFF.py"};
  plan.mounts = {
      Mount{.kind = MountKind::kBind, .flags = kMountReadOnly, .target = "/usr", .source = "/usr"}};
  plan.seccomp.resize(3);
  plan.syscall_profile = "interpreter";
  const boost::json::value json = boost::json::parse(plan_to_json(plan));
  EXPECT_EQ(json.at("argv").at(1).as_string(), "\xEF\xBF\xBD.py");
  EXPECT_EQ(json.at("argv_base64").at(1).as_string(), "/y5weQ==");
  EXPECT_EQ(json.at("mounts").at(0).at("kind").as_string(), "bind");
  EXPECT_EQ(json.at("mounts").at(0).at("flags").at(0).as_string(), "read-only");
  EXPECT_EQ(json.at("seccomp").at("profile").as_string(), "interpreter");
  EXPECT_EQ(json.at("seccomp").at("instructions").as_int64(), 3);
  EXPECT_FALSE(json.at("seccomp").as_object().contains("disassembly"));
  EXPECT_FALSE(json.as_object().contains("env_base64"));
}

TEST(PlanJson, ShowsTheLimitsAsTheUserMeantThemAndWhatTheKernelGets) {
  Plan plan;
  plan.limits.processes = 10;
  plan.helper_tasks = 12;
  plan.max_tasks = 23;
  const boost::json::value limits = boost::json::parse(plan_to_json(plan)).at("limits");
  EXPECT_EQ(limits.at("processes").as_int64(), 10);
  EXPECT_EQ(limits.at("helper_tasks").as_int64(), 12);
  EXPECT_EQ(limits.at("max_tasks").as_int64(), 23);
  EXPECT_EQ(limits.at("memory_bytes").as_int64(), 536870912);
}

TEST(RuntimesJson, TellsTheStateAndWhatMendsIt) {
  const std::vector<RuntimeInfo> runtimes{RuntimeInfo{.name = "javascript",
                                                      .extensions = {"js"},
                                                      .engine = "jail",
                                                      .install_hint = "apt-get install nodejs"}};
  const boost::json::value json = boost::json::parse(runtimes_to_json(runtimes));
  EXPECT_EQ(json.at(0).at("state").as_string(), "not_installed");
  EXPECT_EQ(json.at(0).at("install_hint").as_string(), "apt-get install nodejs");
}

}  // namespace
}  // namespace sandpit
