// The trusted side against workers that lie, hang, flood and die (shell scripts in the worker's
// place), and the real worker with every rule that ships.
#include "service/lint_worker.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "lint/rules.h"
#include "service/lint_source.h"
#include "support/temp_tree.h"

namespace sandpit {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

lint::LintJob job_of(std::string source, std::string query = "(identifier) @finding") {
  return {.language = "python",
          .rules = {{.query = std::move(query), .only_if = {}, .unless = {}}},
          .budget_us = 1'000'000,
          .source = std::move(source)};
}

class FakeWorker : public ::testing::Test {
 protected:
  // A worker that runs this line of shell; $0's directory is tree_.
  std::string script(const std::string& line) {
    const std::string path = tree_.path() + "/worker";
    std::ofstream(path) << "#!/bin/sh\nPATH=/usr/bin:/bin\n" << line << "\n";
    fs::permissions(path, fs::perms::owner_all);
    return path;
  }
  Result<lint::LintAnswer> ask(const std::string& line, std::chrono::milliseconds patience = 20s) {
    return ask_lint_worker(script(line), job_of("x"), patience);
  }
  std::string error_of(const std::string& line) {
    const auto answer = ask(line);
    return answer ? "an answer" : answer.error().message;
  }
  TempTree tree_;
};

TEST_F(FakeWorker, ThatSaysNothingIsAnError) {
  EXPECT_THAT(error_of("exit 0"), HasSubstr("ended early"));
}

TEST_F(FakeWorker, ThatDiesIsAnError) {
  EXPECT_THAT(error_of("kill -9 $$"), HasSubstr("ended early"));
}

TEST_F(FakeWorker, ThatTalksNonsenseIsAnError) {
  EXPECT_THAT(error_of("printf hello >&4"), HasSubstr("not well-formed"));
  // A good status and then a list that says that it is endless.
  EXPECT_THAT(error_of("printf '\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0"
                       "\\377\\377\\377\\377\\377\\377\\377\\177' >&4"),
              HasSubstr("not well-formed"));
}

TEST_F(FakeWorker, ThatFloodsIsCutOff) { EXPECT_THAT(error_of("yes >&4"), HasSubstr("too long")); }

TEST_F(FakeWorker, ThatHangsIsKilledAtTheDeadline) {
  const std::string pid_file = tree_.path() + "/pid";
  const auto begin = std::chrono::steady_clock::now();
  const auto answer = ask(
      fmt::format("echo $$ >{}.part; mv {}.part {}; exec sleep 600", pid_file, pid_file, pid_file),
      500ms);
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("no answer after 500 ms"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  pid_t pid = 0;
  std::ifstream(pid_file) >> pid;
  ASSERT_GT(pid, 0);
  // It is init's to reap: gone, or a zombie for a moment.
  for (int i = 0; i < 1000 && ::kill(pid, 0) == 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(FakeWorker, ThatClosesItsPipeAndLivesOnIsKilled) {
  const std::string pid_file = tree_.path() + "/pid";
  EXPECT_THAT(error_of(fmt::format("echo $$ >{}; exec 4>&-; exec sleep 600", pid_file)),
              HasSubstr("ended early"));
  pid_t pid = 0;
  std::ifstream(pid_file) >> pid;
  ASSERT_GT(pid, 0);
  for (int i = 0; i < 1000 && ::kill(pid, 0) == 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(FakeWorker, ThatIsNotThereIsAnError) {
  const auto answer = ask_lint_worker(tree_.path() + "/none", job_of("x"), 1s);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().errno_value, ENOENT);
}

std::atomic<int> child_signals{0};

TEST_F(FakeWorker, IsNoChildOfTheHost) {
  struct sigaction before{};
  struct sigaction counting{};
  counting.sa_handler = [](int) { ++child_signals; };
  ::sigaction(SIGCHLD, &counting, &before);
  EXPECT_THAT(error_of("exit 3"), HasSubstr("ended early"));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  ::sigaction(SIGCHLD, &before, nullptr);
  EXPECT_EQ(child_signals, 0);
}

TEST_F(FakeWorker, LeavesNoZombieToASubreaper) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
  const std::string error = error_of("exit 3");
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
  EXPECT_THAT(error, HasSubstr("ended early"));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

class RealWorker : public ::testing::Test {
 protected:
  void SetUp() override {
    worker_ = find_lint_worker();
    if (worker_.empty()) GTEST_SKIP() << "needs lint-worker (Rust)";
  }
  Result<lint::LintAnswer> ask(const lint::LintJob& job) {
    return ask_lint_worker(worker_, job, 60s);
  }
  std::string worker_;
};

TEST_F(RealWorker, AnswersWithPlaces) {
  const auto answer =
      ask(job_of("first = second\n", "(assignment right: (identifier) @what) @finding"));
  ASSERT_TRUE(answer) << answer.error().to_string();
  EXPECT_EQ(answer->status, lint::AnswerStatus::kDone) << answer->message;
  ASSERT_THAT(answer->findings, SizeIs(1));
  EXPECT_EQ(answer->findings[0].start, 0U);
  EXPECT_EQ(answer->findings[0].end, 14U);
  EXPECT_EQ(answer->findings[0].what_start, 8U);
  EXPECT_EQ(answer->findings[0].what_end, 14U);
  EXPECT_EQ(answer->findings[0].literal_end, 0U);
}

TEST_F(RealWorker, HeedsConditions) {
  lint::LintJob job = job_of("import a\nb\n", "((identifier) @finding (#eq? @finding \"b\"))");
  const auto findings = [&] {
    const auto answer = ask(job);
    return answer && answer->status == lint::AnswerStatus::kDone ? answer->findings.size() : 99U;
  };
  job.rules[0].only_if = "(import_statement) @m";
  EXPECT_EQ(findings(), 1U);
  job.rules[0].only_if = "(class_definition) @m";
  EXPECT_EQ(findings(), 0U);
  job.rules[0].only_if = {};
  job.rules[0].unless = "(class_definition) @m";
  EXPECT_EQ(findings(), 1U);
  job.rules[0].unless = "(import_statement) @m";
  EXPECT_EQ(findings(), 0U);
}

TEST_F(RealWorker, SaysWhichQueryIsWrong) {
  lint::LintJob job = job_of("x");
  job.rules.push_back({.query = "(nonsense) @finding", .only_if = {}, .unless = {}});
  const auto answer = ask(job);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, lint::AnswerStatus::kBadQuery);
  EXPECT_EQ(answer->rule, 1U);
  EXPECT_THAT(answer->message, HasSubstr("nonsense"));
  job.language = "klingon";
  EXPECT_EQ(ask(job)->status, lint::AnswerStatus::kUnknownLanguage);
}

TEST_F(RealWorker, TellsThatThereIsMore) {
  std::string source;
  for (int i = 0; i < 1000; ++i) source += "x\n";
  const auto answer = ask(job_of(source));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, lint::AnswerStatus::kMore);
  EXPECT_THAT(answer->findings, SizeIs(lint::kMostFindings));
}

TEST_F(RealWorker, GivesUpInTime) {
  lint::LintJob job = job_of("x " + std::string(lint::kMostSource - 2, '['));
  job.budget_us = 300'000;
  const auto begin = std::chrono::steady_clock::now();
  const auto answer = ask(job);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
  // Either it noticed the time itself, or the kernel ended it.
  if (answer) {
    EXPECT_EQ(answer->status, lint::AnswerStatus::kTimedOut);
  }
}

TEST_F(RealWorker, UnderstandsEveryQueryThatShips) {
  std::size_t rules = 0;
  for (const auto& entry : fs::directory_iterator(SANDPIT_SOURCE_DIR "/runtimes")) {
    const auto loaded = lint::load_rules(entry.path());
    ASSERT_TRUE(loaded) << loaded.error().to_string();
    if (!*loaded) continue;
    for (const lint::Rule& rule : (*loaded)->rules) {
      // Through tree-sitter's engine, which tells of a nesting that the grammar never makes, too.
      const std::string query = rule.query + "((_) @x (#eq? @x \"no\") (#set! \"a\" \"b\"))";
      lint::LintJob job{.language = (*loaded)->language,
                        .rules = {{query, rule.only_if, rule.unless}},
                        .budget_us = 5'000'000,
                        .source = "\n"};
      const auto answer = ask(job);
      ASSERT_TRUE(answer) << entry.path() << " " << rule.id;
      EXPECT_EQ(answer->status, lint::AnswerStatus::kDone)
          << entry.path() << " " << rule.id << ": " << answer->message;
      ++rules;
    }
  }
  EXPECT_GT(rules, 70U);
}

}  // namespace
}  // namespace sandpit
