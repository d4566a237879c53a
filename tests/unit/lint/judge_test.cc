#include "lint/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace sandpit::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Policy policy() {
  Policy policy;
  policy.working_dir = "/work";
  policy.limits.processes = 10;
  return policy;
}

Rule rule_of(Capability capability) {
  return {.id = "r",
          .severity = Severity::kWarning,
          .capability = capability,
          .message = "`{what}` of {literal}",
          .names = {"open"},
          .query = "(call) @finding",
          .only_if = {},
          .unless = {}};
}

// The finding is the whole of `what`, its literal the text between its quotes.
std::optional<LintFinding> judged(const Rule& rule, std::string_view source, std::string_view what,
                                  const Policy& policy) {
  const auto start = static_cast<std::uint32_t>(source.find(what));
  const auto open = static_cast<std::uint32_t>(source.find('"', start) + 1);
  const auto end = static_cast<std::uint32_t>(start + what.size());
  return judge(rule,
               {.rule = 0,
                .start = start,
                .end = end,
                .what_start = start,
                .what_end = end,
                .literal_start = open,
                .literal_end = static_cast<std::uint32_t>(source.find('"', open))},
               source, policy);
}

bool warns_of_path(const std::string& path, const Policy& policy) {
  const std::string source = "open(\"" + path + "\")";
  return judged(rule_of(Capability::kFilesystemWrite), source, source, policy).has_value();
}

TEST(LintJudge, SaysWhatIsMissingAndTheOptionThatGivesIt) {
  const auto finding = judged(rule_of(Capability::kNetwork), "a\n  x(\"y\")", "x(\"y\")", policy());
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->message, "`x` of y, which this run does not have (--net host)");
  EXPECT_EQ(finding->rule, "r");
  EXPECT_EQ(finding->severity, Severity::kWarning);
}

TEST(LintJudge, TellsThePlaceAndItsLine) {
  const auto finding =
      judged(rule_of(Capability::kNetwork), "first\nab x(\"y\") z\nlast", "x(\"y\")", policy());
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->line, 2U);
  EXPECT_EQ(finding->column, 4U);
  EXPECT_EQ(finding->end_line, 2U);
  EXPECT_EQ(finding->end_column, 10U);
  EXPECT_EQ(finding->excerpt, "ab x(\"y\") z");
  EXPECT_EQ(finding->excerpt_column, 1U);
}

TEST(LintJudge, CutsALongLineAroundThePlace) {
  const std::string source = std::string(1000, 'a') + "x(\"y\")" + std::string(1000, 'b');
  const auto finding = judged(rule_of(Capability::kNetwork), source, "x(\"y\")", policy());
  ASSERT_TRUE(finding);
  EXPECT_LE(finding->excerpt.size(), 200U);
  EXPECT_EQ(finding->excerpt.substr(finding->column - finding->excerpt_column, 6), "x(\"y\")");
}

TEST(LintJudge, FindsNothingThatTheRunMayDo) {
  Policy open = policy();
  open.network = NetworkMode::kHost;
  EXPECT_FALSE(judged(rule_of(Capability::kNetwork), "x(\"y\")", "x(\"y\")", open));
  EXPECT_FALSE(may_matter(rule_of(Capability::kNetwork), open, Audience::kCheck));
  EXPECT_TRUE(may_matter(rule_of(Capability::kNetwork), policy(), Audience::kRun));
}

TEST(LintJudge, SpeaksOfProcessesOnlyWhenThereCanBeNoSecond) {
  Policy single = policy();
  EXPECT_FALSE(may_matter(rule_of(Capability::kSubprocess), single, Audience::kRun));
  single.limits.processes = 1;
  EXPECT_TRUE(may_matter(rule_of(Capability::kSubprocess), single, Audience::kRun));
}

TEST(LintJudge, LetsARunWriteWhereItMay) {
  Policy granted = policy();
  granted.paths.push_back({.host = "/srv", .inside = "/data", .access = Access::kReadWrite});
  granted.paths.push_back({.host = "/srv", .inside = "/seen", .access = Access::kRead});
  for (const char* path :
       {"/work/x", "/tmp/x", "/dev/null", "/dev/shm/x", "/data", "/data/x", "x", "../x", "./x"}) {
    EXPECT_FALSE(warns_of_path(path, granted)) << path;
  }
  for (const char* path : {"/etc/passwd", "/seen/x", "/datax", "/workx", "/x", "/usr//bin/x"}) {
    EXPECT_TRUE(warns_of_path(path, granted)) << path;
  }
}

TEST(LintJudge, IsSilentAboutPathsThatItCantTell) {
  for (const char* path : {"/etc/{name}", "/etc/$NAME", "/etc/\\x41", "/etc/../tmp/x", "/etc/*"}) {
    EXPECT_FALSE(warns_of_path(path, policy())) << path;
  }
}

TEST(LintJudge, KnowsTheVariablesOfARun) {
  Policy with_env = policy();
  with_env.env["MINE"] = "1";
  const Rule rule = rule_of(Capability::kEnvironment);
  EXPECT_FALSE(judged(rule, "x(\"MINE\")", "x(\"MINE\")", with_env));
  EXPECT_FALSE(judged(rule, "x(\"HOME\")", "x(\"HOME\")", with_env));
  EXPECT_TRUE(judged(rule, "x(\"OTHER\")", "x(\"OTHER\")", with_env));
}

TEST(LintJudge, TellsARunOnlyWhatIsAboveInfo) {
  Rule rule = rule_of(Capability::kDynamicCode);
  rule.severity = Severity::kInfo;
  EXPECT_FALSE(may_matter(rule, policy(), Audience::kRun));
  EXPECT_TRUE(may_matter(rule, policy(), Audience::kCheck));
}

TEST(LintJudge, ShowsHostileTextsSafelyAndShort) {
  const std::string source = "x\x1b[31m\n\xff" + std::string(5000, 'a') + "(\"\x1b[2J\")";
  const auto finding = judged(rule_of(Capability::kNetwork), source, source, policy());
  ASSERT_TRUE(finding);
  EXPECT_THAT(finding->message, Not(HasSubstr("\x1b")));
  EXPECT_THAT(finding->message, Not(HasSubstr("\n")));
  EXPECT_LT(finding->message.size(), 400U);
}

TEST(LintJudge, BelievesNoOffsetOutsideOfTheSource) {
  const RawFinding good{.rule = 1, .start = 2, .end = 5, .what_start = 0, .what_end = 5};
  EXPECT_TRUE(is_plausible(good, 2, 5));
  EXPECT_FALSE(is_plausible(good, 1, 5)) << "no such rule";
  EXPECT_FALSE(is_plausible(good, 2, 4)) << "behind the end";
  RawFinding turned = good;
  turned.literal_start = 3;
  turned.literal_end = 2;
  EXPECT_FALSE(is_plausible(turned, 2, 5));
  RawFinding far = good;
  far.what_end = UINT32_MAX;
  EXPECT_FALSE(is_plausible(far, 2, 5));
}

TEST(LintNamesOfARule, DecideWhetherItIsLookedFor) {
  EXPECT_TRUE(may_match(rule_of(Capability::kNetwork), "reopened"));
  EXPECT_FALSE(may_match(rule_of(Capability::kNetwork), "closed"));
}

}  // namespace
}  // namespace sandpit::lint
