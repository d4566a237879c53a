// The loop over runs, with a program that is a function: what it needs must be in the profile.
#include "learn/learner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "learn/need.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "support/temp_tree.h"

namespace sandpit::learn {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Denial denial(std::string what, std::string hint) {
  return {.what = std::move(what), .call = "call", .hint = std::move(hint), .count = 1};
}

FileAccess missed(const std::string& path, Access access = Access::kRead) {
  return {.path = path,
          .access = access == Access::kRead ? "read" : "write",
          .error = "ENOENT",
          .hint = "an option",
          .count = 1,
          .grant = PathGrant{.host = path, .inside = path, .access = access}};
}

struct LearnerTest : ::testing::Test {
  LearnerTest() { learner.rules.here = std::filesystem::canonical(tree.path()).string(); }

  std::string file(const std::string& name) {
    (void)tree.file(name, "");
    return learner.rules.here + "/" + name;
  }
  // `program`: one run, given the profile's text.
  Learned learn(std::function<Outcome(const std::string&)> program) {
    learner.name = "p";
    learner.inherits = "production";
    learner.program = "p.py";
    learner.run = [&, program](const std::string& toml, Watch) -> Result<Ran> {
      texts.push_back(toml);
      return Ran{.outcome = program(toml), .limits = {}};
    };
    auto learned = sandpit::learn::learn(learner);
    EXPECT_TRUE(learned.has_value());
    return learned ? std::move(*learned) : Learned{};
  }
  static Outcome ended(int code) {
    Outcome outcome;
    outcome.status = Status::kExited;
    outcome.exit_code = code;
    outcome.files_traced.emplace();
    return outcome;
  }

  TempTree tree;
  Learner learner;
  std::vector<std::string> texts;
};

TEST_F(LearnerTest, GrantsNothingToAProgramThatNeedsNothing) {
  const Learned learned = learn([](const std::string&) { return ended(0); });
  EXPECT_TRUE(learned.passes);
  EXPECT_EQ(learned.granted, 0U);
  EXPECT_EQ(learned.runs, 2U);
  EXPECT_THAT(learned.toml, HasSubstr("[profiles.p]\ninherits = \"production\"\n"));
}

TEST_F(LearnerTest, KeepsWhatIsNeededAndDropsWhatIsNot) {
  const std::string needed = file("needed");
  const std::string optional = file("optional");
  const Learned learned = learn([&](const std::string& toml) {
    Outcome outcome = ended(toml.contains(needed) ? 0 : 1);
    for (const std::string& path : {optional, needed}) {
      if (!toml.contains(path)) outcome.files_traced->failed.push_back(missed(path));
    }
    return outcome;
  });
  EXPECT_TRUE(learned.passes);
  EXPECT_EQ(learned.granted, 1U);
  EXPECT_THAT(learned.toml, HasSubstr("\n  { path = \"" + needed + "\" },"));
  EXPECT_THAT(learned.toml, HasSubstr("#   { path = \"" + optional + "\" },"));
}

TEST_F(LearnerTest, TakesADifferentOutputForAFailureWhereItIsTheSameEachTime) {
  const std::string path = file("data");
  const auto program = [&](const std::string& toml) {
    Outcome outcome = ended(0);
    outcome.stdout_text = toml.contains(path) ? "data" : "none";
    if (!toml.contains(path)) outcome.files_traced->failed.push_back(missed(path));
    return outcome;
  };
  EXPECT_EQ(learn(program).granted, 1U);
  int runs = 0;
  EXPECT_EQ(learn([&](const std::string& toml) {
              Outcome outcome = program(toml);
              outcome.stdout_text = std::to_string(++runs);
              return outcome;
            }).granted,
            0U);
}

TEST_F(LearnerTest, GrantsNoHostAndNoCallUnasked) {
  const auto program = [](const std::string& toml) {
    const bool has = toml.contains("\n  \"h.test:80\",") && toml.contains("\n  \"ptrace\",");
    Outcome outcome = ended(has ? 0 : 1);
    outcome.denials = {denial("connect h.test:80 (tcp)", "--net h.test:80"),
                       denial("ptrace", "security.allow_syscalls = [\"ptrace\"]"),
                       denial("mount", "")};
    return outcome;
  };
  const Learned refused = learn(program);
  EXPECT_FALSE(refused.passes);
  EXPECT_EQ(refused.granted, 0U);
  EXPECT_EQ(refused.refused, 2U);
  EXPECT_THAT(refused.toml, HasSubstr("#   \"ptrace\",  # ptrace: it opens more of the kernel"));
  EXPECT_THAT(refused.toml, HasSubstr("#   mount\n"));
  EXPECT_THAT(texts.back(), Not(HasSubstr("nobody.invalid")));
  learner.rules.net = learner.rules.syscalls = true;
  const Learned granted = learn(program);
  EXPECT_TRUE(granted.passes) << granted.toml;
  EXPECT_EQ(granted.granted, 2U);
}

TEST_F(LearnerTest, RaisesALimitUntilItIsEnoughAndFitsIt) {
  const auto limit_in = [](const std::string& toml) {
    const std::size_t at = toml.find("memory_limit_mb = ");
    return at == std::string::npos ? 512UL : std::stoul(toml.substr(at + 18));
  };
  const auto program = [&](const std::string& toml) {
    const bool enough = limit_in(toml) >= 700;
    Outcome outcome = ended(0);
    outcome.peak_memory = ByteCount::mib(700);
    if (!enough) {
      outcome.status = Status::kMemoryExceeded;
      outcome.limits_reached.push_back({.limit = "memory", .count = 1});
    }
    return outcome;
  };
  const Learned learned = learn(program);
  EXPECT_TRUE(learned.passes);
  EXPECT_THAT(learned.toml, HasSubstr("memory_limit_mb = 880  #"));
}

// The same directory of the host by two names: what is read by one could be replaced through the
// other, by a link to anything.
TEST_F(LearnerTest, ReadsNothingByAnotherNameBelowWhatTheProgramWrites) {
  const std::string path = file("data/f");
  const std::string directory = learner.rules.here + "/data";
  learner.rules.write = true;
  FileAccess aliased = missed(path);
  aliased.path = aliased.grant->inside = "/work/data/f";
  for (const bool read_first : {true, false}) {
    const Learned learned = learn([&](const std::string& toml) {
      Outcome outcome = ended(1);
      std::vector<FileAccess>& failed = outcome.files_traced->failed;
      if (!toml.contains("/work/data/f")) failed.push_back(aliased);
      const auto at = read_first ? failed.end() : failed.begin();
      if (!toml.contains("rw")) failed.insert(at, missed(directory, Access::kReadWrite));
      return outcome;
    });
    for (const std::string& toml : texts) {
      const bool both = toml.contains("\n  { path = \"" + path) && toml.contains("access = \"rw\"");
      EXPECT_FALSE(both) << toml;
    }
    EXPECT_THAT(learned.toml, HasSubstr("\n  { path = \"" + directory + "\", access = \"rw\" },"));
    EXPECT_THAT(learned.toml, HasSubstr("it could become a link"));
    EXPECT_LT(learned.runs, 8U);
  }
}

// Where a profile below this one lets the program write.
TEST_F(LearnerTest, GrantsNothingThatWasReplacedByALink) {
  const std::string path = file("f");
  const std::string secret = file("home/.ssh/id_rsa");
  bool replaced = false;
  const Learned learned = learn([&](const std::string& toml) {
    Outcome outcome = ended(1);
    if (!toml.contains(path)) {
      outcome.files_traced->failed.push_back(missed(path));
    } else if (!replaced) {
      std::filesystem::remove(path);
      std::filesystem::create_symlink(secret, path);
      replaced = true;
    }
    return outcome;
  });
  EXPECT_TRUE(replaced);
  EXPECT_THAT(texts.back(), Not(HasSubstr("\n  { path = \"" + path + "\"")));
  EXPECT_THAT(learned.toml, Not(HasSubstr("\n  { path = \"" + path + "\"")));
}

TEST_F(LearnerTest, RaisesTheNumberOfFilesWhereThatIsWhatRanOut) {
  const auto program = [&](const std::string& toml) {
    const bool enough = toml.contains("max_inodes = 32768");
    Outcome outcome = ended(enough ? 0 : 1);
    if (!enough) outcome.limits_reached.push_back({.limit = "inodes", .count = 1});
    return outcome;
  };
  const Learned learned = learn(program);
  EXPECT_TRUE(learned.passes) << learned.toml;
  EXPECT_THAT(learned.toml, Not(HasSubstr("max_disk_mb")));
}

TEST_F(LearnerTest, StopsAtItsNumberOfRuns) {
  int next = 0;
  learner.most_runs = 7;
  const Learned learned = learn([&](const std::string&) {
    Outcome outcome = ended(1);
    outcome.files_traced->failed.push_back(missed(file(std::to_string(next++))));
    return outcome;
  });
  EXPECT_FALSE(learned.passes);
  EXPECT_LE(learned.runs, 7U);
  EXPECT_THAT(learned.toml, HasSubstr("DOES NOT PASS"));
}

TEST_F(LearnerTest, EndsWhereTheProgramCanNotBeRun) {
  learner.run = [](const std::string&, Watch) -> Result<Ran> {
    Outcome outcome;
    outcome.status = Status::kSandboxError;
    outcome.message = "no jail";
    return Ran{.outcome = outcome, .limits = {}};
  };
  const auto learned = sandpit::learn::learn(learner);
  ASSERT_FALSE(learned.has_value());
  EXPECT_EQ(learned.error().message, "no jail");
}

}  // namespace
}  // namespace sandpit::learn
