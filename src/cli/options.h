// The command line of `sandpit run` and `sandpit exec`, parsed into a Request and what to do with
// its Outcome. Pure: no file is read, nothing is printed. CLI11 is used in options.cc and nowhere
// else.
//
// Only the named subcommand's options are built: constructing all of them would cost more than the
// rest of the start.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/terminal_filter.h"
#include "sandpit/request.h"

namespace sandpit::cli {

enum class Subcommand : std::uint8_t { kRun, kExec };

enum class Action : std::uint8_t {
  kHelp,  // print `help`
  kPassThrough,
  kJson,     // the Outcome alone on stdout
  kExplain,  // print the Plan and stop
};

enum class Verbosity : std::uint8_t { kQuiet, kNormal, kVerbose };

struct RunOptions {
  Action action = Action::kPassThrough;
  Request request;
  std::string config;     // --config, empty when not given
  std::string profile;    // --profile, empty when not given
  std::string json_file;  // --json-file, empty when not given
  Verbosity verbosity = Verbosity::kNormal;
  TerminalOutput terminal = TerminalOutput::kGuarded;
  bool source_from_stdin = false;  // FILE is "-": request.source is still to be filled in
  std::string help;                // the text of --help
};

// A bad command line. It still says whether --json was there: the error is then reported as an
// Outcome.
struct BadOptions {
  Error error;
  bool json = false;
};

using ParsedOptions = std::expected<RunOptions, BadOptions>;

// `arguments` are those after the subcommand's name; `current_directory` is what relative host
// paths are taken from.
[[nodiscard]] ParsedOptions parse_options(Subcommand subcommand,
                                          std::span<const std::string> arguments,
                                          const std::string& current_directory);

// "--memory", "--timeout" …: every long option, for the tests of completions and man page.
[[nodiscard]] std::vector<std::string> option_names(Subcommand subcommand);

}  // namespace sandpit::cli
