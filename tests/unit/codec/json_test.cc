#include "codec/json.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "codec/check_json.h"
#include "codec/outcome_json.h"
#include "codec/plan_json.h"
#include "codec/runtimes_json.h"
#include "codec/wasm_description.h"

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
  EXPECT_EQ(names,
            (std::vector<std::string>{"schema_version",  "status",           "exit_code",
                                      "signal",          "stdout",           "stdout_encoding",
                                      "stderr",          "stderr_encoding",  "stdout_bytes",
                                      "stderr_bytes",    "stdout_truncated", "stderr_truncated",
                                      "wall_time_ms",    "cpu_time_ms",      "user_time_ms",
                                      "system_time_ms",  "peak_memory_kb",   "runtime",
                                      "runtime_version", "engine",           "compile",
                                      "denials",         "limits_reached",   "enforcement",
                                      "message",         "warnings",         "start"}));
}

TEST(OutcomeJson, ListsDenialsAndWhatFoundNoRoom) {
  Outcome outcome = sample();
  outcome.denials.push_back({.what = "chroot /a",
                             .call = "chroot",
                             .detail = "/a",
                             .error = "EPERM",
                             .hint = "",
                             .count = 3});
  outcome.limits_reached.push_back(
      {.limit = "processes", .detail = "one refused", .hint = "--processes", .count = 1});
  boost::json::value json = boost::json::parse(outcome_to_json(outcome));
  EXPECT_EQ(json.at("denials").at(0), (value{{"what", "chroot /a"},
                                             {"call", "chroot"},
                                             {"detail", "/a"},
                                             {"errno", "EPERM"},
                                             {"hint", ""},
                                             {"count", 3U}}));
  EXPECT_EQ(json.at("limits_reached").at(0).at("hint"), "--processes");
  EXPECT_FALSE(json.as_object().contains("denials_unlisted"));
  outcome.denials_unlisted = 7;
  outcome.denials_missing = "switched off";
  json = boost::json::parse(outcome_to_json(outcome));
  EXPECT_EQ(json.at("denials_unlisted"), 7);
  EXPECT_EQ(json.at("denials_missing"), "switched off");
}

TEST(OutcomeJson, ListsFilesThatATraceMissed) {
  Outcome outcome = sample();
  EXPECT_FALSE(boost::json::parse(outcome_to_json(outcome)).as_object().contains("files_traced"));
  FileTrace trace{.unlisted = 2, .absent = 63};
  trace.failed.push_back({.path = "/work/a\xff",
                          .access = "read",
                          .error = "ENOENT",
                          .hint = "--read /h/a",
                          .count = 3,
                          .grant = PathGrant{.host = "/h/a", .inside = "/work/a\xff"}});
  outcome.files_traced = trace;
  const boost::json::value json = boost::json::parse(outcome_to_json(outcome)).at("files_traced");
  EXPECT_EQ(json.at("unlisted"), 2);
  EXPECT_EQ(json.at("absent"), 63);
  EXPECT_FALSE(json.as_object().contains("missing"));
  EXPECT_EQ(json.at("failed").at(0), (value{{"path", "/work/a\xEF\xBF\xBD"},
                                            {"path_base64", "L3dvcmsvYf8="},
                                            {"access", "read"},
                                            {"errno", "ENOENT"},
                                            {"hint", "--read /h/a"},
                                            {"host", "/h/a"},
                                            {"count", 3U}}));
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

TEST(OutcomeJson, TellsOfAWebAssemblyRunWhatNoOtherHas) {
  Outcome outcome = sample();
  EXPECT_FALSE(boost::json::parse(outcome_to_json(outcome)).as_object().contains("wasm"));
  outcome.wasm = WasmOutcome{.fuel_used = 7,
                             .memory_high_water = ByteCount::bytes(65537),
                             .compile_time = Microseconds(1500),
                             .compiler = "cranelift"};
  const boost::json::value json = boost::json::parse(outcome_to_json(outcome)).at("wasm");
  EXPECT_EQ(json.at("fuel_used").as_int64(), 7);
  EXPECT_EQ(json.at("memory_high_water_kb").as_int64(), 65);
  EXPECT_EQ(json.at("compile_time_ms").as_double(), 1.5);
  EXPECT_FALSE(json.at("cache_hit").as_bool());
  EXPECT_FALSE(json.at("warm").as_bool());
  EXPECT_EQ(json.at("compiler").as_string(), "cranelift");
  EXPECT_TRUE(json.at("trap").is_null());
  EXPECT_TRUE(json.at("backtrace").as_array().empty());
  EXPECT_EQ(json.as_object().size(), 8U);
}

TEST(OutcomeJson, GivesATrapItsCodeAndItsBacktrace) {
  Outcome outcome = sample();
  outcome.status = Status::kTrapped;
  outcome.wasm =
      WasmOutcome{.trap = "unreachable", .backtrace = {"0: \xFF (a.wat:3:5)", "1: _start"}};
  const boost::json::value json = boost::json::parse(outcome_to_json(outcome)).at("wasm");
  EXPECT_TRUE(json.at("fuel_used").is_null());
  EXPECT_EQ(json.at("trap").as_string(), "unreachable");
  EXPECT_EQ(json.at("backtrace").at(0).as_string(), "0: \xEF\xBF\xBD (a.wat:3:5)");
  EXPECT_EQ(json.at("backtrace").at(1).as_string(), "1: _start");
}

TEST(PlanJson, ShowsWhatTheWorkerShallDo) {
  Plan plan;
  plan.inputs = {{.name = "module", .size = 9, .as_descriptor = 5}, {.name = "plain"}};
  EXPECT_FALSE(boost::json::parse(plan_to_json(plan)).as_object().contains("wasm"));
  plan.wasm = WasmPlan{.module_name = "a.wat",
                       .invoke = "add",
                       .values = {"1", "2"},
                       .max_memory = ByteCount::mib(1),
                       .preopens = {{.inside = "/data", .guest = "/data", .writable = true}},
                       .allowed = {"a:1"}};
  const boost::json::value json = boost::json::parse(plan_to_json(plan));
  EXPECT_EQ(json.at("inputs").at(0).at("as_descriptor").as_int64(), 5);
  EXPECT_FALSE(json.at("inputs").at(1).as_object().contains("as_descriptor"));
  const boost::json::value& wasm = json.at("wasm");
  EXPECT_EQ(wasm.at("task").as_string(), "run");
  EXPECT_EQ(wasm.at("invoke").as_string(), "add");
  EXPECT_EQ(wasm.at("values").at(1).as_string(), "2");
  EXPECT_EQ(wasm.at("max_memory_bytes").as_int64(), 1048576);
  EXPECT_EQ(wasm.at("compiler").as_string(), "auto");
  EXPECT_TRUE(wasm.at("features").at("component_model").as_bool());
  EXPECT_FALSE(wasm.at("features").at("gc").as_bool());
  EXPECT_EQ(wasm.at("features").as_object().size(), 11U);
  EXPECT_TRUE(wasm.at("capabilities").at("stdin").as_bool());
  EXPECT_EQ(wasm.at("capabilities").as_object().size(), 7U);
  EXPECT_TRUE(wasm.at("preopens").at(0).at("writable").as_bool());
  EXPECT_EQ(wasm.at("allowed").at(0).as_string(), "a:1");
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

constexpr std::string_view kDescription = R"json({
  "kind": "module",
  "imports": [{"module": "wasi_snapshot_preview1", "name": "fd_write", "type": "(i32) -> (i32)",
               "capability": "stdout", "granted": true},
              {"module": "env", "name": "f", "type": "() -> ()", "capability": null,
               "granted": false}],
  "exports": [{"name": "_start", "type": "() -> ()"}],
  "memories": [{"min_pages": 1, "max_pages": null, "shared": false, "memory64": true}],
  "tables": [{"min": 2, "max": 3, "type": "funcref"}],
  "features": ["simd"],
  "entry": "_start",
  "later": 1})json";

TEST(WasmDescription, IsReadWithEveryField) {
  const auto read = parse_wasm_description(kDescription);
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(read->kind, "module");
  ASSERT_EQ(read->imports.size(), 2U);
  EXPECT_EQ(read->imports[0].capability, "stdout");
  EXPECT_TRUE(read->imports[0].granted);
  EXPECT_EQ(read->imports[1].capability, "");
  EXPECT_EQ(read->exports[0].name, "_start");
  EXPECT_EQ(read->memories[0].min_pages, 1U);
  EXPECT_FALSE(read->memories[0].max_pages);
  EXPECT_TRUE(read->memories[0].memory64);
  EXPECT_EQ(read->tables[0].max, 3U);
  EXPECT_EQ(read->features, std::vector<std::string>{"simd"});
  EXPECT_EQ(read->entry, "_start");
}

// The worker that writes it may have been taken over.
TEST(WasmDescription, AnythingElseIsAnErrorAndNoMore) {
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{}"), std::string("\xFF"),
        std::string(100000, '['), std::string(kDescription.substr(0, 100))}) {
    EXPECT_FALSE(parse_wasm_description(text)) << text.substr(0, 100);
  }
  for (const auto& [was, becomes] : std::vector<std::pair<std::string, std::string>>{
           {R"("kind": "module")", R"("kind": 1)"},
           {R"("min_pages": 1)", R"("min_pages": -1)"},
           {R"("max": 3)", R"("max": "3")"},
           {R"("granted": true)", R"("granted": null)"},
           {R"(["simd"])", R"([1])"},
           {R"(["simd"])", R"({})"},
           {R"({"name": "_start", "type")", R"(5, {"name": "_start", "type")"}}) {
    std::string text(kDescription);
    text.replace(text.find(was), was.size(), becomes);
    EXPECT_FALSE(parse_wasm_description(text)) << becomes;
  }
}

TEST(CheckJson, HasTheDescriptionAndEveryProblem) {
  FileCheck check{.file = "a.wat", .ok = false, .description = {}, .problems = {}};
  check.problems = {{.severity = "error", .message = "bad", .rule = {}, .line = 3, .column = 5}};
  const boost::json::value without = boost::json::parse(check_to_json(check));
  EXPECT_EQ(without.at("file").as_string(), "a.wat");
  EXPECT_FALSE(without.at("ok").as_bool());
  EXPECT_TRUE(without.at("description").is_null());
  EXPECT_EQ(without.at("problems").at(0).at("line").as_int64(), 3);
  EXPECT_TRUE(without.at("problems").at(0).at("rule").is_null());

  check.description = *parse_wasm_description(kDescription);
  boost::json::value expected = boost::json::parse(kDescription);
  expected.as_object().erase("later");
  EXPECT_EQ(boost::json::parse(check_to_json(check)).at("description"), expected);
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
