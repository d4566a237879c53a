#include "cli/learn_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "sandpit/request.h"
#include "support/documents.h"

namespace sandpit::cli {
namespace {

using ::testing::HasSubstr;

Result<LearnArguments> parse(const std::vector<std::string>& words, const char* here = "/here") {
  return parse_learn(words, here);
}

TEST(LearnOptions, GrantLittleUnasked) {
  const auto parsed = parse({"a/my prog.py", "-x", "--", "y"});
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->name, "my-prog");
  EXPECT_EQ(parsed->rules.here, "/here");
  EXPECT_TRUE(parsed->rules.unasked);
  EXPECT_FALSE(parsed->rules.read || parsed->rules.write || parsed->rules.net ||
               parsed->rules.syscalls);
  EXPECT_EQ(parsed->request.args, (std::vector<std::string>{"-x", "--", "y"}));
  EXPECT_TRUE(std::holds_alternative<StdinEmpty>(parsed->request.input));
  EXPECT_TRUE(parse({"p.py"}, "/")->rules.here.empty()) << "all of this host is no project";
  EXPECT_TRUE(parse({"--allow", "none", "p.py"})->rules.here.empty());
  const auto more = parse({"--allow", "net,write", "--exec", "--", "cat", "f"});
  ASSERT_TRUE(more.has_value());
  EXPECT_TRUE(more->rules.net && more->rules.write && !more->rules.read);
  EXPECT_TRUE(std::holds_alternative<HostCommand>(more->request.source));
}

TEST(LearnOptions, NameAProfileThatNobodyHas) {
  EXPECT_EQ(parse({"strict.py"})->name, "learned-strict");
  EXPECT_EQ(parse({"--", "-.py"})->name, "learned");
  EXPECT_FALSE(parse({"--name", "production", "p.py"}).has_value());
  EXPECT_FALSE(parse({"--name", "a]b", "p.py"}).has_value());
}

TEST(LearnOptions, HelpPageAndCompletionsKnowEveryOption) {
  const auto help = parse({"--help"});
  ASSERT_TRUE(help.has_value());
  ASSERT_GT(learn_option_names().size(), 10U);
  for (const std::string& name : learn_option_names()) EXPECT_THAT(help->help, HasSubstr(name));
  test::expect_documented(learn_option_names());
}

}  // namespace
}  // namespace sandpit::cli
