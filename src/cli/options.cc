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
#include "cli/values.h"
#include "config/suggest.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"

namespace sandpit::cli {
namespace {

constexpr const char* kLimitsGroup = "Limits";
constexpr const char* kAccessGroup = "What the program may use";
constexpr const char* kOutputGroup = "Output";

// The options as text, before their values are looked at.
struct RawOptions {
  std::string runtime, entry, invoke, config, profile;
  std::string memory, memory_limit, cpu_time, cpu_limit, timeout, compile_timeout, compile_memory,
      processes, file_size, disk, open_files, stack, output;
  std::string chdir, net, stdin_file, out, lint, json_file;
  std::vector<std::string> file, read, write, env;
  bool json = false, explain = false, quiet = false, verbose = false;
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
    add_limits(run);
    add_access();
    add_output();
    app_.footer(
        "\nOptions end at the first word that is not one; what follows it belongs to the program.\n"
        "Sizes: 64 (MiB), 512KiB, 1.5GiB. Times: 2 (seconds), 250ms, 1m. See sandpit(1).");
  }
  CLI::App& app() { return app_; }

 private:
  CLI::Option* text(const char* name, std::string& value, const char* type, const char* help,
                    const char* group) {
    return app_.add_option(name, value, help)->type_name(type)->group(group)->take_last();
  }
  void list(const char* name, std::vector<std::string>& values, const char* type, const char* help,
            const char* group = kAccessGroup) {
    app_.add_option(name, values, help)
        ->type_name(type)
        ->group(group)
        ->type_size(1)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  void flag(const char* name, bool& value, const char* help) {
    app_.add_flag(name, value, help)->group(kOutputGroup)->disable_flag_override();
  }

  void add_source_options(bool run) {
    constexpr const char* kGroup = "Options";
    if (run) {
      text("--runtime", raw_.runtime, "NAME[@VERSION]",
           "the language, when extension and #! line don't tell", kGroup);
      text("--entry", raw_.entry, "FILE", "the main file, when FILE is a directory of sources",
           kGroup);
      list("--file", raw_.file, "PATH[:NAME]",
           "one more source or data file beside the program (repeatable)", kGroup);
      text("--invoke", raw_.invoke, "NAME",
           "call this function of a WebAssembly file; ARGS are its values", kGroup);
      text("--lint", raw_.lint, "LEVEL", "off, warn or deny what lint finds", kGroup);
    }
    text("--config", raw_.config, "PATH",
         "use this configuration file, in the project file's place", kGroup);
    text("--profile", raw_.profile, "NAME",
         "development, production, strict or one of the configuration's", kGroup);
  }
  void add_limits(bool run) {
    text("--memory", raw_.memory, "SIZE", "memory of the whole process tree, files in it included",
         kLimitsGroup);
    text("--memory-limit", raw_.memory_limit, "MB", "the same as --memory", kLimitsGroup);
    text("--cpu-time", raw_.cpu_time, "TIME", "CPU time of the whole process tree", kLimitsGroup);
    text("--cpu-limit", raw_.cpu_limit, "SECONDS", "the same as --cpu-time", kLimitsGroup);
    text("--timeout", raw_.timeout, "TIME", "time from start to end", kLimitsGroup);
    if (run) {
      text("--compile-timeout", raw_.compile_timeout, "TIME", "time of the compile step",
           kLimitsGroup);
      text("--compile-memory", raw_.compile_memory, "SIZE", "memory of the compile step",
           kLimitsGroup);
    }
    text("--processes", raw_.processes, "N",
         "processes and threads, besides those the interpreter needs", kLimitsGroup);
    text("--file-size", raw_.file_size, "SIZE", "size of one file", kLimitsGroup);
    text("--disk", raw_.disk, "SIZE", "all files together", kLimitsGroup);
    text("--open-files", raw_.open_files, "N", "open files of one process", kLimitsGroup);
    text("--stack", raw_.stack, "SIZE", "stack of the main thread", kLimitsGroup);
    text("--output-limit", raw_.output, "SIZE",
         "of stdout and of stderr, each; the middle is cut out", kLimitsGroup);
  }
  void add_access() {
    text("--chdir", raw_.chdir, "DIR", "start in this directory, inside", kAccessGroup);
    list("--read", raw_.read, "PATH[:INSIDE]",
         "show this path of the host, read-only (repeatable)");
    list("--write", raw_.write, "PATH[:INSIDE]",
         "show this path of the host, writable (repeatable)");
    list("--env", raw_.env, "NAME=VALUE", "set a variable (repeatable)");
    text("--net", raw_.net, "MODE", "none, loopback or host", kAccessGroup);
    text("--stdin", raw_.stdin_file, "FILE", "read standard input from this file", kAccessGroup);
    text("--out", raw_.out, "DIR", "copy what the program made to this directory", kAccessGroup);
  }
  void add_output() {
    flag("--json", raw_.json, "print the outcome as JSON, the program's output inside it");
    text("--json-file", raw_.json_file, "PATH", "write the outcome there, pass the output through",
         kOutputGroup);
    flag("--explain", raw_.explain, "print the plan of the run as JSON and stop");
    flag("-q,--quiet", raw_.quiet, "no warnings");
    flag("-v,--verbose", raw_.verbose, "say how the run went");
  }

  RawOptions& raw_;
  CLI::App app_;
};

Error usage_error(std::string message, std::string hint) {
  return Error{.code = ErrorCode::kUsage, .message = std::move(message), .hint = std::move(hint)};
}

std::vector<std::string> long_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// Collects every bad value before it gives up: the user mends all of them in one go.
class Values {
 public:
  // `given` empty: not given, nothing is set.
  template <class T, class Parse>
  void set(std::optional<T>& target, const char* option, const std::string& given, Parse parse) {
    if (given.empty()) return;
    if (auto value = parse(given)) {
      target = std::move(*value);
    } else {
      add(option, std::move(value).error());
    }
  }
  template <class Parse, class Use>
  void each(const char* option, const std::vector<std::string>& given, Parse parse, Use use) {
    for (const std::string& text : given) {
      if (auto value = parse(text)) {
        use(std::move(*value));
      } else {
        add(option, std::move(value).error());
      }
    }
  }
  void add(const char* option, Error error) {
    error.message = fmt::format("{}: {}", option, error.message);
    if (error_) {
      error_->others.push_back(std::move(error));
    } else {
      error_ = std::move(error);
    }
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  std::optional<Error> error_;
};

void set_limits(const RawOptions& raw, LimitOverrides& limits, Values& values) {
  const auto size = [](const std::string& text) { return parse_size(text); };
  const auto time = [](const std::string& text) { return parse_time(text); };
  const auto count = [](const std::string& text) { return parse_count(text, 1); };
  values.set(limits.memory, "--memory-limit", raw.memory_limit, size);
  values.set(limits.memory, "--memory", raw.memory, size);
  values.set(limits.cpu_time, "--cpu-limit", raw.cpu_limit, time);
  values.set(limits.cpu_time, "--cpu-time", raw.cpu_time, time);
  values.set(limits.wall_time, "--timeout", raw.timeout, time);
  values.set(limits.compile_time, "--compile-timeout", raw.compile_timeout, time);
  values.set(limits.compile_memory, "--compile-memory", raw.compile_memory, size);
  values.set(limits.processes, "--processes", raw.processes, count);
  values.set(limits.file_size, "--file-size", raw.file_size, size);
  values.set(limits.disk, "--disk", raw.disk, size);
  values.set(limits.open_files, "--open-files", raw.open_files, count);
  values.set(limits.stack, "--stack", raw.stack, size);
  values.set(limits.output, "--output-limit", raw.output, size);
}

void set_access(const RawOptions& raw, const std::string& current_directory, Request& request,
                Values& values) {
  const auto add_path = [&](PathGrant grant) { request.paths.push_back(std::move(grant)); };
  values.each(
      "--read", raw.read,
      [&](const std::string& text) { return parse_grant(text, Access::kRead, current_directory); },
      add_path);
  values.each(
      "--write", raw.write,
      [&](const std::string& text) {
        return parse_grant(text, Access::kReadWrite, current_directory);
      },
      add_path);
  values.each("--env", raw.env, parse_env, [&](auto pair) {
    request.env.insert_or_assign(std::move(pair.first), std::move(pair.second));
  });
  values.each("--file", raw.file, parse_extra_file,
              [&](ExtraFile file) { request.files.push_back(std::move(file)); });
  values.set(request.network, "--net", raw.net, parse_network);
  values.set(request.lint, "--lint", raw.lint, parse_lint);
  if (!raw.chdir.empty() && raw.chdir.front() != '/') {
    values.add("--chdir", usage_error(fmt::format("\"{}\" is not an absolute path", raw.chdir),
                                      "a directory inside the sandbox, such as /work"));
  }
  request.chdir = raw.chdir;
  request.out_dir = raw.out;
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
  }
  if (!raw.stdin_file.empty()) request.input = StdinFile{.path = raw.stdin_file};
  return {};
}

Result<void> check_combinations(const RawOptions& raw) {
  if (raw.quiet && raw.verbose)
    return fail(usage_error("--quiet and --verbose contradict each other", {}));
  if (raw.explain && (raw.json || !raw.json_file.empty())) {
    return fail(usage_error("--explain runs nothing, so there is no outcome for --json",
                            "the plan is JSON already"));
  }
  return {};
}

// No option takes an empty value. Of "--name=" CLI11 would take the next word as the value, which
// is the user's file.
Result<void> check_empty_values(std::span<const std::string> words, const CLI::App& app) {
  const auto no_value = [](std::string_view name) {
    return fail(usage_error(fmt::format("{} has no value", name), {}));
  };
  for (const std::string& word : words) {
    if (word.starts_with("--") && word.find('=') == word.size() - 1) return no_value(word);
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& value : option->results()) {
      if (value.empty()) return no_value(option->get_name());
    }
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
  set_limits(raw, options.request.limits, values);
  set_access(raw, current_directory, options.request, values);
  if (values.error()) return fail(*values.error());
  SP_TRY_VOID(set_source(std::move(rest), raw, subcommand, options));
  options.config = raw.config;
  options.profile = raw.profile;
  options.json_file = raw.json_file;
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
