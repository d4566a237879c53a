#include "lint/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace sandpit::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
namespace fs = std::filesystem;

constexpr const char* kGood = R"(language = "python"
[[rule]]
id = "net"
severity = "warning"
capability = "network"
message = "`{what}` needs the network"
names = ["socket", "urlopen"]
only_if = '(import_statement) @m'
unless = '(class_definition) @m'
query = '(call) @finding'
)";

std::string with(std::string text, std::string_view what, std::string_view instead) {
  return text.replace(text.find(what), what.size(), instead);
}

std::string problems_of(const std::string& text) {
  const auto rules = parse_rules(text, "rules.toml");
  return rules ? "" : rules.error().to_string();
}

TEST(LintRules, ReadEveryKey) {
  const auto rules = parse_rules(kGood, "rules.toml");
  ASSERT_TRUE(rules) << rules.error().to_string();
  EXPECT_EQ(rules->language, "python");
  ASSERT_THAT(rules->rules, SizeIs(1));
  const Rule& rule = rules->rules.front();
  EXPECT_EQ(rule.id, "net");
  EXPECT_EQ(rule.severity, Severity::kWarning);
  EXPECT_EQ(rule.capability, Capability::kNetwork);
  EXPECT_EQ(rule.message, "`{what}` needs the network");
  EXPECT_THAT(rule.names, ElementsAre("socket", "urlopen"));
  EXPECT_EQ(rule.query, "(call) @finding");
  EXPECT_EQ(rule.only_if, "(import_statement) @m");
  EXPECT_EQ(rule.unless, "(class_definition) @m");
}

TEST(LintRules, ReportEveryProblemWithItsPlace) {
  const std::string problems =
      problems_of(with(with(kGood, "\"network\"", "\"netwrok\""), "names =", "nmaes ="));
  EXPECT_THAT(problems, HasSubstr("rules.toml:5:14: 'netwrok' is no capability"));
  EXPECT_THAT(problems, HasSubstr("network"));
  EXPECT_THAT(problems, HasSubstr("rules.toml:7:1: unknown key 'nmaes'"));
  EXPECT_THAT(problems, HasSubstr("'names' is missing"));
}

TEST(LintRules, WarnOnlyOfWhatAPolicyCanDeny) {
  for (const char* capability : {"native-code", "dynamic-code", "environment"}) {
    EXPECT_THAT(problems_of(with(kGood, "\"network\"", std::string("\"") + capability + "\"")),
                HasSubstr("is never more than info"))
        << capability;
  }
}

TEST(LintRules, OfFilesAndVariablesCaptureTheName) {
  const std::string text = with(kGood, "\"network\"", "\"filesystem-write\"");
  EXPECT_THAT(problems_of(text), HasSubstr("@literal"));
  EXPECT_EQ(problems_of(with(text, "(call) @finding", "(call (string) @literal) @finding")), "");
}

TEST(LintRules, AreRefusedWithoutACaptureOrWithANameThatIsEverywhere) {
  EXPECT_THAT(problems_of(with(kGood, "@finding", "@found")), HasSubstr("captures no @finding"));
  EXPECT_THAT(problems_of(with(kGood, "\"urlopen\"", "\"\"")), HasSubstr("in every source"));
}

TEST(LintRules, HaveOneIdEach) {
  const std::string text = kGood;
  EXPECT_THAT(problems_of(text + text.substr(text.find("[[rule]]"))), HasSubstr("already"));
}

TEST(LintRules, TakeOverNoFileOutsideOfTheRuntimes) {
  EXPECT_THAT(problems_of(std::string("rules_of = \"../../etc\"\n") + kGood),
              HasSubstr("is no runtime"));
}

TEST(LintRules, OfATypeThatIsNoRuleAreRefused) {
  EXPECT_THAT(problems_of("language = \"c\"\nrule = 3\n"), HasSubstr("must be tables"));
  EXPECT_THAT(problems_of("language = \n"), HasSubstr("rules.toml:1"));
}

TEST(LintNames, AreFoundWithoutReadingToml) {
  const auto names = plain_names(kGood);
  ASSERT_TRUE(names);
  EXPECT_THAT(*names, ElementsAre("socket", "urlopen"));
}

TEST(LintNames, AreNotGuessedWhereTheFileIsWrittenOtherwise) {
  const std::string good = kGood;
  EXPECT_FALSE(plain_names(with(good, "[\"socket\",", "[\n\"socket\",")));
  EXPECT_FALSE(plain_names(with(good, "names = [", "names=[")));
  EXPECT_FALSE(plain_names(with(good, "\"socket\"", "\"so\\\"cket\"")));
  EXPECT_FALSE(plain_names("rules_of = \"c\"\n" + good));
}

std::vector<fs::path> shipped() {
  std::vector<fs::path> directories;
  for (const auto& entry : fs::directory_iterator(SANDPIT_SOURCE_DIR "/runtimes")) {
    if (fs::exists(entry.path() / "lint/rules.toml")) directories.push_back(entry.path());
  }
  return directories;
}

TEST(ShippedLintRules, AreThoseOfElevenLanguages) { EXPECT_GE(shipped().size(), 11U); }

TEST(ShippedLintRules, AreValid) {
  for (const fs::path& directory : shipped()) {
    const auto rules = load_rules(directory);
    ASSERT_TRUE(rules) << rules.error().to_string();
    EXPECT_GE((*rules)->rules.size(), 5U) << directory;
  }
}

// The short way of load_rules must not hide a rule from a source that has its name.
TEST(ShippedLintRules, HaveTheSameNamesBothWays) {
  for (const fs::path& directory : shipped()) {
    std::ifstream file(directory / "lint/rules.toml");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto names = plain_names(text);
    const auto rules = parse_rules(text, directory);
    ASSERT_TRUE(rules);
    if (!names) continue;
    std::vector<std::string_view> all;
    for (const Rule& rule : rules->rules)
      all.insert(all.end(), rule.names.begin(), rule.names.end());
    EXPECT_EQ(*names, all) << directory;
  }
}

TEST(ShippedLintRules, AreNotLoadedForASourceWithoutTheirNames) {
  const std::string python = SANDPIT_SOURCE_DIR "/runtimes/python";
  const auto none = load_rules(python, "print('hello')\n");
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  const auto some = load_rules(python, "import socket\n");
  ASSERT_TRUE(some);
  EXPECT_TRUE(*some);
}

}  // namespace
}  // namespace sandpit::lint
