// The command line: which subcommand, and nothing else. See cli/commands.h.
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/write_all.h"
#include "cli/commands.h"
#include "cli/descriptors.h"
#include "cli/options.h"
#include "config/suggest.h"
#include "sandpit/error.h"

namespace sandpit::cli {
namespace {

constexpr std::string_view kHelp =
    "Usage: sandpit COMMAND ...\n"
    "Runs untrusted code behind real isolation and hard limits, and says exactly what happened.\n"
    "\n"
    "Commands:\n"
    "  run [options] FILE [ARGS...]       run a program from source code\n"
    "  exec [options] -- COMMAND ARGS...  run a command of this host in the same sandbox\n"
    "  learn [options] FILE [ARGS...]     find the smallest profile that lets a program pass\n"
    "  batch [options] TASKS.jsonl        run many programs, one for each line of a file\n"
    "  check [--json] FILE...             load, validate and screen files; run nothing\n"
    "  runtimes [--json] [show NAME]      list the languages (alias: list-supported)\n"
    "  doctor [--json]                    what this host offers, what is missing, what mends it\n"
    "  config show|check|init [PATH]      the configuration\n"
    "  trust [--remove] DIR               let the configuration of a directory loosen limits\n"
    "  completion bash|zsh|fish           print a shell's completion script\n"
    "  version                            print the version\n"
    "\n"
    "sandpit COMMAND --help tells more; so does sandpit(1).\n";

constexpr std::array<std::string_view, 12> kCommands = {
    "run",    "exec",   "learn", "batch",      "check",  "runtimes", "list-supported",
    "doctor", "config", "trust", "completion", "version"};

int unknown_command(const std::string& name, Log& log) {
  struct stat status{};
  std::string hint = ::stat(name.c_str(), &status) == 0 && S_ISREG(status.st_mode)
                         ? fmt::format("to run that file: sandpit run {}", name)
                         : suggestion(name, kCommands);
  return report(Error{.code = ErrorCode::kUsage,
                      .message = fmt::format("no such command \"{}\"", name),
                      .where = {},
                      .hint = std::move(hint)},
                log);
}

int dispatch(const std::vector<std::string>& words, Log& log) {
  if (words.empty()) {
    return report(Error{.code = ErrorCode::kUsage,
                        .message = "no command",
                        .where = {},
                        .hint = "sandpit --help"},
                  log);
  }
  const std::string& name = words.front();
  const Arguments rest = Arguments(words).subspan(1);
  if (name == "run") return run_command(Subcommand::kRun, rest, log);
  if (name == "exec") return run_command(Subcommand::kExec, rest, log);
  if (name == "learn") return learn_command(rest, log);
  if (name == "batch") return batch_command(rest, log);
  if (name == "check") return check_command(rest, log);
  if (name == "runtimes" || name == "list-supported") return runtimes_command(rest, log);
  if (name == "doctor") return doctor_command(rest, log);
  if (name == "config") return config_command(rest, log);
  if (name == "trust") return trust_command(rest, log);
  if (name == "completion") return completion_command(rest, log);
  if (name == "version" || name == "--version" || name == "-V")
    return print("sandpit " SANDPIT_VERSION "\n", log);
  if (name == "help" || name == "--help" || name == "-h") return print(kHelp, log);
  return unknown_command(name, log);
}

int guarded_main(int argc, char** argv) {
  if (auto filled = fill_standard_descriptors(); !filled) return 125;
  // A reader that went away is an errno of write(2), not the end of a process that has a jail to
  // clean up.
  if (::signal(SIGPIPE, SIG_IGN) == SIG_ERR) return 125;
  Log log(STDERR_FILENO);
  return dispatch(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc), log);
}

}  // namespace
}  // namespace sandpit::cli

int main(int argc, char** argv) {
  try {
    return sandpit::cli::guarded_main(argc, argv);
  } catch (const std::exception& error) {
    // Memory is used up, or a library threw what it never should: the jail's own descriptors clean
    // up behind us.
    (void)sandpit::write_all(STDERR_FILENO, std::string_view("sandpit: internal error: "));
    (void)sandpit::write_all(STDERR_FILENO, error.what());
    (void)sandpit::write_all(STDERR_FILENO, "\n");
    return 125;
  }
}
