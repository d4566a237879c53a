#include "cli/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

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

TEST(Values, ANetworkIsAModeOrAList) {
  EXPECT_EQ(parse_network({"none"})->mode, NetworkMode::kNone);
  EXPECT_EQ(parse_network({"host", "loopback"})->mode, NetworkMode::kLoopback);
  EXPECT_EQ(parse_network({})->mode, std::nullopt);
  const auto list = parse_network({"a:1,b", "host:*"});
  EXPECT_EQ(list->mode, NetworkMode::kAllow);
  EXPECT_EQ(list->hosts, (std::vector<std::string>{"a:1", "b:*", "host:*"}));
}

TEST(Values, AModeAndAListOfHostsContradict) {
  const std::vector<std::vector<std::string>> mixtures = {
      {"none", "a:1"}, {"a:1", "host"}, {"none,a:1"}, {"none,loopback"}};
  for (const auto& texts : mixtures) {
    const auto choice = parse_network(texts);
    ASSERT_FALSE(choice.has_value());
    EXPECT_EQ(choice.error().to_string(),
              "a mode and a list of hosts contradict each other (none, loopback or host; or a "
              "list: pypi.org:443,10.0.0.0/8:5432)");
  }
}

TEST(Values, AnEmptyHostAndTheWordAllowAreRefused) {
  for (const char* text : {",", "a:1,", ",a:1", "a:1,,b:2"}) {
    const auto choice = parse_network({text});
    ASSERT_FALSE(choice.has_value()) << text;
    EXPECT_EQ(choice.error().message, "\"\" is not a host name");
  }
  EXPECT_EQ(parse_network({"allow"}).error().to_string(),
            "\"allow\" is no mode here: the list itself is (--net HOST:PORT,…)");
  EXPECT_EQ(parse_network({"allow:*"})->hosts, std::vector<std::string>{"allow:*"});
}

TEST(Values, AVariableNeedsANameAndMayBeEmpty) {
  EXPECT_EQ(parse_env("A=b=c")->second, "b=c");
  EXPECT_EQ(parse_env("A=")->second, "");
  EXPECT_FALSE(parse_env("A").has_value());
  EXPECT_FALSE(parse_env("=b").has_value());
}

}  // namespace
}  // namespace sandpit::cli
