#include "cli/learn_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/help_formatter.h"
#include "cli/shared_options.h"
#include "cli/values.h"
#include "config/builtin.h"
#include "config/suggest.h"
#include "learn/rules.h"
#include "sandpit/error.h"
#include "sandpit/request.h"

namespace sandpit::cli {
namespace {

constexpr const char* kUsage = "sandpit learn [options] FILE [--] [ARGS...]";
constexpr std::uint32_t kLeastRuns = 4;
constexpr std::uint32_t kMostRuns = 1000;

struct RawLearn {
  std::string output, name, allow, runs, runtime, entry, lint, profile, stdin_file;
  std::vector<std::string> file;
  bool force = false, command = false, quiet = false;
};

void build(CLI::App& app, RawLearn& raw) {
  constexpr const char* kGroup = "Options";
  app.prefix_command();
  app.description("Find the smallest profile that lets a program pass, by running it many times.");
  app.formatter(std::make_shared<HelpFormatter>(kUsage));
  const auto text = [&](const char* name, std::string& value, const char* type, const char* help) {
    add_text(app, name, value, type, help, kGroup);
  };
  text("-o,--output", raw.output, "FILE.toml", "write the profile there, not to standard output");
  add_flag(app, "--force", raw.force, "replace that file if it exists", kGroup);
  text("--name", raw.name, "NAME", "of the profile (default: the program's)");
  text("--allow", raw.allow, "WHAT,...",
       "grant more than limits and reading below the current directory: read, write, net, "
       "syscalls; or none, less");
  text("--runs", raw.runs, "N", "run the program so many times at most (default: 40)");
  text("--runtime", raw.runtime, "NAME[@VERSION]",
       "the language, when extension and #! line don't tell");
  text("--entry", raw.entry, "FILE", "the main file, when FILE is a directory of sources");
  add_list(app, "--file", raw.file, "PATH[:NAME]",
           "one more source or data file beside the program (repeatable)", kGroup);
  add_flag(app, "--exec", raw.command, "FILE is a command of this host, as for sandpit exec",
           kGroup);
  text("--lint", raw.lint, "LEVEL", "off, warn or deny what lint finds");
  text("--profile", raw.profile, "NAME", "the profile to add to (default: the usual one)");
  text("--stdin", raw.stdin_file, "FILE", "standard input of each run (default: empty)");
  add_flag(app, "-q,--quiet", raw.quiet, "say nothing of how it went", kGroup);
  app.footer(
      "\nThe program runs with what it was granted so far. The profile is to be reviewed before it "
      "is used. See docs/learn.md.");
}

bool is_plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
}

// The file's name without its extension, as far as it can be the name of a profile.
std::string name_for(std::string_view program) {
  while (program.size() > 1 && program.ends_with('/')) program.remove_suffix(1);
  std::string name(program.substr(program.rfind('/') + 1));
  if (const std::size_t dot = name.find('.', 1); dot != std::string::npos) name.resize(dot);
  std::ranges::replace_if(name, [](char c) { return !is_plain(c); }, '-');
  name.erase(0, std::min(name.find_first_not_of("-_"), name.size()));
  const auto built_in = config::builtin_profile_names();
  const bool taken = std::ranges::find(built_in, name) != built_in.end();
  return name.empty() || taken ? "learned" + (taken ? "-" + name : name) : name;
}

Result<void> check_name(const std::string& name) {
  const auto built_in = config::builtin_profile_names();
  if (std::ranges::find(built_in, name) != built_in.end()) {
    return fail(usage_error(fmt::format("--name: {} is a built-in profile", name), {}));
  }
  if (std::ranges::all_of(name, is_plain) && name.front() != '-' && name.front() != '_') return {};
  return fail(usage_error(fmt::format("--name: \"{}\" can't be a profile's name", name),
                          "letters, digits, - and _, a letter or digit first"));
}

Result<void> set_words(std::vector<std::string> words, const CLI::App& app,
                       LearnArguments& parsed) {
  const bool marked = !words.empty() && words.front() == "--";
  if (marked) words.erase(words.begin());
  if (words.empty() || words.front().empty()) {
    return fail(usage_error("no program to learn from", kUsage));
  }
  parsed.program = words.front();
  if (!marked && parsed.program.front() == '-') {
    const std::string name = parsed.program.substr(0, parsed.program.find('='));
    const std::vector<std::string> names = long_names(app);
    const std::vector<std::string_view> known(names.begin(), names.end());
    return fail(usage_error(fmt::format("unknown option {}", name), suggestion(name, known)));
  }
  if (parsed.is_command) {
    parsed.request.source = HostCommand{.argv = std::move(words)};
    return {};
  }
  parsed.request.source = SourceFile{.path = parsed.program};
  words.erase(words.begin());
  if (!marked && !words.empty() && words.front() == "--") words.erase(words.begin());
  parsed.request.args = std::move(words);
  return {};
}

Result<LearnArguments> to_arguments(const RawLearn& raw, const CLI::App& app) {
  LearnArguments parsed;
  Values values;
  std::optional<unsigned> runs;
  values.set(runs, "--runs", raw.runs,
             [](const std::string& text) { return parse_count(text, kLeastRuns); });
  values.set(parsed.request.lint, "--lint", raw.lint, parse_lint);
  values.each("--file", raw.file, parse_extra_file,
              [&](ExtraFile file) { parsed.request.files.push_back(std::move(file)); });
  if (!raw.allow.empty()) {
    if (auto set = learn::set_allowed(raw.allow, parsed.rules); !set) {
      values.add("--allow", std::move(set).error());
    }
  }
  if (runs && *runs > kMostRuns) {
    values.add("--runs", usage_error(fmt::format("{} are too many", *runs),
                                     fmt::format("at most {}", kMostRuns)));
  }
  if (values.error()) return fail(*values.error());
  parsed.is_command = raw.command;
  SP_TRY_VOID(set_words(app.remaining(), app, parsed));
  parsed.name = raw.name.empty() ? name_for(parsed.program) : raw.name;
  SP_TRY_VOID(check_name(parsed.name));
  parsed.output = raw.output;
  parsed.force = raw.force;
  parsed.profile = raw.profile;
  parsed.most_runs = runs.value_or(parsed.most_runs);
  parsed.quiet = raw.quiet;
  parsed.request.runtime = raw.runtime;
  parsed.request.entry = raw.entry;
  parsed.request.input = StdinEmpty{};
  if (!raw.stdin_file.empty()) parsed.request.input = StdinFile{.path = raw.stdin_file};
  return parsed;
}

}  // namespace

Result<LearnArguments> parse_learn(std::span<const std::string> arguments,
                                   const std::string& current_directory) {
  RawLearn raw;
  CLI::App app("", "sandpit");
  build(app, raw);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    LearnArguments parsed;
    parsed.help = app.help();
    return parsed;
  } catch (const CLI::Error& error) {
    return fail(usage_error(error.what(), {}));
  }
  const std::size_t rest = std::min(app.remaining().size(), arguments.size());
  SP_TRY_VOID(check_empty_values(arguments.first(arguments.size() - rest), app));
  SP_TRY(LearnArguments parsed, to_arguments(raw, app));
  const bool nowhere = raw.allow == "none" || current_directory == "/";
  if (!nowhere) parsed.rules.here = current_directory;
  return parsed;
}

std::vector<std::string> learn_option_names() {
  RawLearn raw;
  CLI::App app("", "sandpit");
  build(app, raw);
  return long_names(app);
}

}  // namespace sandpit::cli
