// --invoke, and the description of a module.
#include "unit/wasm/worker_driver.h"

namespace sandpit::wasm::testing {
namespace {

class Invoke : public WorkerTest {};

Ended call(const std::string& module, const std::string& name, std::vector<std::string> values) {
  Given invoke = given(module);
  invoke.plan.invoke = name;
  invoke.plan.values = std::move(values);
  return run(invoke);
}

const char* const kMath = R"((module
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "half") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2)))
  (func (export "swap") (param i64 f32) (result f32 i64) (local.get 1) (local.get 0))
  (func (export "vector") (param v128) (result v128) (local.get 0))
  (func (export "reference") (param externref))
  (memory (export "memory") 1)))";

TEST_F(Invoke, CallsWithTypedValues) {
  EXPECT_EQ(call(kMath, "add", {"2", "40"}).out, "42\n");
  EXPECT_EQ(call(kMath, "add", {"0xffffffff", "-1"}).out, "-2\n");
  EXPECT_EQ(call(kMath, "half", {"5"}).out, "2.5\n");
  EXPECT_EQ(call(kMath, "half", {"nan"}).out, "NaN\n");
  EXPECT_EQ(call(kMath, "half", {"-inf"}).out, "-inf\n");
  EXPECT_EQ(call(kMath, "swap", {"18446744073709551615", "1.5"}).out, "1.5\n-1\n");
  EXPECT_EQ(call(kMath, "vector", {"0x10"}).out, "0x00000000000000000000000000000010\n");
}

TEST_F(Invoke, TellsWhatIsWrongWithTheCall) {
  Ended ended = call(kMath, "add", {"1"});
  EXPECT_EQ(ended.report.end, End::kUsage);
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(all_problems(ended.report), HasSubstr("add takes 2 arguments, not 1"));
  EXPECT_THAT(all_problems(ended.report), HasSubstr("add(i32, i32) -> i32"));
  ended = call(kMath, "add", {"1", "two"});
  EXPECT_THAT(all_problems(ended.report), HasSubstr("\"two\" is not i32"));
  ended = call(kMath, "nothing", {});
  EXPECT_THAT(all_problems(ended.report), HasSubstr("no exported function nothing"));
  EXPECT_THAT(all_problems(ended.report), HasSubstr("half(f64) -> f64"));
  EXPECT_EQ(call(kMath, "memory", {}).exit_code, 2);
  EXPECT_EQ(call(kMath, "reference", {"1"}).exit_code, 2);
  EXPECT_EQ(call(kMath, "add", {"4294967296", "0"}).exit_code, 2);
}

TEST_F(Invoke, InitializesFirst) {
  EXPECT_EQ(call(R"((module (global $g (mut i32) (i32.const 0))
    (func (export "_initialize") (global.set $g (i32.const 9)))
    (func (export "get") (result i32) (global.get $g))))",
                 "get", {})
                .out,
            "9\n");
}

const char* const kComponent = R"((component
  (core module $m
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "not") (param i32) (result i32) (i32.eqz (local.get 0))))
  (core instance $i (instantiate $m))
  (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
  (func $not (param "b" bool) (result bool) (canon lift (core func $i "not")))
  (export "add" (func $add))
  (instance $logic (export "not" (func $not)))
  (export "test:pack/logic@1.0.0" (instance $logic))))";

TEST_F(Invoke, CallsFunctionsOfComponents) {
  EXPECT_EQ(call(kComponent, "add", {"2", "3"}).out, "5\n");
  EXPECT_EQ(call(kComponent, "test:pack/logic@1.0.0#not", {"true"}).out, "false\n");
  EXPECT_EQ(call(kComponent, "test:pack/logic#not", {"false"}).out, "true\n");
  EXPECT_EQ(call(kComponent, "logic#not", {"true"}).out, "false\n");
  Ended ended = call(kComponent, "add", {"2", "-3"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(all_problems(ended.report), HasSubstr("add(a: u32, b: u32) -> u32"));
  ended = call(kComponent, "sub", {});
  EXPECT_THAT(all_problems(ended.report), HasSubstr("test:pack/logic@1.0.0#not(b: bool) -> bool"));
}

TEST_F(Invoke, TakesAndGivesStrings) {
  // Answers with its argument, which is copied into its memory.
  const char* const echo = R"((component
    (core module $m
      (memory (export "memory") 1)
      (global $top (mut i32) (i32.const 1024))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32) (local.set $at (global.get $top))
        (global.set $top (i32.add (global.get $top) (local.get 3))) (local.get $at))
      (func (export "echo") (param i32 i32) (result i32)
        (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0)))
    (core instance $i (instantiate $m))
    (func (export "echo") (param "text" string) (result string)
      (canon lift (core func $i "echo") (memory $i "memory") (realloc (func $i "realloc"))))))";
  EXPECT_EQ(call(echo, "echo", {"\"a b\""}).out, "\"a b\"\n");
  EXPECT_EQ(call(echo, "echo", {"plain"}).out, "\"plain\"\n");
}

class Describe : public WorkerTest {};

TEST_F(Describe, PrintsWhatAModuleIsMadeOf) {
  Given check = given(R"((module
    (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
    (memory (export "memory") 2 10) (table 3 funcref)
    (func (export "_start") (drop (v128.const i64x2 0 0)))))");
  check.plan.task = WasmTask::kDescribe;
  Ended ended = run(check);
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.out, HasSubstr(R"("kind":"module")"));
  EXPECT_THAT(ended.out, HasSubstr(R"("entry":"_start")"));
  EXPECT_THAT(ended.out, HasSubstr(R"("capability":"random","granted":true)"));
  EXPECT_THAT(ended.out, HasSubstr(R"("max_pages":10,"memory64":false,"min_pages":2)"));
  EXPECT_THAT(ended.out, HasSubstr(R"("SIMD")"));
  check.plan.capabilities.random = false;
  ended = run(check);
  EXPECT_EQ(ended.exit_code, 126);
  EXPECT_EQ(ended.report.end, End::kRefused);
  EXPECT_THAT(ended.out, HasSubstr(R"("granted":false)"));
}

TEST_F(Describe, RunsNothing) {
  Given check = given(R"((module (func $s unreachable) (start $s) (func (export "_start"))))");
  check.plan.task = WasmTask::kDescribe;
  EXPECT_EQ(run(check).exit_code, 0);
}

}  // namespace
}  // namespace sandpit::wasm::testing
