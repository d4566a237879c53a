// Lines in, results out: line_reader, results_file, result_sink.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "batch/id_set.h"
#include "batch/line_reader.h"
#include "batch/result_sink.h"
#include "batch/results_file.h"
#include "sandpit/error.h"

namespace sandpit::batch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Files : public testing::Test {
 protected:
  Files() {
    std::string pattern = testing::TempDir() + "sandpit-batch-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    path_ = root_ + "/results.jsonl";
  }
  ~Files() override { std::filesystem::remove_all(root_); }

  void write(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }
  [[nodiscard]] std::string content() const {
    std::ifstream file(path_, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  [[nodiscard]] Result<ResultsFile> open(Existing existing) {
    return ResultsFile::open(path_, existing, ids_, resumed_);
  }
  [[nodiscard]] std::vector<Line> lines(std::size_t longest) const {
    const UniqueFd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    LineReader reader(file.get(), longest);
    std::vector<Line> all;
    while (true) {
      auto line = reader.next();
      EXPECT_TRUE(line.has_value());
      if (!line || !*line) return all;
      all.push_back(**line);
    }
  }

  std::string root_;
  std::string path_;
  IdSet ids_;
  Resumed resumed_;
};

using LineReaderTest = Files;
using ResultsFileTest = Files;
using ResultSinkTest = Files;

TEST_F(LineReaderTest, NumbersLinesAndKnowsWhereTheyBegin) {
  write("one\n\nthree");
  const auto all = lines(100);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].text, "one");
  EXPECT_EQ(all[1].text, "");
  EXPECT_EQ(all[2].text, "three");
  EXPECT_EQ(all[2].number, 3U);
  EXPECT_EQ(all[2].offset, 5U);
  EXPECT_TRUE(all[1].ended);
  EXPECT_FALSE(all[2].ended);
}

TEST_F(LineReaderTest, PassesOverALineThatIsTooLongAndGoesOnBehindIt) {
  const std::string huge(1'000'000, 'x');
  write("a\n" + huge + "\nb\n");
  const auto all = lines(1000);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_TRUE(all[1].too_long);
  EXPECT_EQ(all[1].text, "");
  EXPECT_EQ(all[1].bytes, huge.size() + 1);
  EXPECT_EQ(all[2].text, "b");
  EXPECT_FALSE(all[2].too_long);
}

TEST_F(LineReaderTest, ALineOfExactlyTheLimitIsTaken) {
  write(std::string(10, 'x') + "\n" + std::string(11, 'y') + "\n");
  const auto all = lines(10);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_FALSE(all[0].too_long);
  EXPECT_TRUE(all[1].too_long);
}

TEST_F(LineReaderTest, ReturnsFromASilentPipeWhenItIsStopped) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd in(ends[0]);
  const UniqueFd out(ends[1]);
  const UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  LineReader reader(in.get(), 100, stop.get());
  std::thread stopper([&] {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(stop.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  });
  const auto line = reader.next();  // the writing end is open and says nothing
  stopper.join();
  ASSERT_TRUE(line.has_value());
  EXPECT_FALSE(line->has_value());
}

TEST_F(LineReaderTest, AReadThatFailsIsAnError) {
  const UniqueFd directory(::open(root_.c_str(), O_RDONLY | O_CLOEXEC));
  LineReader reader(directory.get(), 100);
  const auto line = reader.next();
  ASSERT_FALSE(line.has_value());
  EXPECT_EQ(line.error().errno_value, EISDIR);
  EXPECT_FALSE(reader.next()->has_value());
}

TEST_F(ResultsFileTest, FollowsNoLinkToAFile) {
  write("theirs");
  for (const std::string& to : {path_, root_ + "/nothing"}) {
    const std::string link = root_ + "/link";
    std::filesystem::remove(link);
    std::filesystem::create_symlink(to, link);
    for (const Existing existing : {Existing::kReplace, Existing::kRefuse, Existing::kResume}) {
      const auto file = ResultsFile::open(link, existing, ids_, resumed_);
      ASSERT_FALSE(file.has_value());
      EXPECT_THAT(file.error().message, HasSubstr("symbolic link"));
    }
    EXPECT_FALSE(std::filesystem::exists(root_ + "/nothing"));
  }
  EXPECT_EQ(content(), "theirs");
}

TEST_F(ResultsFileTest, AFileThatExistsIsRefusedAndLeftAsItIs) {
  write("precious\n");
  const auto file = open(Existing::kRefuse);
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code, ErrorCode::kUsage);
  EXPECT_THAT(file.error().hint, HasSubstr("--resume"));
  EXPECT_EQ(content(), "precious\n");
}

TEST_F(ResultsFileTest, IsEmptiedWhenThatWasAskedFor) {
  write("{\"id\":1}\n");
  auto file = open(Existing::kReplace);
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE(file->append("{\"id\":2}\n").has_value());
  EXPECT_EQ(content(), "{\"id\":2}\n");
}

TEST_F(ResultsFileTest, ResumingNotesTheIdsAndAppends) {
  write("{\"id\":1,\"status\":\"exited\"}\n{\"status\":\"x\",\"id\":\"a\\u00e9\"}\n");
  auto file = open(Existing::kResume);
  ASSERT_TRUE(file.has_value()) << file.error().to_string();
  EXPECT_EQ(resumed_.results, 2U);
  EXPECT_EQ(resumed_.cut_bytes, 0U);
  EXPECT_EQ(ids_.mark("1", IdSet::kSeen), IdSet::kDone);
  EXPECT_EQ(ids_.mark("\"aé\"", IdSet::kSeen), IdSet::kDone);
  EXPECT_EQ(ids_.mark("2", IdSet::kSeen), 0);
  ASSERT_TRUE(file->append("{\"id\":2}\n").has_value());
  EXPECT_THAT(content(), testing::EndsWith("\n{\"id\":2}\n"));
}

TEST_F(ResultsFileTest, ResumingWithoutAFileBeginsOne) {
  auto file = open(Existing::kResume);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(resumed_.results, 0U);
}

TEST_F(ResultsFileTest, ATornLastLineIsCutOffWhereverItWasTorn) {
  const std::string whole = "{\"id\":1,\"status\":\"exited\"}\n";
  const std::string last = "{\"id\":2,\"status\":\"exited\",\"stdout\":\"a\\u00e9\"}";
  for (std::size_t length = 1; length < last.size(); ++length) {
    write(whole + last.substr(0, length));
    IdSet ids;
    Resumed resumed;
    auto file = ResultsFile::open(path_, Existing::kResume, ids, resumed);
    ASSERT_TRUE(file.has_value()) << length;
    EXPECT_EQ(resumed.cut_bytes, length);
    EXPECT_EQ(ids.mark("2", IdSet::kSeen), 0) << "its task must be run again";
    EXPECT_EQ(ids.mark("1", IdSet::kSeen), IdSet::kDone);
    ASSERT_TRUE(file->append("{\"id\":3}\n").has_value());
    EXPECT_EQ(content(), whole + "{\"id\":3}\n");
  }
}

TEST_F(ResultsFileTest, AWholeLastLineWithoutItsNewlineIsKept) {
  const std::string whole = "{\"id\":1,\"status\":\"x\"}\n{\"status\":\"x\",\"id\":2}";
  write(whole);
  auto file = open(Existing::kResume);
  ASSERT_TRUE(file.has_value());
  EXPECT_TRUE(resumed_.newline_added);
  EXPECT_EQ(resumed_.results, 2U);
  EXPECT_EQ(ids_.mark("2", IdSet::kSeen), IdSet::kDone);
  EXPECT_EQ(content(), whole + "\n");
}

TEST_F(ResultsFileTest, WhatAPowerCutLeavesIsATornLine) {
  const std::string whole = "{\"id\":1,\"status\":\"x\"}\n";
  for (const std::string beginning : {"", "{\"i", "{\"id\":2,\"st"}) {
    write(whole + beginning + std::string(4096, '\0'));
    IdSet ids;
    Resumed resumed;
    auto file = ResultsFile::open(path_, Existing::kResume, ids, resumed);
    ASSERT_TRUE(file.has_value()) << file.error().to_string();
    EXPECT_EQ(resumed.cut_bytes, 4096U + beginning.size());
    EXPECT_EQ(content(), whole);
  }
}

TEST_F(ResultsFileTest, AFileThatIsNoResultsFileIsNotTouched) {
  const std::string text = "{\"id\":1,\"status\":\"x\"}\nDear diary\n{\"id\":2";
  write(text);
  const auto file = open(Existing::kResume);
  ASSERT_FALSE(file.has_value());
  EXPECT_THAT(file.error().where, HasSubstr("results.jsonl:2"));
  EXPECT_EQ(content(), text);
}

// What has no newline at its end may be somebody else's as well as a torn line.
TEST_F(ResultsFileTest, ALastLineThatDoesNotBeginAsAResultIsNotCutOff) {
  for (const std::string text :
       {"Dear diary", "{\"name\":\"x\"", "{\"id\":1,\"status\":\"x\"}\nDear diary"}) {
    write(text);
    const auto file = open(Existing::kResume);
    ASSERT_FALSE(file.has_value()) << text;
    EXPECT_THAT(file.error().message, HasSubstr("not a result"));
    EXPECT_EQ(content(), text);
  }
}

// Their ids would be those of the tasks, which would then be skipped.
TEST_F(ResultsFileTest, TasksAreNoResults) {
  const std::string text = "{\"id\":1,\"runtime\":\"python\",\"source\":\"status\"}\n";
  write(text);
  const auto file = open(Existing::kResume);
  ASSERT_FALSE(file.has_value());
  EXPECT_THAT(file.error().message, HasSubstr("it has no status"));
  EXPECT_EQ(content(), text);
}

TEST_F(ResultsFileTest, ASecondWriterIsRefusedAndTheFirstOnesLinesStay) {
  auto first = open(Existing::kRefuse);
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(first->append("{\"id\":1}\n").has_value());
  for (const Existing existing : {Existing::kReplace, Existing::kResume}) {
    const auto second = open(existing);
    ASSERT_FALSE(second.has_value());
    EXPECT_THAT(second.error().message, HasSubstr("another batch"));
  }
  EXPECT_EQ(content(), "{\"id\":1}\n");
}

TEST_F(ResultsFileTest, AFullDeviceIsAnError) {
  path_ = "/dev/full";
  auto file = open(Existing::kRefuse);
  ASSERT_TRUE(file.has_value()) << file.error().to_string();
  const auto written = file->append("{\"id\":1}\n");
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().errno_value, ENOSPC);
}

TEST_F(ResultsFileTest, ADeviceCantBeResumed) {
  path_ = "/dev/null";
  EXPECT_FALSE(open(Existing::kResume).has_value());
}

TEST_F(ResultsFileTest, AMissingDirectoryIsAnError) {
  path_ = root_ + "/none/results.jsonl";
  const auto file = open(Existing::kRefuse);
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().errno_value, ENOENT);
}

// A write that stops in the middle, as on a disk that fills up: in a child, whose limit it is.
TEST_F(ResultsFileTest, AWriteThatStopsInTheMiddleLeavesWholeLinesOnly) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit limit{.rlim_cur = 100, .rlim_max = 100};
    (void)::signal(SIGXFSZ, SIG_IGN);
    (void)::setrlimit(RLIMIT_FSIZE, &limit);
    auto file = open(Existing::kRefuse);
    const std::string line = "{\"id\":1,\"stdout\":\"" + std::string(40, 'x') + "\"}\n";
    const bool first = file && file->append(line);
    const auto second = first ? file->append(line) : Result<void>{};
    ::_exit(first && !second && second.error().errno_value == EFBIG ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(content(), "{\"id\":1,\"stdout\":\"" + std::string(40, 'x') + "\"}\n");
}

TEST_F(ResultSinkTest, WritesAsTheyCome) {
  auto file = open(Existing::kRefuse);
  ASSERT_TRUE(file.has_value());
  ResultSink sink(*file, Order::kCompletion);
  ASSERT_TRUE(sink.put(2, "c\n").has_value());
  ASSERT_TRUE(sink.put(0, "a\n").has_value());
  EXPECT_EQ(content(), "c\na\n");
}

TEST_F(ResultSinkTest, InOrderALaterOneWaits) {
  auto file = open(Existing::kRefuse);
  ASSERT_TRUE(file.has_value());
  ResultSink sink(*file, Order::kInput);
  const auto held = sink.put(1, "bb\n");
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(held->next, 0U);
  EXPECT_EQ(held->held_bytes, 3U);
  EXPECT_EQ(content(), "");
  const auto freed = sink.put(0, "a\n");
  ASSERT_TRUE(freed.has_value());
  EXPECT_EQ(freed->next, 2U);
  EXPECT_EQ(freed->held_bytes, 0U);
  EXPECT_EQ(content(), "a\nbb\n");
}

TEST_F(ResultSinkTest, AtTheEndWhatWaitsIsWrittenInOrder) {
  auto file = open(Existing::kRefuse);
  ASSERT_TRUE(file.has_value());
  ResultSink sink(*file, Order::kInput);
  ASSERT_TRUE(sink.put(5, "f\n").has_value());
  ASSERT_TRUE(sink.put(3, "d\n").has_value());
  ASSERT_TRUE(sink.finish().has_value());
  EXPECT_EQ(content(), "d\nf\n");
}

TEST_F(ResultSinkTest, AfterAnErrorNothingMoreIsWritten) {
  path_ = "/dev/full";
  auto file = open(Existing::kRefuse);
  ASSERT_TRUE(file.has_value());
  ResultSink sink(*file, Order::kCompletion);
  EXPECT_FALSE(sink.put(0, "a\n").has_value());
  const auto again = sink.put(1, "b\n");
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().errno_value, ENOSPC);
  EXPECT_FALSE(sink.finish().has_value());
}

TEST_F(ResultSinkTest, ShutItDropsWhatComesLater) {
  auto file = open(Existing::kRefuse);
  ASSERT_TRUE(file.has_value());
  ResultSink sink(*file, Order::kCompletion);
  ASSERT_TRUE(sink.put(0, "a\n").has_value());
  ASSERT_TRUE(sink.shut().has_value());
  EXPECT_FALSE(sink.put(1, "b\n").has_value());
  EXPECT_EQ(content(), "a\n");
}

}  // namespace
}  // namespace sandpit::batch
