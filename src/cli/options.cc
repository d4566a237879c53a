#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <expected>
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
#include "cli/terminal_filter.h"
#include "cli/values.h"
#include "config/suggest.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "service/extra_files.h"

namespace sandpit::cli {
namespace {

// The options as text, before their values are looked at.
struct RawOptions {
  std::string runtime, entry, invoke, config, profile;
  RawLimits limits;
  RawAccess access;
  std::string chdir, stdin_file, out, json_file;
  std::vector<std::string> file;
  bool json = false, explain = false, trace = false, quiet = false, verbose = false;
  bool raw_terminal = false;
};

// CLI11's App with our way of adding options: text first, the last one wins.
class Options {
 public:
  Options(Subcommand subcommand, RawOptions& raw) : raw_(raw), app_("", "sandpit") {
    app_.prefix_command();
    const bool run = subcommand == Subcommand::kRun;
    app_.description(run ? "Run a program from source code in the sandbox."
                         : "Run a command of this host in the sandbox.");
    app_.formatter(
        std::make_shared<HelpFormatter>(run ? "sandpit run [options] FILE [--] [ARGS...]"
                                            : "sandpit exec [options] -- COMMAND [ARGS...]"));
    add_source_options(run);
    add_limit_options(app_, raw_.limits, run ? CompileLimits::kTaken : CompileLimits::kNone);
    add_access();
    add_output();
    app_.footer(
        "\nOptions end at the first word that is not one; what follows it belongs to the program.\n"
        "Sizes: 64 (MiB), 512KiB, 1.5GiB. Times: 2 (seconds), 250ms, 1m. See sandpit(1).");
  }
  CLI::App& app() { return app_; }

 private:
  void text(const char* name, std::string& value, const char* type, const char* help,
            const char* group) {
    add_text(app_, name, value, type, help, group);
  }
  void flag(const char* name, bool& value, const char* help) { add_flag(app_, name, value, help); }

  void add_source_options(bool run) {
    constexpr const char* kGroup = "Options";
    if (run) {
      text("--runtime", raw_.runtime, "NAME[@VERSION]",
           "the language, when extension and #! line don't tell", kGroup);
      text("--entry", raw_.entry, "FILE", "the main file, when FILE is a directory of sources",
           kGroup);
      add_list(app_, "--file", raw_.file, "PATH[:NAME]",
               "one more source or data file beside the program (repeatable)", kGroup);
      text("--invoke", raw_.invoke, "NAME",
           "call this function of a WebAssembly file; ARGS are its values", kGroup);
      text("--lint", raw_.access.lint, "LEVEL", "off, warn or deny what lint finds", kGroup);
    }
    text("--config", raw_.config, "PATH",
         "use this configuration file, in the project file's place", kGroup);
    text("--profile", raw_.profile, "NAME",
         "development, production, strict or one of the configuration's", kGroup);
  }
  void add_access() {
    text("--chdir", raw_.chdir, "DIR", "start in this directory, inside", kAccessGroup);
    add_access_options(app_, raw_.access);
    text("--stdin", raw_.stdin_file, "FILE", "read standard input from this file", kAccessGroup);
    text("--out", raw_.out, "DIR", "copy what the program made to this directory", kAccessGroup);
  }
  void add_output() {
    flag("--json", raw_.json, "print the outcome as JSON, the program's output inside it");
    text("--json-file", raw_.json_file, "PATH", "write the outcome there, pass the output through",
         kOutputGroup);
    flag("--raw-terminal", raw_.raw_terminal,
         "let the program control the terminal: title, clipboard, modes, answers");
    flag("--trace", raw_.trace, "list file accesses that failed, too, and what allows them");
    flag("--explain", raw_.explain, "print the plan of the run as JSON and stop");
    flag("-q,--quiet", raw_.quiet, "no warnings");
    flag("-v,--verbose", raw_.verbose, "say how the run went");
  }

  RawOptions& raw_;
  CLI::App app_;
};

void set_rest(const RawOptions& raw, Request& request, Values& values) {
  values.each("--file", raw.file, parse_extra_file,
              [&](ExtraFile file) { request.files.push_back(std::move(file)); });
  if (!raw.chdir.empty() && raw.chdir.front() != '/') {
    values.add("--chdir", usage_error(fmt::format("\"{}\" is not an absolute path", raw.chdir),
                                      "a directory inside the sandbox, such as /work"));
  }
  request.chdir = raw.chdir;
  request.out_dir = raw.out;
  request.trace = raw.trace;
  request.runtime = raw.runtime;
  request.entry = raw.entry;
  request.invoke = raw.invoke;
}

// The words after the options: FILE or COMMAND and its arguments.
struct Rest {
  std::string first;
  std::vector<std::string> arguments;
};

Error unknown_option(const std::string& word, const CLI::App& app, Subcommand subcommand) {
  const std::string name = word.substr(0, word.find('='));
  const std::vector<std::string> names = long_names(app);
  const std::vector<std::string_view> known(names.begin(), names.end());
  const std::string_view nearest = nearest_name(name, known);
  std::string hint =
      nearest.empty()
          ? fmt::format(R"(see sandpit {} --help; "--" before a name that begins with "-")",
                        subcommand == Subcommand::kRun ? "run" : "exec")
          : fmt::format("did you mean {}?", nearest);
  return usage_error(fmt::format("unknown option {}", name), std::move(hint));
}

Result<Rest> split_rest(std::vector<std::string> words, const CLI::App& app,
                        Subcommand subcommand) {
  const bool marked = !words.empty() && words.front() == "--";
  if (marked) words.erase(words.begin());
  if (words.empty()) {
    return fail(
        subcommand == Subcommand::kRun
            ? usage_error("no file to run", "sandpit run [options] FILE [ARGS...]")
            : usage_error("no command to run", "sandpit exec [options] -- COMMAND [ARGS...]"));
  }
  const std::string& first = words.front();
  if (!marked && first.size() > 1 && first.front() == '-')
    return fail(unknown_option(first, app, subcommand));
  if (first.empty()) return fail(usage_error("the name of what to run is empty", {}));
  auto arguments_begin = words.begin() + 1;
  // `run FILE -- ARGS`; after an earlier "--", and in exec, a second one is the program's own.
  if (!marked && subcommand == Subcommand::kRun && arguments_begin != words.end() &&
      *arguments_begin == "--") {
    ++arguments_begin;
  }
  return Rest{.first = first, .arguments = {arguments_begin, words.end()}};
}

// `run DIR --entry FILE`: without an entry point there is no program that these words could be for.
void take_entry_behind_directory(Request& request) {
  std::vector<std::string>& words = request.args;
  constexpr std::string_view kName = "--entry";
  if (!request.entry.empty() || words.empty() || !words.front().starts_with(kName)) return;
  const bool joined = words.front().starts_with("--entry=");
  if (!joined && (words.front() != kName || words.size() < 2)) return;
  if (!is_source_directory(request)) return;
  request.entry = joined ? words.front().substr(kName.size() + 1) : words[1];
  words.erase(words.begin(), words.begin() + (joined ? 1 : 2));
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
}

Result<void> set_source(Rest rest, const RawOptions& raw, Subcommand subcommand,
                        RunOptions& options) {
  Request& request = options.request;
  request.input = StdinDescriptor{.fd = 0};
  if (subcommand == Subcommand::kExec) {
    std::vector<std::string> argv = std::move(rest.arguments);
    argv.insert(argv.begin(), std::move(rest.first));
    request.source = HostCommand{.argv = std::move(argv)};
  } else if (rest.first == "-") {
    if (raw.runtime.empty()) {
      return fail(usage_error("a program read from standard input needs --runtime",
                              "for example --runtime python"));
    }
    options.source_from_stdin = true;
    request.input = StdinEmpty{};
    request.args = std::move(rest.arguments);
  } else {
    request.source = SourceFile{.path = std::move(rest.first)};
    request.args = std::move(rest.arguments);
    take_entry_behind_directory(request);
  }
  if (!raw.stdin_file.empty()) request.input = StdinFile{.path = raw.stdin_file};
  return {};
}

Result<void> check_combinations(const RawOptions& raw) {
  if (raw.quiet && raw.verbose)
    return fail(usage_error("--quiet and --verbose contradict each other", {}));
  if (raw.trace && raw.access.no_denials)
    return fail(usage_error("--trace and --no-denials contradict each other", {}));
  if (raw.explain && (raw.json || !raw.json_file.empty())) {
    return fail(usage_error("--explain runs nothing, so there is no outcome for --json",
                            "the plan is JSON already"));
  }
  return {};
}

Result<RunOptions> to_options(Subcommand subcommand, const RawOptions& raw, const CLI::App& app,
                              std::span<const std::string> arguments,
                              const std::string& current_directory) {
  const std::vector<std::string> rest_words = app.remaining();
  SP_TRY(Rest rest, split_rest(rest_words, app, subcommand));
  const std::size_t option_words = arguments.size() - std::min(rest_words.size(), arguments.size());
  SP_TRY_VOID(check_empty_values(arguments.first(option_words), app));
  SP_TRY_VOID(check_combinations(raw));
  RunOptions options;
  Values values;
  set_limits(raw.limits, options.request.limits, values);
  set_access(raw.access, current_directory, options.request, values);
  set_rest(raw, options.request, values);
  if (values.error()) return fail(*values.error());
  SP_TRY_VOID(set_source(std::move(rest), raw, subcommand, options));
  options.config = raw.config;
  options.profile = raw.profile;
  options.json_file = raw.json_file;
  if (raw.raw_terminal) options.terminal = TerminalOutput::kRaw;
  if (raw.json) options.action = Action::kJson;
  if (raw.explain) options.action = Action::kExplain;
  if (raw.quiet) options.verbosity = Verbosity::kQuiet;
  if (raw.verbose) options.verbosity = Verbosity::kVerbose;
  return options;
}

}  // namespace

ParsedOptions parse_options(Subcommand subcommand, std::span<const std::string> arguments,
                            const std::string& current_directory) {
  RawOptions raw;
  Options options(subcommand, raw);
  CLI::App& app = options.app();
  const auto bad = [&](Error error) {
    const CLI::Option* json = app.get_option_no_throw("--json");
    return std::unexpected(
        BadOptions{.error = std::move(error), .json = json != nullptr && json->count() > 0});
  };
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return RunOptions{.action = Action::kHelp, .help = app.help()};
  } catch (const CLI::Error& error) {
    return bad(usage_error(error.what(), {}));
  }
  auto result = to_options(subcommand, raw, app, arguments, current_directory);
  if (!result) return bad(std::move(result).error());
  return std::move(*result);
}

std::vector<std::string> option_names(Subcommand subcommand) {
  RawOptions raw;
  Options options(subcommand, raw);
  return long_names(options.app());
}

}  // namespace sandpit::cli
