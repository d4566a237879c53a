#include "cli/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sandpit::cli {
namespace {

using testing::HasSubstr;

TEST(Values, APlainSizeIsInMebibytesAndUnitsSayOtherwise) {
  EXPECT_EQ(parse_size("64")->count(), 64U << 20U);
  EXPECT_EQ(parse_size("0.5")->count(), 512U << 10U);
  EXPECT_EQ(parse_size("256MiB")->count(), 256U << 20U);
  EXPECT_EQ(parse_size("512 KiB")->count(), 512U << 10U);
  EXPECT_EQ(parse_size("4096B")->count(), 4096U);
}

TEST(Values, RefusesSizesThatMeanNothing) {
  for (const char* text :
       {"", "lots", "-5", "5 MiBs", "1e3", "0", "nan", "inf", "1.2.3", "99999999999999999999GiB"}) {
    const auto size = parse_size(text);
    ASSERT_FALSE(size.has_value()) << text;
    EXPECT_EQ(size.error().code, ErrorCode::kUsage);
    EXPECT_THAT(size.error().hint, HasSubstr("64MiB")) << text;
  }
}

TEST(Values, APlainTimeIsInSeconds) {
  EXPECT_EQ(*parse_time("2"), Milliseconds(2000));
  EXPECT_EQ(*parse_time("1.5"), Milliseconds(1500));
  EXPECT_EQ(*parse_time("250ms"), Milliseconds(250));
  EXPECT_EQ(*parse_time("2m"), Milliseconds(120000));
}

TEST(Values, RefusesTimesThatMeanNothing) {
  for (const char* text : {"", "soon", "-1", "0", "1 fortnight", "1e9", "999999999h"}) {
    EXPECT_FALSE(parse_time(text).has_value()) << text;
  }
}

TEST(Values, CountsAreWholeNumbersInRange) {
  EXPECT_EQ(*parse_count("10", 1), 10U);
  for (const char* text : {"", "0", "-1", "1.5", "ten", "4294967296", "10x"}) {
    EXPECT_FALSE(parse_count(text, 1).has_value()) << text;
  }
}

TEST(Values, AGrantAppearsUnderItsOwnNameUnlessAnotherIsGiven) {
  const auto same = parse_grant("/data/", Access::kRead, "/home/me");
  EXPECT_EQ(same->host, "/data");
  EXPECT_EQ(same->inside, "/data");
  const auto other = parse_grant("/data:/in", Access::kReadWrite, "/home/me");
  EXPECT_EQ(other->host, "/data");
  EXPECT_EQ(other->inside, "/in");
  EXPECT_EQ(other->access, Access::kReadWrite);
}

TEST(Values, ARelativeGrantStartsInTheCurrentDirectory) {
  const auto grant = parse_grant("./notes//a", Access::kRead, "/home/me");
  EXPECT_EQ(grant->host, "/home/me/notes/a");
  EXPECT_EQ(grant->inside, "/home/me/notes/a");
}

TEST(Values, AnEscapedColonBelongsToTheName) {
  const auto grant = parse_grant(R"(/a\:b\\c:/in\:side)", Access::kRead, "/");
  EXPECT_EQ(grant->host, R"(/a:b\c)");
  EXPECT_EQ(grant->inside, "/in:side");
}

TEST(Values, RefusesGrantsWithoutAPathOrWithARelativeInside) {
  for (const char* text : {"", ":/in", "/data:", "/data:in"}) {
    EXPECT_FALSE(parse_grant(text, Access::kRead, "/").has_value()) << text;
  }
}

TEST(Values, AVariableNeedsANameAndMayBeEmpty) {
  EXPECT_EQ(parse_env("A=b=c")->second, "b=c");
  EXPECT_EQ(parse_env("A=")->second, "");
  EXPECT_FALSE(parse_env("A").has_value());
  EXPECT_FALSE(parse_env("=b").has_value());
}

}  // namespace
}  // namespace sandpit::cli
