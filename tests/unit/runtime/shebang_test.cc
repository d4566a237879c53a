#include "runtime/shebang.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sandpit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Shebang, TakesTheLastPartOfThePath) {
  const auto shebang = parse_shebang("#!/usr/bin/python3\nprint(1)\n");
  ASSERT_TRUE(shebang);
  EXPECT_EQ(shebang->name, "python3");
  EXPECT_EQ(shebang->path, "/usr/bin/python3");
  EXPECT_THAT(shebang->arguments, IsEmpty());
}

TEST(Shebang, SeesThroughEnv) {
  EXPECT_EQ(parse_shebang("#!/usr/bin/env node\n")->name, "node");
  EXPECT_EQ(parse_shebang("#! /usr/bin/env  -i A=1 ruby\n")->name, "ruby");
}

TEST(Shebang, SplitsTheWordsOfEnvDashS) {
  const auto shebang = parse_shebang("#!/usr/bin/env -S python3 -u -X dev\n");
  ASSERT_TRUE(shebang);
  EXPECT_EQ(shebang->name, "python3");
  EXPECT_THAT(shebang->arguments, ElementsAre("-u", "-X", "dev"));
  EXPECT_EQ(parse_shebang("#!/usr/bin/env -Snode --x\n")->name, "node");
}

TEST(Shebang, PassesTheRestOfTheLineAsOneArgumentAsTheKernelDoes) {
  EXPECT_THAT(parse_shebang("#!/bin/sh -e -u \r\n")->arguments, ElementsAre("-e -u"));
}

TEST(Shebang, IsEmptyWhenThereIsNone) {
  EXPECT_FALSE(parse_shebang(""));
  EXPECT_FALSE(parse_shebang("print(1)"));
  EXPECT_FALSE(parse_shebang("#!\n"));
  EXPECT_FALSE(parse_shebang("#!   \nx"));
  EXPECT_FALSE(parse_shebang("#!/usr/bin/env -S\n"));
}

TEST(Shebang, NamesCompareWithoutTheirVersion) {
  EXPECT_EQ(without_version("python3.11"), "python");
  EXPECT_EQ(without_version("node"), "node");
  EXPECT_EQ(without_version("42"), "42");
}

}  // namespace
}  // namespace sandpit
