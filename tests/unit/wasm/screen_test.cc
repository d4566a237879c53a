// What is refused before anything of a module runs, and how it is told.
#include "unit/wasm/worker_driver.h"

namespace sandpit::wasm::testing {
namespace {

class Screen : public WorkerTest {};

std::string importing(const std::string& name, const std::string& type,
                      const std::string& module = "wasi_snapshot_preview1") {
  return R"((module (import ")" + module + R"(" ")" + name + R"(" )" + type +
         R"() (memory (export "memory") 1) (func (export "_start"))))";
}

Ended refused(const Given& given) {
  Ended ended = run(given);
  EXPECT_EQ(ended.report.end, End::kRefused);
  EXPECT_EQ(ended.exit_code, 126);
  return ended;
}

TEST_F(Screen, NamesTheSettingThatGrants) {
  Given clocks = given(importing("clock_time_get", "(func (param i32 i64 i32) (result i32))"));
  EXPECT_EQ(run(clocks).exit_code, 0);
  clocks.plan.capabilities.clocks = false;
  const Ended ended = refused(clocks);
  ASSERT_THAT(ended.report.problems, SizeIs(1));
  EXPECT_EQ(ended.report.problems[0].where, "import wasi_snapshot_preview1.clock_time_get");
  EXPECT_EQ(ended.report.problems[0].hint, "runtimes.wasm.capabilities.clocks = true");
}

TEST_F(Screen, CoversEachGroup) {
  Given all = given(R"((module
    (import "wasi_snapshot_preview1" "args_get" (func (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_get" (func (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_res_get" (func (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_shutdown" (func (param i32 i32) (result i32)))
    (memory (export "memory") 1) (func (export "_start"))))");
  EXPECT_EQ(run(all).exit_code, 0);
  all.plan.capabilities = {.args = false,
                           .env = false,
                           .standard_input = false,
                           .standard_output = false,
                           .standard_error = false,
                           .clocks = false,
                           .random = false};
  EXPECT_THAT(refused(all).report.problems, SizeIs(4));
}

TEST_F(Screen, RefusesAllOfWasiWhenItIsOff) {
  Given off = given(importing("fd_close", "(func (param i32) (result i32))"));
  off.plan.wasi_enabled = false;
  EXPECT_THAT(all_problems(refused(off).report), HasSubstr("wasi_enabled = true"));
}

TEST_F(Screen, TellsAnUnknownImportWithItsType) {
  const Ended ended = refused(given(importing("print", "(func (param i32) (result i64))", "env")));
  EXPECT_THAT(ended.report.problems[0].message, HasSubstr("unknown: function (i32) -> i64"));
  const Ended memory = refused(given(R"((module (import "env" "m" (memory 1))
    (func (export "_start"))))"));
  EXPECT_THAT(memory.report.problems[0].message, HasSubstr("unknown: memory"));
}

TEST_F(Screen, GuessesWhatWasMeant) {
  const Ended ended = refused(given(importing("fd_wirte", "(func (param i32) (result i32))")));
  EXPECT_EQ(ended.report.problems[0].hint, "did you mean fd_write?");
}

TEST_F(Screen, TellsAWrongType) {
  const Ended ended = refused(given(importing("fd_close", "(func (param i64))")));
  EXPECT_THAT(ended.report.problems[0].message, HasSubstr("(i64)"));
  EXPECT_THAT(ended.report.problems[0].message, HasSubstr("(i32) -> i32"));
}

TEST_F(Screen, TellsWhatAModuleWithoutEntryPointExports) {
  const Ended ended = refused(given(R"((module (memory (export "memory") 1)
    (func (export "add") (param i32 i32) (result i32) (i32.const 0))))"));
  EXPECT_THAT(all_problems(ended.report), HasSubstr("add(i32, i32) -> i32"));
  EXPECT_THAT(all_problems(ended.report), HasSubstr("--invoke NAME"));
  refused(given(R"((module (func (export "_start") (param i32))))"));
}

TEST_F(Screen, KnowsTheInterfacesOfPreview2) {
  const std::string component = R"((component
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance (export "now" (func (result u64)))))
    (import "wasi:made/up@0.2.0" (instance (export "f" (func))))
    (import "wasi:cli/stdout@0.3.0" (instance (export "f" (func))))))";
  Given clocks = given(component);
  clocks.plan.capabilities.clocks = false;
  const Ended ended = refused(clocks);
  EXPECT_THAT(ended.report.problems, SizeIs(3));
  EXPECT_THAT(all_problems(ended.report), HasSubstr("runtimes.wasm.capabilities.clocks = true"));
  EXPECT_THAT(all_problems(ended.report), HasSubstr("unknown: "));
  EXPECT_THAT(all_problems(ended.report), HasSubstr("0.2.x"));
}

TEST_F(Screen, SharedMemoriesAreHeldToTheLimit) {
  Given shared = given(R"((module (memory 1 100 shared) (func (export "_start"))))");
  shared.plan.features.threads = true;
  EXPECT_EQ(run(shared).exit_code, 0);
  shared.plan.max_memory = ByteCount::mib(1);
  EXPECT_THAT(all_problems(refused(shared).report), HasSubstr("max_memory_pages"));
}

class Validation : public WorkerTest {};

Ended invalid(const Given& given) {
  Ended ended = run(given);
  EXPECT_EQ(ended.report.end, End::kInvalid);
  EXPECT_EQ(ended.exit_code, 126);
  EXPECT_THAT(ended.report.problems, Not(IsEmpty()));
  return ended;
}

TEST_F(Validation, ShowsASyntaxErrorWithItsPlace) {
  const Ended ended = invalid(given("(module\n  (func (export \"_start\")\n    i32.cost 1))"));
  EXPECT_EQ(ended.report.problems[0].where, "test.wat:3:5");
  EXPECT_THAT(ended.report.problems[0].message, HasSubstr("i32.cost 1"));
  EXPECT_THAT(ended.report.problems[0].message, HasSubstr("^"));
  EXPECT_THAT(ended.report.message, Not(HasSubstr("\n")));
}

TEST_F(Validation, TellsEmptyTruncatedAndForeignFiles) {
  EXPECT_THAT(invalid(given("")).report.message, HasSubstr("empty"));
  EXPECT_THAT(invalid(given(std::string("\0as", 3))).report.message, HasSubstr("truncated"));
  EXPECT_THAT(invalid(given(std::string("\0asm\1\0", 6))).report.message, HasSubstr("truncated"));
  EXPECT_THAT(invalid(given(std::string("\x7f"
                                        "ELF\2\1\1\0\0",
                                        9)))
                  .report.message,
              HasSubstr("7f 45 4c 46"));
  EXPECT_THAT(invalid(given(std::string("\0asm\7\0\0\0", 8))).report.message,
              HasSubstr("version 7"));
  // A code section that says more than there is.
  const Ended cut = invalid(given(std::string("\0asm\1\0\0\0\x0a\x20\1", 11)));
  EXPECT_THAT(cut.report.problems[0].where, HasSubstr("offset 0x"));
}

TEST_F(Validation, NamesTheFunctionAndTheOffset) {
  const Ended ended = invalid(given(R"((module (func) (func (export "_start") (i64.add))))"));
  EXPECT_THAT(ended.report.message, HasSubstr("function 1: "));
  EXPECT_THAT(ended.report.problems[0].where, HasSubstr("offset 0x"));
}

TEST_F(Validation, NamesTheProposalThatIsOff) {
  struct Case {
    bool WasmFeatures::* feature;
    const char* key;
    const char* module;
  };
  const Case cases[] = {
      {&WasmFeatures::simd, "allow_simd", "(func (drop (v128.const i64x2 0 0)))"},
      {&WasmFeatures::relaxed_simd, "allow_relaxed_simd",
       "(func (param v128 v128 v128) (drop (f32x4.relaxed_madd (local.get 0) (local.get 1) "
       "(local.get 2))))"},
      {&WasmFeatures::bulk_memory, "allow_bulk_memory",
       "(memory 1) (data \"x\") (func (data.drop 0))"},
      {&WasmFeatures::reference_types, "allow_reference_types", "(func (param externref))"},
      {&WasmFeatures::multi_memory, "allow_multi_memory", "(memory 1) (memory 1)"},
      {&WasmFeatures::memory64, "allow_memory64", "(memory i64 1)"},
      {&WasmFeatures::tail_calls, "allow_tail_calls", "(func $f (return_call $f))"},
      {&WasmFeatures::threads, "allow_threads", "(memory 1 1 shared)"},
      {&WasmFeatures::exceptions, "allow_exceptions", "(tag $t) (func (throw $t))"},
      {&WasmFeatures::gc, "allow_gc",
       "(type $s (struct (field i32))) (func (drop (struct.new_default $s)))"},
  };
  for (const Case& one : cases) {
    Given uses = given("(module (func (export \"_start\")) " + std::string(one.module) + ")");
    uses.plan.features.*one.feature = true;
    EXPECT_EQ(run(uses).exit_code, 0) << one.key << all_problems(run(uses).report);
    uses.plan.features.*one.feature = false;
    const Ended ended = invalid(uses);
    EXPECT_THAT(all_problems(ended.report),
                HasSubstr(std::string(one.key) + " = true in [runtimes.wasm]"));
    EXPECT_THAT(ended.report.message, HasSubstr("proposal, which is off")) << one.key;
  }
}

TEST_F(Validation, ComponentsCanBeOff) {
  Given component = given("(component)");
  component.plan.features.component_model = false;
  EXPECT_THAT(all_problems(invalid(component).report), HasSubstr("allow_component_model"));
}

TEST_F(Validation, WinchFallsBackToCranelift) {
  Given tail = given(R"((module (func $f) (func (export "_start") (return_call $f))))");
  tail.plan.compiler = WasmCompiler::kWinch;
  const Ended ended = run(tail);
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.report.compiler, "cranelift");
}

}  // namespace
}  // namespace sandpit::wasm::testing
