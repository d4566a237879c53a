#include "cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/documents.h"

namespace sandpit::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

ParsedOptions parse(Subcommand subcommand, const std::vector<std::string>& words) {
  return parse_options(subcommand, words, "/here");
}
ParsedOptions parse_run(const std::vector<std::string>& words) {
  return parse(Subcommand::kRun, words);
}
ParsedOptions parse_exec(const std::vector<std::string>& words) {
  return parse(Subcommand::kExec, words);
}

std::string file_of(const ParsedOptions& options) {
  return std::get<SourceFile>(options->request.source).path;
}

TEST(Options, EverythingAfterTheFileBelongsToTheProgram) {
  const auto options = parse_run({"--memory", "64", "a.py", "--memory", "x", "-v", "--", "b"});
  ASSERT_TRUE(options.has_value()) << options.error().error.to_string();
  EXPECT_EQ(file_of(options), "a.py");
  EXPECT_THAT(options->request.args, ElementsAre("--memory", "x", "-v", "--", "b"));
  EXPECT_EQ(options->request.limits.memory, ByteCount::mib(64));
  EXPECT_EQ(options->verbosity, Verbosity::kNormal);
}

TEST(Options, ADoubleDashAfterTheFileIsNotAnArgument) {
  EXPECT_THAT(parse_run({"a.py", "--", "--json", "--"})->request.args, ElementsAre("--json", "--"));
  EXPECT_THAT(parse_run({"a.py", "--"})->request.args, IsEmpty());
}

TEST(Options, ADoubleDashBeforeTheFileAllowsALeadingDash) {
  const auto options = parse_run({"--json", "--", "-odd.py", "--", "x"});
  EXPECT_EQ(file_of(options), "-odd.py");
  EXPECT_THAT(options->request.args, ElementsAre("--", "x"));
  EXPECT_EQ(options->action, Action::kJson);
}

TEST(Options, KeepsEveryByteOfNamesAndArguments) {
  const auto options = parse_run({"a \n\xFF.py", "", " ", "[x]", "{}"});
  EXPECT_EQ(file_of(options), "a \n\xFF.py");
  EXPECT_THAT(options->request.args, ElementsAre("", " ", "[x]", "{}"));
}

TEST(Options, ReadsEveryLimit) {
  const auto options = parse_run(
      {"--memory=1GiB", "--cpu-time=2", "--timeout", "1.5s", "--processes", "3", "--file-size", "1",
       "--disk", "2", "--open-files", "9", "--stack", "8MiB", "--output-limit", "64KiB", "a.py"});
  ASSERT_TRUE(options.has_value()) << options.error().error.to_string();
  const LimitOverrides& limits = options->request.limits;
  EXPECT_EQ(limits.memory, ByteCount::gib(1));
  EXPECT_EQ(limits.cpu_time, Milliseconds(2000));
  EXPECT_EQ(limits.wall_time, Milliseconds(1500));
  EXPECT_EQ(limits.processes, 3U);
  EXPECT_EQ(limits.file_size, ByteCount::mib(1));
  EXPECT_EQ(limits.disk, ByteCount::mib(2));
  EXPECT_EQ(limits.open_files, 9U);
  EXPECT_EQ(limits.stack, ByteCount::mib(8));
  EXPECT_EQ(limits.output, ByteCount::kib(64));
}

TEST(Options, KeepsTheOldNamesOfMemoryAndCpuTime) {
  const auto options = parse_run({"--memory-limit", "64", "--cpu-limit", "3", "a.py"});
  EXPECT_EQ(options->request.limits.memory, ByteCount::mib(64));
  EXPECT_EQ(options->request.limits.cpu_time, Milliseconds(3000));
}

TEST(Options, TheLastOfARepeatedOptionWins) {
  EXPECT_EQ(parse_run({"--memory", "1", "--memory", "2", "a.py"})->request.limits.memory,
            ByteCount::mib(2));
}

TEST(Options, GathersRepeatedGrantsAndVariables) {
  const auto options = parse_run(
      {"--read", "/a", "--read", "/b:/c", "--write", "out", "--env", "A=1", "--env", "B=", "a.py"});
  ASSERT_TRUE(options.has_value()) << options.error().error.to_string();
  ASSERT_EQ(options->request.paths.size(), 3U);
  EXPECT_EQ(options->request.paths[1].inside, "/c");
  EXPECT_EQ(options->request.paths[2].host, "/here/out");
  EXPECT_EQ(options->request.paths[2].access, Access::kReadWrite);
  EXPECT_EQ(options->request.env.at("A"), "1");
  EXPECT_EQ(options->request.env.at("B"), "");
}

TEST(Options, ReadsTheRest) {
  const auto options =
      parse_run({"--runtime", "python", "--config",    "c.toml",  "--profile", "strict", "--chdir",
                 "/tmp",      "--net",  "loopback",    "--stdin", "in",        "--out",  "o",
                 "--lint",    "deny",   "--json-file", "j",       "-q",        "a"});
  ASSERT_TRUE(options.has_value()) << options.error().error.to_string();
  EXPECT_EQ(options->request.runtime, "python");
  EXPECT_EQ(options->config, "c.toml");
  EXPECT_EQ(options->profile, "strict");
  EXPECT_EQ(options->request.chdir, "/tmp");
  EXPECT_EQ(options->request.network, NetworkMode::kLoopback);
  EXPECT_EQ(std::get<StdinFile>(options->request.input).path, "in");
  EXPECT_EQ(options->request.out_dir, "o");
  EXPECT_EQ(options->request.lint, LintLevel::kDeny);
  EXPECT_EQ(options->json_file, "j");
  EXPECT_EQ(options->verbosity, Verbosity::kQuiet);
}

TEST(Options, NetTakesAModeOrLists) {
  const auto mode = parse_run({"--net", "none", "--net", "loopback", "a.py"});
  EXPECT_EQ(mode->request.network, NetworkMode::kLoopback);
  EXPECT_THAT(mode->request.hosts, IsEmpty());
  const auto lists =
      parse_run({"--net", "PyPI.org:443,10.0.0.0/8:5432", "--net=[::1]:80", "--net", "db", "a.py"});
  ASSERT_TRUE(lists.has_value()) << lists.error().error.to_string();
  EXPECT_EQ(lists->request.network, NetworkMode::kAllow);
  EXPECT_THAT(lists->request.hosts,
              ElementsAre("pypi.org:443", "10.0.0.0/8:5432", "[::1]:80", "db:*"));
  EXPECT_EQ(parse_run({"a.py"})->request.network, std::nullopt);
  EXPECT_EQ(parse_exec({"--net", "db:1", "--", "ls"})->request.network, NetworkMode::kAllow);
}

TEST(Options, EveryBadHostIsToldWithItsOption) {
  const auto options = parse_run({"--net", "a:0,b:1,http://c", "--net", "d:x", "a.py"});
  ASSERT_FALSE(options.has_value());
  const Error& error = options.error().error;
  EXPECT_THAT(error.message, StartsWith("--net: \"a:0\": \"0\" is not a port"));
  ASSERT_EQ(error.others.size(), 2U);
  EXPECT_EQ(error.others[0].message, "--net: \"http://c\" is a URL");
  EXPECT_THAT(error.others[1].message, StartsWith("--net: \"d:x\": "));
}

TEST(Options, ATerminalIsGuardedUnlessItIsGivenAway) {
  EXPECT_EQ(parse_run({"a.py"})->terminal, TerminalOutput::kGuarded);
  EXPECT_EQ(parse_run({"--raw-terminal", "a.py"})->terminal, TerminalOutput::kRaw);
}

TEST(Options, StandardInputIsPassedThroughUnlessTheSourceComesFromIt) {
  EXPECT_EQ(std::get<StdinDescriptor>(parse_run({"a.py"})->request.input).fd, 0);
  const auto piped = parse_run({"--runtime", "python", "-", "arg"});
  EXPECT_TRUE(piped->source_from_stdin);
  EXPECT_TRUE(std::holds_alternative<StdinEmpty>(piped->request.input));
  EXPECT_THAT(piped->request.args, ElementsAre("arg"));
}

TEST(Options, ASourceFromStandardInputNeedsARuntime) {
  const auto options = parse_run({"-"});
  ASSERT_FALSE(options.has_value());
  EXPECT_THAT(options.error().error.message, HasSubstr("--runtime"));
}

TEST(Options, ExecTakesACommandWithOrWithoutADoubleDash) {
  const auto marked = parse_exec({"--timeout", "1", "--", "ls", "-l", "--", "x"});
  EXPECT_THAT(std::get<HostCommand>(marked->request.source).argv,
              ElementsAre("ls", "-l", "--", "x"));
  const auto plain = parse_exec({"ls", "--json"});
  EXPECT_THAT(std::get<HostCommand>(plain->request.source).argv, ElementsAre("ls", "--json"));
  EXPECT_EQ(plain->action, Action::kPassThrough);
}

TEST(Options, ExecHasNoLanguageOptions) {
  EXPECT_FALSE(parse_exec({"--runtime", "python", "--", "ls"}).has_value());
  EXPECT_FALSE(parse_exec({"--lint", "off", "--", "ls"}).has_value());
}

TEST(Options, InvokeNamesAFunctionAndTheArgumentsAreItsValues) {
  const auto options = parse_run({"--invoke", "add", "a.wat", "--", "-1", "2.5"});
  ASSERT_TRUE(options.has_value()) << options.error().error.to_string();
  EXPECT_EQ(options->request.invoke, "add");
  EXPECT_THAT(options->request.args, ElementsAre("-1", "2.5"));
  EXPECT_FALSE(parse_exec({"--invoke", "add", "--", "ls"}).has_value());
  EXPECT_FALSE(parse_run({"--invoke", "", "a.wat"}).has_value());
}

TEST(Options, ABadValueNamesItsOptionAndEveryOneIsReported) {
  const auto options = parse_run({"--memory", "lots", "--net", "lan:", "--json", "a.py"});
  ASSERT_FALSE(options.has_value());
  const Error& error = options.error().error;
  EXPECT_EQ(error.code, ErrorCode::kUsage);
  EXPECT_THAT(error.message, HasSubstr("--memory"));
  ASSERT_EQ(error.others.size(), 1U);
  EXPECT_THAT(error.others[0].to_string(),
              HasSubstr("--net: \"lan:\": \"\" is not a port from 1 to 65535, and not * "
                        "(HOST:PORT, 10.0.0.0/8:PORT, [::1]:PORT, or HOST:* for any port)"));
  EXPECT_TRUE(options.error().json);
}

TEST(Options, AnUnknownOptionSuggestsTheNearest) {
  const auto options = parse_run({"--memmory", "5", "a.py"});
  ASSERT_FALSE(options.has_value());
  EXPECT_THAT(options.error().error.to_string(), HasSubstr("--memory"));
  EXPECT_THAT(options.error().error.to_string(), HasSubstr("unknown option --memmory"));
}

TEST(Options, TheProgramsOwnJsonOptionIsNotOurs) {
  const auto options = parse_run({"--bogus", "a.py", "--json"});
  ASSERT_FALSE(options.has_value());
  EXPECT_FALSE(options.error().json);
}

TEST(Options, AnOptionWithoutItsValueIsRefused) {
  EXPECT_FALSE(parse_run({"--memory"}).has_value());
  EXPECT_FALSE(parse_run({"--memory=", "a.py", "b.py"}).has_value());
  EXPECT_FALSE(parse_run({"--memory", "", "a.py"}).has_value());
}

TEST(Options, NothingToRunIsRefused) {
  EXPECT_FALSE(parse_run({}).has_value());
  EXPECT_FALSE(parse_run({"--json", "--"}).has_value());
  EXPECT_FALSE(parse_run({""}).has_value());
  EXPECT_FALSE(parse_exec({"--"}).has_value());
}

TEST(Options, ContradictionsAreRefused) {
  EXPECT_FALSE(parse_run({"--quiet", "--verbose", "a.py"}).has_value());
  EXPECT_FALSE(parse_run({"--explain", "--json", "a.py"}).has_value());
  EXPECT_FALSE(parse_run({"--chdir", "work", "a.py"}).has_value());
}

TEST(Options, HelpNamesEveryOption) {
  for (const Subcommand subcommand : {Subcommand::kRun, Subcommand::kExec}) {
    const auto options = parse(subcommand, {"--help"});
    ASSERT_TRUE(options.has_value());
    EXPECT_EQ(options->action, Action::kHelp);
    for (const std::string& name : option_names(subcommand))
      EXPECT_THAT(options->help, HasSubstr(name));
  }
}

TEST(Documents, TheManPageAndTheCompletionsKnowEveryOption) {
  test::expect_documented(option_names(Subcommand::kRun));
}

}  // namespace
}  // namespace sandpit::cli
