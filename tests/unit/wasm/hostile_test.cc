// Modules that are made to break their host. Whatever they do, the worker ends by itself and says
// how.
#include <random>

#include "unit/wasm/worker_driver.h"

namespace sandpit::wasm::testing {
namespace {

class Hostile : public WorkerTest {};

std::string repeated(std::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

Ended bounded(std::string module) {
  Given given = testing::given(std::move(module));
  given.plan.max_memory = ByteCount::mib(16);
  given.bounds.memory = 32U << 20U;
  given.bounds.deadline_us = monotonic_us() + 20'000'000;
  return run(given);
}

TEST_F(Hostile, TableGrowth) {
  const Ended ended = bounded(R"((module (table 1 funcref) (func (export "_start")
    (loop $more (br_if $more (i32.ne (table.grow (ref.null func) (i32.const 65536)) (i32.const -1))))
    (unreachable))))");
  EXPECT_EQ(ended.report.end, End::kMemory);
}

TEST_F(Hostile, AHundredThousandFunctions) {
  const Ended ended =
      bounded("(module " + repeated("(func)", 100'000) + "(func (export \"_start\")))");
  EXPECT_EQ(ended.signal, 0);
  EXPECT_EQ(ended.exit_code, 0) << ended.report.message;
}

TEST_F(Hostile, MegabytesInOneLine) {
  const std::int64_t began = monotonic_us();
  const Ended ended = bounded("(module (func " + repeated("(drop (i32.const 1)) ", 100'000) +
                              ") (func (export \"_start\")))");
  EXPECT_EQ(ended.exit_code, 0) << ended.report.message;
  EXPECT_LT(monotonic_us() - began, 5'000'000);
}

TEST_F(Hostile, DeeplyNestedText) {
  const Ended ended = bounded("(module (func (export \"_start\") " + repeated("(block ", 100'000) +
                              repeated(")", 100'000) + "))");
  EXPECT_EQ(ended.signal, 0);
  EXPECT_EQ(ended.report.end, End::kExited);
  EXPECT_EQ(bounded(repeated("(", 1'000'000)).report.end, End::kInvalid);
}

TEST_F(Hostile, DeeplyNestedBlocks) {
  const Ended ended =
      bounded("(module (func (export \"_start\") " + repeated("block ", 20'000) +
              repeated("i32.const 0 br_if 9 ", 2'000) + repeated("end ", 20'000) + "))");
  EXPECT_EQ(ended.signal, 0);
  EXPECT_EQ(ended.report.end, End::kExited) << ended.report.message;
}

TEST_F(Hostile, ASizeThatOverflows) {
  for (const char* const memory : {"(memory 65536)", "(memory i64 0x1000000000000)",
                                   "(memory 65537)", "(table 4294967295 funcref)"}) {
    const Ended ended = bounded(std::string("(module ") + memory + "(func (export \"_start\")))");
    EXPECT_EQ(ended.signal, 0) << memory;
    EXPECT_NE(ended.exit_code, 0) << memory;
    EXPECT_NE(ended.report.end, End::kInternal) << memory << ended.report.message;
  }
}

TEST_F(Hostile, PointersOutsideItsMemory) {
  for (const char* const call : {
           "(drop (call $fd_write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 0)))",
           "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 0)))",
           "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const -1)))",
           "(drop (call $poll (i32.const -16) (i32.const 0) (i32.const 1) (i32.const 8)))",
           "(drop (call $poll (i32.const 256) (i32.const -1) (i32.const 1) (i32.const 8)))",
           "(drop (call $poll (i32.const 256) (i32.const 0) (i32.const 1) (i32.const -2)))",
           "(drop (call $poll (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 8)))",
       }) {
    const Ended ended = bounded(program(call, R"((import "wasi_snapshot_preview1" "poll_oneoff"
      (func $poll (param i32 i32 i32 i32) (result i32)))
    ;; ---)"));
    EXPECT_EQ(ended.signal, 0) << call;
    EXPECT_NE(ended.report.end, End::kInternal) << call << ended.report.message;
  }
}

TEST_F(Hostile, WritesToAClosedPipe) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  reader.reset();
  // The guest learns it by an errno, which it exits with; SIGPIPE kills nobody.
  const Given given = testing::given(
      program("(call $proc_exit (call $write (i32.const 1) (i32.const 0) (i32.const 1)))"));
  const UniqueFd job = *sealed_memory_file("job", encoded({.plan = given.plan}));
  const UniqueFd module = *sealed_memory_file("module", given.module);
  const UniqueFd report = report_file();
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const Ended ended = read_end(
      start_worker({null.get(), writer.get(), null.get(), job.get(), report.get(), module.get()}),
      report.get());
  EXPECT_EQ(ended.signal, 0);
  EXPECT_EQ(ended.report.end, End::kExited);
  EXPECT_NE(ended.exit_code, 0);
}

TEST_F(Hostile, JobsThatAreNotWellFormed) {
  for (const std::string& bytes : {std::string(), std::string("x"), std::string(5000, '\xff')}) {
    const UniqueFd job = *sealed_memory_file("job", bytes);
    const UniqueFd report = report_file();
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const Ended ended =
        read_end(start_worker({null.get(), null.get(), null.get(), job.get(), report.get(), -1}),
                 report.get());
    EXPECT_EQ(ended.exit_code, 125);
    EXPECT_EQ(ended.report.end, End::kInternal);
    EXPECT_THAT(ended.report.message, Not(IsEmpty()));
  }
}

// (module (memory (export "m") 1) (func (export "_start") …)) in binary, with bytes changed at
// random.
TEST_F(Hostile, DamagedBinaries) {
  const unsigned char good[] = {0,    'a',  's',  'm', 1,    0, 0,    0,    1,    8,    2,    0x60,
                                0,    0,    0x60, 1,   0x7f, 1, 0x7f, 3,    3,    2,    0,    1,
                                5,    3,    1,    0,   1,    7, 0x0e, 2,    6,    '_',  's',  't',
                                'a',  'r',  't',  0,   0,    1, 'm',  2,    0,    0x0a, 0x14, 2,
                                0x0b, 0,    0x41, 0,   0x28, 2, 0,    0x1a, 0x41, 7,    0x10, 1,
                                0x1a, 0x0b, 6,    0,   0x20, 0, 0x20, 0,    0x6a, 0x0b};
  const std::string module(reinterpret_cast<const char*>(good), sizeof good);
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    std::string damaged = module;
    for (int changes = 0; changes < 1 + i % 3; ++changes) {
      damaged[8 + random() % (damaged.size() - 8)] = static_cast<char>(random());
    }
    if (i % 5 == 0) damaged.resize(random() % damaged.size());
    const Ended ended = bounded(damaged);
    EXPECT_EQ(ended.signal, 0);
    EXPECT_NE(ended.report.end, End::kInternal) << ended.report.message;
  }
}

}  // namespace
}  // namespace sandpit::wasm::testing
