#include "cli/descriptors.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <thread>

#include "base/write_all.h"
#include "support/temp_tree.h"

namespace sandpit::cli {
namespace {

TEST(CreateFile, NeverOverwritesAFileThatItWasToMake) {
  const TempTree tree;
  ASSERT_TRUE(create_file(tree.path("a"), "mine").has_value());
  const auto again = create_file(tree.path("a"), "theirs");
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().errno_value, EEXIST);
  EXPECT_EQ(tree.content("a"), "mine");
}

TEST(WriteAll, WaitsForANonBlockingPipe) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const std::string bytes(300000, 'x');
  int error = -1;
  std::thread thread([&] {
    error = write_all(writer.get(), bytes);
    writer.reset();
  });
  const auto got = read_all(reader.get(), 1 << 20U);
  thread.join();
  EXPECT_EQ(error, 0);
  EXPECT_EQ(got->size(), bytes.size());
}

TEST(WriteAll, TellsThatTheReaderIsGone) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  reader.reset();
  struct sigaction before{};
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &before);
  EXPECT_EQ(write_all(writer.get(), "x"), EPIPE);
  ::sigaction(SIGPIPE, &before, nullptr);
}

TEST(ReadAll, RefusesMoreThanItsLimit) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  ASSERT_EQ(write_all(writer.get(), "12345"), 0);
  writer.reset();
  const auto got = read_all(reader.get(), 4);
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, ErrorCode::kUsage);
}

// Closing descriptors would pull the rug from under the test program itself: each of these runs in
// a child.
TEST(StandardDescriptors, AreFilledSoThatNoFileTakesTheirPlace) {
  EXPECT_EXIT(
      {
        ::close(0);
        ::close(1);
        const bool filled = fill_standard_descriptors().has_value();
        const int next = ::open("/dev/null", O_RDONLY);
        const bool write_fails = ::write(1, "x", 1) < 0 && errno == EBADF;
        ::_exit(filled && next > 2 && write_fails ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(Interrupts, ArriveAtTheDescriptorInsteadOfEndingTheProcess) {
  EXPECT_EXIT(
      {
        const auto descriptor = interrupt_descriptor();
        const bool none = descriptor && read_interrupt(descriptor->get()) == 0;
        ::kill(::getpid(), SIGTERM);
        ::_exit(none && read_interrupt(descriptor->get()) == SIGTERM ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(Interrupts, AnIgnoredSignalStaysIgnored) {
  EXPECT_EXIT(
      {
        ::signal(SIGHUP, SIG_IGN);
        const auto descriptor = interrupt_descriptor();
        ::kill(::getpid(), SIGHUP);
        ::_exit(descriptor && read_interrupt(descriptor->get()) == 0 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace sandpit::cli
