#include "sys/host_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "support/temp_tree.h"

namespace sandpit::sys {
namespace {

TEST(HostFile, FollowsLinksToWhereTheyLead) {
  const TempTree tree;
  const std::string root = std::filesystem::canonical(tree.path()).string();
  std::filesystem::create_directories(root + "/a/b");
  std::filesystem::create_symlink("a/b", root + "/relative");
  std::filesystem::create_symlink(root + "/a", root + "/absolute");
  std::filesystem::create_symlink("loop", root + "/loop");
  std::filesystem::create_symlink("nowhere", root + "/dangling");
  const auto found = [&](const std::string& name) {
    const auto file = find_host_file(root + name);
    return file ? file->path : std::string("none");
  };
  EXPECT_EQ(found("/a/b"), root + "/a/b");
  EXPECT_EQ(found("//a/./b/"), root + "/a/b");
  EXPECT_EQ(found("/relative"), root + "/a/b");
  EXPECT_EQ(found("/absolute/b"), root + "/a/b");
  EXPECT_EQ(found("/a/b/.."), root + "/a");
  EXPECT_EQ(found("/relative/.."), root + "/a");
  EXPECT_EQ(found("/loop"), "none");
  EXPECT_EQ(found("/dangling"), "none");
  EXPECT_EQ(found("/a/c"), "none");
}

TEST(HostFile, TellsWhatItIs) {
  ASSERT_TRUE(find_host_file("/").has_value());
  EXPECT_EQ(find_host_file("/")->path, "/");
  EXPECT_TRUE(S_ISDIR(find_host_file("/")->mode));
  EXPECT_TRUE(S_ISCHR(find_host_file("/dev/null")->mode));
  EXPECT_EQ(find_host_file("/../..")->path, "/");
  EXPECT_FALSE(find_host_file("relative").has_value());
  EXPECT_FALSE(find_host_file("").has_value());
}

}  // namespace
}  // namespace sandpit::sys
