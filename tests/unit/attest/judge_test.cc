#include "attest/judge.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <utility>

namespace sandpit::attest {
namespace {

Outcome exited(std::string text) {
  Outcome outcome;
  outcome.status = Status::kExited;
  outcome.stdout_text = std::move(text);
  return outcome;
}

Outcome ended(Status status) {
  Outcome outcome;
  outcome.status = status;
  return outcome;
}

TEST(Judge, BelievesAProgramThatSaysItWasContained) {
  const Judgement judgement = judge({}, exited("open: denied\nCONTAINED\n"), "");
  EXPECT_EQ(judgement.result, "contained");
  EXPECT_EQ(judgement.how, "open: denied");
}

TEST(Judge, TellsWhatWasDeniedAndWhichLimitWasReached) {
  Outcome outcome = exited("CONTAINED");
  outcome.denials = {{.what = "ptrace 1", .error = "EPERM"}};
  outcome.limits_reached = {{.limit = "processes"}};
  EXPECT_EQ(judge({}, outcome, "").how, "ptrace 1: EPERM, limit of processes");
}

TEST(Judge, TakesTheWordEscapedAnywhereForAnEscape) {
  EXPECT_EQ(judge({}, exited("ESCAPED: read it\nCONTAINED\n"), "").result, "escaped");
  EXPECT_EQ(judge({}, exited("ESCAPED: read it"), "").how, "read it");
  EXPECT_EQ(judge({}, exited("a: denied\nb: succeeded\nESCAPED\n"), "").how, "b: succeeded");
  Outcome killed = ended(Status::kMemoryExceeded);
  killed.stdout_text = "ESCAPED: holds it\n";
  EXPECT_EQ(judge({.ends = {"memory_exceeded"}}, killed, "").result, "escaped");
}

TEST(Judge, TakesHarmForAnEscapeWhateverTheProgramSays) {
  const Judgement judgement = judge({}, exited("CONTAINED"), "it killed a process");
  EXPECT_EQ(judgement.result, "escaped");
  EXPECT_EQ(judgement.how, "it killed a process");
}

TEST(Judge, NamesAnEscapeThatIsKnownAsSuch) {
  const Judgement judgement = judge({.known = "statfs"}, exited("ESCAPED"), "");
  EXPECT_EQ(judgement.result, "known_risk");
  EXPECT_EQ(judgement.how, "statfs");
  EXPECT_EQ(judge({.known = "statfs"}, exited("CONTAINED"), "").result, "contained");
}

TEST(Judge, TakesAnEndThatIsListedForContained) {
  EXPECT_EQ(judge({.ends = {"memory_exceeded"}}, ended(Status::kMemoryExceeded), "").result,
            "contained");
  EXPECT_EQ(judge({.ends = {"memory_exceeded"}}, ended(Status::kWallTimeExceeded), "").result,
            "unclear");
  EXPECT_EQ(judge({.ends = {"exited"}}, exited("no verdict"), "").result, "contained");
}

TEST(Judge, WantsAFloodToBeCut) {
  const Attack flood{.ends = {"exited"}, .truncated = true};
  EXPECT_EQ(judge(flood, exited("x"), "").result, "unclear");
  Outcome cut = exited("x");
  cut.stdout_truncated = true;
  EXPECT_EQ(judge(flood, cut, "").result, "contained");
}

TEST(Judge, CallsEverythingElseUnclear) {
  EXPECT_EQ(judge({}, exited(""), "").result, "unclear");
  EXPECT_EQ(judge({}, exited("CONTAINED\nand more"), "").result, "unclear");
  Outcome killed = ended(Status::kSignaled);
  killed.signal = SIGSEGV;
  EXPECT_EQ(judge({}, killed, "").result, "unclear");
  EXPECT_EQ(judge({}, ended(Status::kSandboxError), "").result, "unclear");
}

TEST(Judge, SkipsAModuleThatMaySayNothing) {
  Outcome silent = exited("");
  silent.wasm = WasmOutcome{};
  EXPECT_EQ(judge({}, silent, "").result, "skipped");
  EXPECT_EQ(judge({.ends = {"exited"}}, silent, "").result, "contained");
}

TEST(Judge, SkipsWhatWasRefused) {
  Outcome refused = ended(Status::kRefused);
  refused.message = "no idmapped mounts";
  const Judgement judgement = judge({}, refused, "");
  EXPECT_EQ(judgement.result, "skipped");
  EXPECT_EQ(judgement.how, "no idmapped mounts");
}

}  // namespace
}  // namespace sandpit::attest
