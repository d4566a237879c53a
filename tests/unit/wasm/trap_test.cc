// How a module ends that does something that it must not, and what is told of it.
#include "unit/wasm/worker_driver.h"

namespace sandpit::wasm::testing {
namespace {

class Traps : public WorkerTest {};

Ended trap(const std::string& body, const std::string& more = "") {
  return run(given("(module (memory 1) (table 2 funcref)\n" + more +
                   "\n(func $bad (export \"_start\")\n" + body + "))"));
}

TEST_F(Traps, HaveNamesAndExitCode134) {
  const std::pair<const char*, const char*> cases[] = {
      {"unreachable", "unreachable"},
      {"integer_divide_by_zero", "(drop (i32.div_s (i32.const 1) (i32.const 0)))"},
      {"integer_overflow", "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))"},
      {"memory_out_of_bounds", "(drop (i32.load (i32.const 65536)))"},
      {"invalid_conversion_to_integer", "(drop (i32.trunc_f32_s (f32.const nan)))"},
      {"indirect_call_to_null", "(call_indirect (i32.const 0))"},
      {"table_out_of_bounds", "(call_indirect (i32.const 5))"},
      {"stack_overflow", "(call $bad)"},
  };
  for (const auto& [name, body] : cases) {
    const Ended ended = trap(body);
    EXPECT_EQ(ended.report.end, End::kTrapped) << name;
    EXPECT_EQ(ended.report.trap, name);
    EXPECT_EQ(ended.exit_code, 134) << name;
    EXPECT_THAT(ended.report.message, Not(IsEmpty())) << name;
    EXPECT_THAT(ended.report.backtrace, Not(IsEmpty())) << name;
  }
}

TEST_F(Traps, TellAMismatchOfAnIndirectCall) {
  const Ended ended = trap("(call_indirect (param i32) (i32.const 1) (i32.const 0))",
                           "(func $f) (elem (i32.const 0) $f)");
  EXPECT_EQ(ended.report.trap, "indirect_call_type_mismatch");
}

TEST_F(Traps, ShowWhereInTheText) {
  const Ended ended = run(given(R"((module
  (func $inner
    unreachable)
  (func $outer
    call $inner)
  (func $main (export "_start")
    call $outer)))"));
  EXPECT_THAT(ended.report.backtrace,
              ElementsAre("inner (test.wat:3:5)", "outer (test.wat:5:5)", "main (test.wat:7:5)"));
}

TEST_F(Traps, ShowAtMost32Frames) {
  const Ended ended = trap("(call $bad)");
  EXPECT_LE(ended.report.backtrace.size(), 32U);
}

TEST_F(Traps, TellAnExceptionThatNobodyCaught) {
  Given thrower = given(R"((module (tag $oops) (func (export "_start") (throw $oops))))");
  thrower.plan.features.exceptions = true;
  const Ended ended = run(thrower);
  EXPECT_EQ(ended.report.end, End::kTrapped);
  EXPECT_EQ(ended.report.trap, "uncaught_exception");
  EXPECT_EQ(ended.exit_code, 134);
}

TEST_F(Traps, HappenInStartFunctionsToo) {
  const Ended ended =
      run(given(R"((module (func $s unreachable) (start $s) (func (export "_start"))))"));
  EXPECT_EQ(ended.report.trap, "unreachable");
}

}  // namespace
}  // namespace sandpit::wasm::testing
