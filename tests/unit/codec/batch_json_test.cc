#include "codec/batch_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <variant>

#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/units.h"

namespace sandpit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of(std::string_view line) {
  const auto task = parse_batch_task(line, "");
  return task ? "it was taken" : task.error().to_string();
}

TEST(BatchTaskJson, EveryMemberIsRead) {
  const auto task = parse_batch_task(
      R"json({"id":"a","runtime":"python","source":"print(1)","files":{"u.py":"x=1","d/n.txt":""},)json"
      R"json("args":["-v",""],"stdin":"in\n","expected_stdout":"1\n",)json"
      R"json("limits":{"memory_limit_mb":64,"timeout_s":"1500ms","max_processes":3,)json"
      R"json("cpu_time_limit_s":0.5}})json",
      "");
  ASSERT_TRUE(task.has_value()) << task.error().to_string();
  EXPECT_EQ(task->id, "\"a\"");
  EXPECT_EQ(task->request.runtime, "python");
  EXPECT_EQ(std::get<SourceText>(task->request.source).text, "print(1)");
  ASSERT_EQ(task->request.files.size(), 2U);
  EXPECT_EQ(task->request.files[0].name, "u.py");
  EXPECT_EQ(std::get<SourceText>(task->request.files[0].content).text, "x=1");
  EXPECT_THAT(task->request.args, ElementsAre("-v", ""));
  EXPECT_EQ(std::get<StdinBytes>(task->request.input).bytes, "in\n");
  EXPECT_EQ(task->expected_stdout, "1\n");
  EXPECT_EQ(task->request.limits.memory, ByteCount::mib(64));
  EXPECT_EQ(task->request.limits.wall_time, Milliseconds(1500));
  EXPECT_EQ(task->request.limits.cpu_time, Milliseconds(500));
  EXPECT_EQ(task->request.limits.processes, 3U);
}

TEST(BatchTaskJson, WhatIsNotGivenStaysOpen) {
  const auto task = parse_batch_task(R"({"id":1,"source":"x","stdin":null,"limits":null})", "");
  ASSERT_TRUE(task.has_value()) << task.error().to_string();
  EXPECT_EQ(task->request.runtime, "");
  EXPECT_TRUE(std::holds_alternative<StdinEmpty>(task->request.input));
  EXPECT_EQ(task->request.limits, LimitOverrides{});
  EXPECT_FALSE(task->expected_stdout.has_value());
}

TEST(BatchTaskJson, FilesStartAtTheGivenDirectory) {
  const auto path = [](const std::string& line) {
    return std::get<SourceFile>(parse_batch_task(line, "tasks/")->request.source).path;
  };
  EXPECT_EQ(path(R"({"id":1,"file":"a.py"})"), "tasks/a.py");
  EXPECT_EQ(path(R"({"id":1,"file":"/b.py"})"), "/b.py");
}

TEST(BatchTaskJson, IdsAreTextsAndWholeNumbers) {
  const auto id = [](const std::string& text) {
    const auto task = parse_batch_task("{\"id\":" + text + R"(,"source":"x"})", "");
    return task ? task->id : task.error().to_string();
  };
  EXPECT_EQ(id("17"), "17");
  EXPECT_EQ(id("-3"), "-3");
  EXPECT_EQ(id("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(id(R"("a\"\u00e9\n")"), R"("a\"é\n")");
  for (const char* bad : {"1.5", "18446744073709551616", "true", "[1]", "{}"}) {
    EXPECT_THAT(id(bad), HasSubstr("id: must be a text or a whole number")) << bad;
  }
  EXPECT_THAT(id("null"), HasSubstr("id: is missing"));
  EXPECT_THAT(id("\"" + std::string(2000, 'x') + "\""), HasSubstr("id: is longer"));
}

TEST(BatchTaskJson, AnUnknownMemberIsAnErrorWithTheNearest) {
  EXPECT_THAT(error_of(R"({"id":1,"sorce":"x"})"),
              HasSubstr(R"(sorce: no such member (did you mean "source"?))"));
  EXPECT_THAT(error_of(R"({"id":1,"source":"x","limits":{"memory_limit":5}})"),
              HasSubstr(R"(limits.memory_limit: no such limit (did you mean "memory_limit_mb"?))"));
}

TEST(BatchTaskJson, EveryProblemOfALineIsTold) {
  const std::string said = error_of(
      R"({"source":5,"args":[1,"a\u0000"],"files":{"a":1},"stdin":[],"limits":{"timeout_s":-1}})");
  for (const char* part :
       {"id: is missing", "source: expected a text, found a number (put it in quotes)",
        "args[0]: expected a text, found a number", "args[1]: holds a NUL",
        "files.a: expected a text", "stdin: expected a text, found a list",
        "limits.timeout_s: timeout_s = -1 is out of range"}) {
    EXPECT_THAT(said, HasSubstr(part));
  }
}

TEST(BatchTaskJson, LimitsHaveTheRangesAndTypesOfTheConfiguration) {
  const auto limit = [](const std::string& text) {
    return error_of(R"({"id":1,"source":"x","limits":{)" + text + "}}");
  };
  EXPECT_THAT(limit(R"("memory_limit_mb":true)"), HasSubstr("found true or false"));
  EXPECT_THAT(limit(R"("memory_limit_mb":[])"), HasSubstr("found a list"));
  EXPECT_THAT(limit(R"("max_processes":1.5)"), HasSubstr("whole number"));
  EXPECT_THAT(limit(R"("max_processes":18446744073709551615)"), HasSubstr("out of range"));
  EXPECT_THAT(limit(R"("memory_limit_mb":1e300)"), HasSubstr("out of range"));
  EXPECT_THAT(limit(R"("timeout_s":"soon")"), HasSubstr("limits.timeout_s"));
  EXPECT_THAT(error_of(R"({"id":1,"source":"x","limits":[]})"),
              HasSubstr("limits: expected an object with the keys of [resource_limits]"));
}

TEST(BatchTaskJson, TheSourceIsThereExactlyOnce) {
  EXPECT_THAT(error_of(R"({"id":1})"), HasSubstr("neither source nor file"));
  EXPECT_THAT(error_of(R"({"id":1,"source":"x","file":"y"})"), HasSubstr("are both there"));
  EXPECT_THAT(error_of(R"({"id":1,"file":""})"), HasSubstr("file: is empty"));
  EXPECT_EQ(error_of(R"({"id":1,"source":""})"), "it was taken");
}

TEST(BatchTaskJson, AKeyThatIsThereTwiceIsAnError) {
  EXPECT_THAT(error_of(R"({"id":1,"source":"x","id":2})"), HasSubstr("id: is there twice"));
  EXPECT_THAT(error_of(R"({"id":1,"source":"x","limits":{"timeout_s":1,"timeout_s":2}})"),
              HasSubstr("limits.timeout_s: is there twice"));
  EXPECT_THAT(error_of(R"({"id":1,"source":"x","files":{"a":"","\u0061":""}})"),
              HasSubstr("files.a: is there twice"));
}

TEST(BatchTaskJson, WhatIsNotJsonIsToldWithItsColumn) {
  EXPECT_THAT(error_of("nonsense"), HasSubstr("column 1: not JSON"));
  EXPECT_THAT(error_of(R"({"id":1)"), HasSubstr("column 8: the line ends in the middle"));
  EXPECT_THAT(error_of(R"({"id":1} {"id":2})"), HasSubstr("column 10: something follows"));
  EXPECT_THAT(error_of("[1]"), HasSubstr("a task is a JSON object"));
  EXPECT_THAT(error_of("{\"id\":\"\xff\"}"), HasSubstr("column 8: byte 0xff is not UTF-8"));
  EXPECT_THAT(error_of(R"({"id":"\ud800","source":"x"})"), HasSubstr("not JSON"));
  EXPECT_THAT(error_of(std::string(100'000, '[')), HasSubstr("not JSON"));
  EXPECT_THAT(error_of(""), HasSubstr("column 1"));
}

TEST(BatchResultJson, BeginsWithIdAndVerdictAndIsOneLine) {
  Outcome outcome;
  outcome.status = Status::kExited;
  outcome.stdout_text = "a\nb";
  EXPECT_THAT(batch_result_to_json("17", "accepted", outcome),
              testing::StartsWith(
                  R"({"id":17,"verdict":"accepted","schema_version":1,"status":"exited",)"));
  const std::string line = batch_result_to_json("\"x\"", std::nullopt, outcome);
  EXPECT_THAT(line, testing::StartsWith(R"({"id":"x","schema_version":1,)"));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto id = batch_result_id(line);
  ASSERT_TRUE(id.has_value()) << id.error().to_string();
  EXPECT_EQ(*id, "\"x\"");
}

TEST(BatchResultJson, TheIdIsThatOfTheRootAlone) {
  EXPECT_EQ(*batch_result_id(R"({"a":{"id":1},"b":[{"id":2}],"id":3,"status":""})"), "3");
  for (const char* bad : {R"({"a":{"id":1},"status":""})", "[1]", "{}", R"({"id":1.5,"status":""})",
                          R"({"id":1,"status":"")", "", "x", R"({"id":[1],"status":""})",
                          R"({"id":{"id":4},"status":""})", R"({"id":1,"a":{"status":""}})"}) {
    EXPECT_FALSE(batch_result_id(bad).has_value()) << bad;
  }
}

TEST(BatchResultJson, AnIdReadAgainIsTheIdThatWasWritten) {
  for (const char* id : {R"("a\"é\n")", "17", "-3", "18446744073709551615", R"("")"}) {
    const auto task = parse_batch_task(std::string("{\"id\":") + id + R"(,"source":"x"})", "");
    ASSERT_TRUE(task.has_value()) << id;
    EXPECT_EQ(*batch_result_id(batch_result_to_json(task->id, std::nullopt, Outcome{})), task->id);
  }
}

}  // namespace
}  // namespace sandpit
