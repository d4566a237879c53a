#include "service/out_directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "support/temp_tree.h"

namespace sandpit {
namespace {

using ::testing::HasSubstr;

bool is(const UniqueFd& fd, const std::string& path) {
  struct stat opened{};
  struct stat named{};
  return ::fstat(fd.get(), &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

TEST(OutDirectory, IsOpenedWhereItIs) {
  const TempTree tree;
  const std::string path = tree.directory("there");
  for (const char* end : {"", "/", "//", "/.", "/../there"}) {
    const auto opened = open_out_directory(path + end);
    ASSERT_TRUE(opened) << end << opened.error().to_string();
    EXPECT_TRUE(is(*opened, path)) << end;
  }
}

TEST(OutDirectory, IsMadeWhenItIsMissing) {
  const TempTree tree;
  for (const char* name : {"new", "newer/"}) {
    const auto opened = open_out_directory(tree.path(name));
    ASSERT_TRUE(opened) << opened.error().to_string();
    EXPECT_TRUE(is(*opened, tree.path(name)));
  }
}

TEST(OutDirectory, MakesNoDirectoriesAboveIt) {
  const TempTree tree;
  const auto opened = open_out_directory(tree.path("missing/new"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().errno_value, ENOENT);
  EXPECT_FALSE(std::filesystem::exists(tree.path("missing")));
}

TEST(OutDirectory, IsRefusedWhenItIsALinkAndTheHintNamesTheRealOne) {
  const TempTree tree;
  const std::string real = tree.directory("real");
  const auto opened = open_out_directory(tree.link("link", real));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kRefused);
  EXPECT_THAT(opened.error().to_string(), HasSubstr("--out " + real));
}

TEST(OutDirectory, IsRefusedBelowALink) {
  const TempTree tree;
  tree.directory("real/old");
  tree.link("link", "real");
  EXPECT_FALSE(open_out_directory(tree.path("link/old")));
  EXPECT_FALSE(open_out_directory(tree.path("link/new")));
  EXPECT_FALSE(std::filesystem::exists(tree.path("real/new")));
}

TEST(OutDirectory, IsRefusedWhereALinkLeadsNowhere) {
  const TempTree tree;
  EXPECT_FALSE(open_out_directory(tree.link("link", tree.path("missing"))));
  EXPECT_FALSE(std::filesystem::exists(tree.path("missing")));
}

TEST(OutDirectory, IsRefusedBelowAMagicLink) {
  const TempTree tree;
  const UniqueFd fd(::open(tree.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  EXPECT_FALSE(open_out_directory("/proc/self/fd/" + std::to_string(fd.get())));
}

TEST(OutDirectory, IsRefusedWhenItIsAFile) {
  const TempTree tree;
  const auto opened = open_out_directory(tree.file("file", "x"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().errno_value, ENOTDIR);
}

// As on hosts whose /home is elsewhere: such a link is the administrator's.
TEST(OutDirectory, FollowsALinkThatLiesInTheRoot) {
  std::error_code error;
  if (!std::filesystem::is_symlink("/bin", error)) GTEST_SKIP() << "needs a link in / (/bin)";
  const auto opened = open_out_directory("/bin/.");
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_TRUE(is(*opened, "/usr/bin"));
}

}  // namespace
}  // namespace sandpit
