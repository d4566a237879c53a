#include "cli/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/write_all.h"
#include "cli/completions.h"
#include "cli/small_options.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/runtime.h"
#include "service/pipeline.h"
#include "service/runtime_names.h"

namespace sandpit::cli {

int exit_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUsage:
      return 2;
    case ErrorCode::kNoRuntime:
      return 127;
    case ErrorCode::kRefused:
      return 126;
    case ErrorCode::kSandbox:
    case ErrorCode::kSystem:
      return 125;
    case ErrorCode::kCancelled:
      return 130;
  }
  return 125;
}

int report(const Error& error, Log& log) {
  log.error(error);
  return exit_status(error.code);
}

int print(std::string_view text, Log& log) {
  const int error = write_all(STDOUT_FILENO, text);
  if (error == 0 || error == EPIPE) return 0;
  return report(errno_error("cannot write to stdout", error), log);
}

void warn_of_bad_manifests(const std::vector<Error>& errors,
                           const std::function<void(std::string_view)>& warn) {
  for (const Error& error : errors) {
    Error first = error;
    first.others.clear();
    warn(first.to_string());
    warn_of_bad_manifests(error.others, warn);
  }
}

Result<RuntimeRegistry> load_runtimes(const Config& config,
                                      const std::function<void(std::string_view)>& warn) {
  RuntimeRegistry registry;
  add_builtin_runtimes(registry);
  warn_of_bad_manifests(load_manifests(registry, default_runtime_directories()), warn);
  SP_TRY_VOID(check_runtime_names(config, registry));
  return registry;
}

std::string current_directory() {
  std::error_code error;
  std::string directory = std::filesystem::current_path(error).string();
  return error ? "/" : directory;
}

int completion_command(Arguments arguments, Log& log) {
  constexpr SmallCommand kCommand{.usage = "sandpit completion bash|zsh|fish",
                                  .description = "Print the completion script of a shell.",
                                  .min_words = 1,
                                  .max_words = 1};
  const auto options = parse_small(kCommand, arguments);
  if (!options) return report(options.error(), log);
  if (!options->help.empty()) return print(options->help, log);
  const std::string_view script = completion_script(options->words.front());
  if (!script.empty()) return print(script, log);
  return report(Error{.code = ErrorCode::kUsage,
                      .message = fmt::format("no completion for \"{}\"", options->words.front()),
                      .where = {},
                      .hint = "bash, zsh or fish"},
                log);
}

}  // namespace sandpit::cli
