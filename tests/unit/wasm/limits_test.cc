// Memory, tables, fuel, time.
#include "unit/wasm/worker_driver.h"

namespace sandpit::wasm::testing {
namespace {

class Limits : public WorkerTest {};

// Grows by a page until it can't, then traps.
const char* const kGrower = R"((module (memory 1) (func (export "_start")
  (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
  unreachable))";

TEST_F(Limits, OfOneMemory) {
  Given grower = given(std::string(kGrower) + ")");
  grower.plan.max_memory = ByteCount::mib(1);
  const Ended ended = run(grower);
  EXPECT_EQ(ended.report.end, End::kMemory);
  EXPECT_EQ(ended.exit_code, 137);
  EXPECT_EQ(ended.report.memory_high_water, 1U << 20U);
  EXPECT_THAT(ended.report.message, HasSubstr("1048576"));
  EXPECT_THAT(ended.report.message, HasSubstr("max_memory_pages"));
}

TEST_F(Limits, OfAllMemoriesTogether) {
  Given two = given(R"((module (memory 8) (memory 8) (func (export "_start")
    (if (i32.eq (memory.grow (i32.const 4)) (i32.const -1)) (then unreachable)))))");
  two.bounds.memory = 16U << 16U;
  EXPECT_EQ(run(two).report.end, End::kMemory);
  two.bounds.memory = 20U << 16U;
  EXPECT_EQ(run(two).report.end, End::kExited);
}

TEST_F(Limits, HoldForTheInitialSize) {
  Given large = given(R"((module (memory 100) (func (export "_start"))))");
  large.plan.max_memory = ByteCount::mib(1);
  const Ended ended = run(large);
  EXPECT_EQ(ended.report.end, End::kMemory);
  EXPECT_THAT(ended.report.message, HasSubstr("6553600"));
  EXPECT_THAT(ended.report.message, HasSubstr("1048576"));
}

TEST_F(Limits, ARefusedGrowthIsNoTrapByItself) {
  Given polite = given(R"((module (memory 1) (func (export "_start")
    (drop (memory.grow (i32.const 1000))))))");
  polite.plan.max_memory = ByteCount::mib(1);
  EXPECT_EQ(run(polite).report.end, End::kExited);
}

TEST_F(Limits, TheModulesOwnMaximumIsNotOurs) {
  const Ended ended = run(given(R"((module (memory 1 2) (func (export "_start")
    (drop (memory.grow (i32.const 5))) unreachable)))"));
  EXPECT_EQ(ended.report.end, End::kTrapped);
}

TEST_F(Limits, OfTableElements) {
  Given table = given(R"((module (table 100 funcref) (func (export "_start"))))");
  table.plan.max_table_elements = 10;
  const Ended ended = run(table);
  EXPECT_EQ(ended.report.end, End::kMemory);
  EXPECT_THAT(ended.report.message, HasSubstr("max_table_elements"));
}

TEST_F(Limits, OfTheNumberOfMemoriesAndTables) {
  Given memories = given(R"((module (memory 1) (memory 1) (memory 1) (func (export "_start"))))");
  memories.plan.max_memories = 2;
  Ended ended = run(memories);
  EXPECT_EQ(ended.report.end, End::kRefused);
  EXPECT_THAT(all_problems(ended.report), HasSubstr("max_memories"));
  Given tables = given(R"((module (table 1 funcref) (table 1 funcref) (func (export "_start"))))");
  tables.plan.max_tables = 1;
  ended = run(tables);
  EXPECT_EQ(ended.report.end, End::kRefused);
  EXPECT_THAT(all_problems(ended.report), HasSubstr("max_tables"));
}

TEST_F(Limits, FuelIsCountedAlikeInEachRun) {
  Given counted = given(R"((module (func (export "_start") (local $i i32)
    (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (i32.const 1000)))))))");
  counted.plan.fuel = 1'000'000;
  const Ended first = run(counted);
  EXPECT_TRUE(first.report.fuel_counted);
  EXPECT_GT(first.report.fuel_used, 1000U);
  EXPECT_EQ(run(counted).report.fuel_used, first.report.fuel_used);
  counted.plan.compiler = WasmCompiler::kWinch;
  EXPECT_EQ(run(counted).report.compiler, "winch");
}

TEST_F(Limits, OutOfFuelIsATrap) {
  Given spinner = given(R"((module (func $spin (export "_start") (loop $l (br $l)))))");
  spinner.plan.fuel = 10'000;
  const Ended ended = run(spinner);
  EXPECT_EQ(ended.report.trap, "out_of_fuel");
  EXPECT_EQ(ended.report.fuel_used, 10'000U);
  EXPECT_EQ(ended.exit_code, 134);
}

TEST_F(Limits, TheDeadlineStopsALoop) {
  Given spinner = given(R"((module (func $spin (export "_start") (loop $l (br $l)))))");
  for (const WasmInterruption way : {WasmInterruption::kKill, WasmInterruption::kEpoch}) {
    spinner.plan.interruption = way;
    spinner.bounds.deadline_us = monotonic_us() + 100'000;
    const Ended ended = run(spinner);
    EXPECT_EQ(ended.report.end, End::kDeadline);
    EXPECT_EQ(ended.exit_code, 124);
    // Only compiled code that looks at the epoch can say where it was.
    EXPECT_EQ(ended.report.backtrace.empty(), way == WasmInterruption::kKill);
    EXPECT_LT(monotonic_us(), spinner.bounds.deadline_us + 2'000'000);
  }
}

TEST_F(Limits, TheCpuTimeStopsALoop) {
  Given spinner = given(R"((module (func $spin (export "_start") (loop $l (br $l)))))");
  spinner.bounds.cpu_us = 50'000;
  spinner.bounds.deadline_us = monotonic_us() + 20'000'000;
  const Ended ended = run(spinner);
  EXPECT_EQ(ended.report.end, End::kCpuTime);
  EXPECT_EQ(ended.exit_code, 124);
}

const char* const kSleeper = R"((import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  ;; ---
  ;; One subscription: the monotonic clock, 1000 years.
  (data (i32.const 256) "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00\00\00\00\60"))";

TEST_F(Limits, TheDeadlineEndsASleep) {
  Given sleeper = given(
      program("(drop (call $poll (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 16)))",
              kSleeper));
  sleeper.bounds.deadline_us = monotonic_us() + 100'000;
  EXPECT_EQ(run(sleeper).report.end, End::kDeadline);
}

TEST_F(Limits, TheDeadlineEndsAReadOfAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  Given waiter = given(program(R"(
    (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 10))
    (drop (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24))))",
                               R"((import "wasi_snapshot_preview1" "fd_read"
      (func $fd_read (param i32 i32 i32 i32) (result i32)))
    ;; ---)"));
  waiter.input_fd = reader.get();
  waiter.bounds.deadline_us = monotonic_us() + 100'000;
  EXPECT_EQ(run(waiter).report.end, End::kDeadline);
}

TEST_F(Limits, OfFileSizesAreAnErrnoForTheGuest) {
  const TempDir dir;
  Given writer = given(program(R"(
    (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 1)
      (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16)))
    (loop $more
      (br_if $more (i32.eqz (call $write (i32.load (i32.const 16)) (i32.const 1024) (i32.const 4096)))))
    (call $print (i32.const 260) (i32.const 5)))",
                               R"((import "wasi_snapshot_preview1" "path_open" (func $path_open
      (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  ;; ---
  (data (i32.const 256) "f   full\n"))"));
  writer.plan.preopens = {{.inside = dir.path(), .guest = "/data", .writable = true}};
  writer.bounds.file_size = 100'000;
  const Ended ended = run(writer);
  EXPECT_EQ(ended.report.end, End::kExited) << ended.report.message;
  EXPECT_EQ(ended.out, "full\n");
  EXPECT_EQ(std::filesystem::file_size(dir.path("f")), 100'000U);
}

}  // namespace
}  // namespace sandpit::wasm::testing
