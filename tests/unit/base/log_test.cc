#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/unique_fd.h"

namespace sandpit {
namespace {

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    reader_ = UniqueFd(ends[0]);
    writer_ = UniqueFd(ends[1]);
  }
  std::string written() {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(reader_.get(), buffer.data(), buffer.size());
    return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : std::string();
  }
  UniqueFd reader_;
  UniqueFd writer_;
};

TEST_F(LogTest, PutsThePrefixBeforeEachMessageAndNoColourIntoAPipe) {
  Log log(writer_.get());
  log.warning("careful");
  log.error("broken");
  EXPECT_EQ(written(), "sandpit: careful\nsandpit: broken\n");
}

TEST_F(LogTest, LeavesOutWhatIsBelowItsLevel) {
  Log log(writer_.get(), LogLevel::kError);
  log.info("detail");
  log.warning("careful");
  EXPECT_EQ(written(), "");
  log.set_level(LogLevel::kInfo);
  log.info("detail");
  EXPECT_EQ(written(), "sandpit: detail\n");
}

TEST_F(LogTest, NeverPrintsControlCharacters) {
  Log log(writer_.get());
  log.error("no such file: \x1B]0;owned\x07\n");
  EXPECT_EQ(written(), "sandpit: no such file: \\x1b]0;owned\\x07\\n\n");
}

TEST_F(LogTest, GivesEachProblemOfAnErrorItsOwnLine) {
  Log log(writer_.get());
  Error error{
      .code = ErrorCode::kUsage, .message = "first", .where = "a.toml:1:2", .hint = "mend it"};
  error.others.push_back(
      Error{.code = ErrorCode::kUsage, .message = "second", .where = {}, .hint = {}});
  log.error(error);
  EXPECT_EQ(written(), "sandpit: a.toml:1:2: first (mend it)\nsandpit: second\n");
}

TEST(Colour, IsNeverUsedForSomethingThatIsNoTerminal) {
  const UniqueFd file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(colour_for(file.get()), Colour::kNever);
}

TEST(Colour, IsUsedOnATerminalUnlessNoColorIsSet) {
  const UniqueFd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.valid()) GTEST_SKIP() << "needs /dev/ptmx";
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "xterm", 1);
  EXPECT_EQ(colour_for(terminal.get()), Colour::kAlways);
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_EQ(colour_for(terminal.get()), Colour::kNever);
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "dumb", 1);
  EXPECT_EQ(colour_for(terminal.get()), Colour::kNever);
}

}  // namespace
}  // namespace sandpit
