#include "sandpit/outcome.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "base/outcome_text.h"

namespace sandpit {
namespace {

Outcome with_status(Status status) {
  Outcome outcome;
  outcome.status = status;
  return outcome;
}

TEST(ExitStatus, IsTheProgramsOwnOr128PlusItsSignal) {
  Outcome outcome = with_status(Status::kExited);
  outcome.exit_code = 7;
  EXPECT_EQ(exit_status(outcome), 7);
  outcome = with_status(Status::kSignaled);
  outcome.signal = SIGSEGV;
  EXPECT_EQ(exit_status(outcome), 139);
}

TEST(ExitStatus, FollowsTheTableOfTheDesign) {
  EXPECT_EQ(exit_status(with_status(Status::kWallTimeExceeded)), 124);
  EXPECT_EQ(exit_status(with_status(Status::kCpuTimeExceeded)), 124);
  EXPECT_EQ(exit_status(with_status(Status::kMemoryExceeded)), 137);
  EXPECT_EQ(exit_status(with_status(Status::kOutputExceeded)), 153);
  EXPECT_EQ(exit_status(with_status(Status::kCompileFailed)), 65);
  EXPECT_EQ(exit_status(with_status(Status::kTrapped)), 134);
  EXPECT_EQ(exit_status(with_status(Status::kRefused)), 126);
  EXPECT_EQ(exit_status(with_status(Status::kSandboxError)), 125);
}

TEST(SignalName, NamesOrdinaryAndRealTimeSignals) {
  EXPECT_EQ(signal_name(SIGSEGV), "SIGSEGV");
  EXPECT_EQ(signal_name(SIGKILL), "SIGKILL");
  EXPECT_EQ(signal_name(SIGRTMIN), "SIGRTMIN");
  EXPECT_EQ(signal_name(SIGRTMIN + 1), "SIGRTMIN+1");
  EXPECT_EQ(signal_name(SIGRTMAX), "SIGRTMAX");
  EXPECT_EQ(signal_name(32), "SIG32");
  EXPECT_EQ(signal_name(0), "");
}

TEST(OutcomeText, WritesQuantitiesAsPeopleDo) {
  EXPECT_EQ(to_text(ByteCount::bytes(12)), "12 bytes");
  EXPECT_EQ(to_text(ByteCount::mib(64)), "64 MiB");
  EXPECT_EQ(to_text(ByteCount::mib(1536)), "1.5 GiB");
  EXPECT_EQ(to_text(ByteCount::kib(1023)), "1023 KiB");
  EXPECT_EQ(to_text(Microseconds(42)), "42 µs");
  EXPECT_EQ(to_text(Microseconds(12345)), "12.3 ms");
  EXPECT_EQ(to_text(Microseconds(1000000)), "1 s");
  EXPECT_EQ(to_text(Microseconds(1500000)), "1.5 s");
  EXPECT_EQ(to_text(Microseconds(100000000)), "100 s");
}

TEST(OutcomeText, SaysNothingOfAPlainExit) {
  EXPECT_EQ(ending_text(with_status(Status::kExited), Limits{}), "");
}

TEST(OutcomeText, NamesTheLimitItsPeakAndTheOptionThatRaisesIt) {
  Limits limits;
  limits.memory = ByteCount::mib(64);
  Outcome outcome = with_status(Status::kMemoryExceeded);
  outcome.peak_memory = ByteCount::mib(64);
  outcome.files = ByteCount::mib(12);
  EXPECT_EQ(
      ending_text(outcome, limits),
      "memory limit 64 MiB exceeded (peak 64 MiB; 12 MiB of it in files); --memory raises it");
  limits.wall_time = Milliseconds(1000);
  EXPECT_EQ(ending_text(with_status(Status::kWallTimeExceeded), limits),
            "time limit 1 s exceeded; --timeout raises it");
  limits.cpu_time = Milliseconds(1500);
  EXPECT_EQ(ending_text(with_status(Status::kCpuTimeExceeded), limits),
            "CPU time limit 1.5 s exceeded; --cpu-time raises it");
}

// The worker's own verdict, without a kill: it isn't --memory that has to be raised.
TEST(OutcomeText, TellsWhichMemorySettingOfAModuleWasTooSmall) {
  Outcome outcome = with_status(Status::kMemoryExceeded);
  outcome.message = "it needs a memory of 327680 bytes (max_memory_pages allows 262144 bytes)";
  outcome.wasm.emplace();
  EXPECT_EQ(ending_text(outcome, Limits{}),
            "memory limit exceeded: it needs a memory of 327680 bytes (max_memory_pages allows "
            "262144 bytes)");
  outcome.signal = SIGKILL;
  EXPECT_EQ(ending_text(outcome, Limits{}), "memory limit 512 MiB exceeded; --memory raises it");
}

TEST(OutcomeText, CountsWhatWasCutFromEachStream) {
  Outcome outcome = with_status(Status::kExited);
  outcome.stdout_truncated = true;
  outcome.stdout_bytes = 20971520;
  const auto texts = truncation_texts(outcome, Limits{});
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_EQ(texts[0],
            "stdout was cut: 20971520 bytes written, limit 16 MiB (head and tail kept); "
            "--output-limit raises it");
}

TEST(OutcomeText, TellsWhatAWebAssemblyRunUsed) {
  WasmOutcome wasm{.fuel_used = 12,
                   .memory_high_water = ByteCount::kib(64),
                   .compile_time = Microseconds(1500),
                   .compiler = "winch"};
  EXPECT_EQ(wasm_text(wasm), "fuel 12, linear memory up to 64 KiB, compiled by winch in 1.5 ms");
  wasm = {.cache_hit = true, .warm = true, .compiler = "cranelift"};
  EXPECT_EQ(wasm_text(wasm),
            "linear memory up to 0 bytes, compiled by cranelift earlier (cache hit), warm worker");
}

TEST(OutcomeText, TellsTenDenialsAndCountsTheRest) {
  Outcome outcome;
  for (int i = 0; i < 12; ++i) {
    outcome.denials.push_back({.what = "chroot /" + std::to_string(i), .hint = "", .count = 1});
  }
  outcome.denials[0].count = 3;
  outcome.denials[0].hint = "--some";
  outcome.denials_unlisted = 5;
  const std::vector<std::string> texts = denial_texts(outcome);
  ASSERT_EQ(texts.size(), 11U);
  EXPECT_EQ(texts[0], "denied 3x: chroot /0; allow with --some");
  EXPECT_EQ(texts[1], "denied: chroot /1");
  EXPECT_EQ(texts[10], "denied 7 more; --json lists them");
}

}  // namespace
}  // namespace sandpit
