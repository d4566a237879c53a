#include "supervisor/file_trace.h"

#include <gtest/gtest.h>

namespace sandpit {
namespace {

TEST(NormalPath, LeavesOutWhatLeadsNowhere) {
  EXPECT_EQ(normal_path("/a//b/./c/"), "/a/b/c");
  EXPECT_EQ(normal_path("/a/b/../c"), "/a/c");
  EXPECT_EQ(normal_path("/../../.."), "/");
  EXPECT_EQ(normal_path("/"), "/");
  EXPECT_EQ(normal_path("relative"), "");
  EXPECT_EQ(normal_path(""), "");
}

}  // namespace
}  // namespace sandpit
