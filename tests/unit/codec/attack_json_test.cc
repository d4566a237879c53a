#include "codec/attack_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace sandpit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string row(const std::string& more) {
  return R"([{"name": "a", "program": "a.py", "category": "files", "attempts": "x")" + more + "}]";
}

std::string problem_of(const std::string& text) {
  const auto attacks = parse_attacks(text);
  return attacks ? "" : attacks.error().to_string();
}

TEST(AttackJson, ReadsEveryMember) {
  const auto attacks = parse_attacks(
      row(R"(, "args": ["{mark}"], "limits": {"max_processes": 16}, "ends": ["exited"],
          "truncated": true, "loopback": true, "read": "/in", "write": "/out", "beside": ["make"],
          "known": "why", "prove": "root", "prove_args": ["b"])"));
  ASSERT_TRUE(attacks) << attacks.error().to_string();
  const Attack& attack = attacks->front();
  EXPECT_EQ(attack.name, "a");
  EXPECT_EQ(attack.program, "a.py");
  EXPECT_THAT(attack.args, ElementsAre("{mark}"));
  EXPECT_EQ(attack.limits.processes, 16U);
  EXPECT_THAT(attack.ends, ElementsAre("exited"));
  EXPECT_TRUE(attack.truncated);
  EXPECT_TRUE(attack.loopback);
  EXPECT_EQ(attack.read_grant, "/in");
  EXPECT_EQ(attack.write_grant, "/out");
  EXPECT_THAT(attack.beside, ElementsAre("make"));
  EXPECT_EQ(attack.known, "why");
  EXPECT_EQ(attack.provable, Attack::Provable::kByRoot);
  EXPECT_THAT(attack.prove_args, ElementsAre("b"));
}

TEST(AttackJson, NamesWhatIsDamaged) {
  EXPECT_THAT(problem_of("{}"), HasSubstr("no list"));
  EXPECT_THAT(problem_of("[1]"), HasSubstr("attacks[0]"));
  EXPECT_THAT(problem_of(row(R"(, "x": 1)")), HasSubstr("x: no such member"));
  EXPECT_THAT(problem_of(row(R"(, "args": "a")")), HasSubstr("args"));
  EXPECT_THAT(problem_of(row(R"(, "limits": {"x": 1})")), HasSubstr("limits"));
  EXPECT_THAT(problem_of(row(R"(, "prove": "you")")), HasSubstr("prove"));
  EXPECT_THAT(problem_of(row(R"(, "loopback": 1)")), HasSubstr("loopback"));
  EXPECT_THAT(problem_of(R"([{"name": "a"}])"), HasSubstr("is missing"));
  const std::string one = row("");
  EXPECT_THAT(problem_of("[" + one.substr(1, one.size() - 2) + "," + one.substr(1)),
              HasSubstr("two attacks"));
}

TEST(AttackJson, ReadsTheCatalogueThatShips) {
  std::ostringstream text;
  text << std::ifstream(SANDPIT_SOURCE_DIR "/tests/escape/attacks.json").rdbuf();
  const auto attacks = parse_attacks(text.str());
  ASSERT_TRUE(attacks) << attacks.error().to_string();
  EXPECT_GE(attacks->size(), 100U);
  for (const Attack& attack : *attacks) {
    const std::ifstream program(SANDPIT_SOURCE_DIR "/tests/escape/programs/" + attack.program);
    EXPECT_TRUE(program.good()) << attack.program;
  }
}

}  // namespace
}  // namespace sandpit
