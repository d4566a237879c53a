// `sandpit config show|check|init` and `sandpit trust`.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/descriptors.h"
#include "cli/small_options.h"
#include "config/suggest.h"
#include "config/template.h"
#include "config/trust.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sys/seccomp.h"
#include "sys/seccomp_profile.h"

namespace sandpit::cli {
namespace {

Result<Config> load(const SmallOptions& options) {
  ConfigSources sources;
  if (!options.config.empty()) sources.named_file = options.config;
  sources.profile = options.profile;
  return Config::load(sources);
}

std::string show_text(const Config& config) {
  std::string text;
  for (const ConfigEntry& entry : config.entries()) {
    std::string origin = entry.layer;
    if (!entry.origin.empty()) origin += ", " + entry.origin;
    text += fmt::format("{:<48}  # {}\n",
                        fmt::format("{} = {}", printable(entry.key), printable(entry.value)),
                        printable(origin));
  }
  return text;
}

int show(const SmallOptions& options, Log& log) {
  const auto config = load(options);
  if (!config) return report(config.error(), log);
  for (const std::string& warning : config->warnings()) log.warning(warning);
  return print(show_text(*config), log);
}

// The names that only a run would look up: of profiles and of system calls.
std::vector<Error> unknown_names(const Config& config) {
  std::vector<Error> errors;
  const auto add = [&](const std::string& key, std::string_view kind, std::string_view name,
                       std::string hint) {
    const std::vector<ConfigEntry>& entries = config.entries();
    const auto entry = std::ranges::find(entries, key, &ConfigEntry::key);
    errors.push_back({.code = ErrorCode::kUsage,
                      .message = fmt::format("{}: no {} \"{}\"", key, kind, printable(name)),
                      .where = entry == entries.end() ? std::string{} : entry->origin,
                      .hint = std::move(hint)});
  };
  const auto check_calls = [&](const std::string& key, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (sys::find_syscall(name) == nullptr) {
        const std::string nearest = sys::nearest_syscall(name);
        add(key, "system call", name,
            nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest));
      }
    }
  };
  const auto check_profile = [&](const std::string& key, const std::string& name) {
    if (!name.empty() && sys::builtin_profile(name) == nullptr) {
      add(key, "system-call profile", name, suggestion(name, sys::builtin_profile_names()));
    }
  };
  const Settings& settings = config.settings();
  check_profile("security.profile", settings.security.profile);
  check_calls("security.allow_syscalls", settings.security.allow_syscalls);
  check_calls("security.deny_syscalls", settings.security.deny_syscalls);
  for (const auto& [name, runtime] : settings.runtimes) {
    const std::string table = fmt::format("runtimes.{}.security.", name);
    check_profile(table + "profile", runtime.security.profile.value_or(""));
    check_calls(table + "allow_syscalls", runtime.security.allow_syscalls);
    check_calls(table + "deny_syscalls", runtime.security.deny_syscalls);
  }
  return errors;
}

int check(const SmallOptions& options, Log& log) {
  const auto config = load(options);
  if (!config) return report(config.error(), log);
  for (const std::string& warning : config->warnings()) log.warning(warning);
  const auto registry =
      load_runtimes(*config, [&](std::string_view warning) { log.warning(warning); });
  if (!registry) return report(registry.error(), log);
  const std::vector<Error> unknown = unknown_names(*config);
  for (const Error& error : unknown) log.error(error);
  if (!unknown.empty()) return exit_status(ErrorCode::kUsage);
  return print("the configuration is valid\n", log);
}

int init(const SmallOptions& options, Log& log) {
  const std::string path = options.words.empty() ? "sandbox.toml" : options.words.front();
  if (const auto made = create_file(path, commented_template()); !made)
    return report(made.error(), log);
  return print(fmt::format("wrote {}\n", printable(path)), log);
}

}  // namespace

int config_command(Arguments arguments, Log& log) {
  struct Verb {
    std::string_view name;
    SmallCommand command;
    int (*act)(const SmallOptions&, Log&);
  };
  static constexpr std::array kVerbs = {
      Verb{"show",
           {.usage = "sandpit config show [--config PATH] [--profile NAME]",
            .description = "Print the effective configuration and where each value came from.",
            .flags = kFlagConfig},
           show},
      Verb{"check",
           {.usage = "sandpit config check [--config PATH] [--profile NAME]",
            .description = "Report every problem in the configuration files.",
            .flags = kFlagConfig},
           check},
      Verb{"init",
           {.usage = "sandpit config init [PATH]",
            .description = "Write a commented configuration file (sandbox.toml).",
            .max_words = 1},
           init},
  };
  constexpr const char* kUsage = "sandpit config show|check [--config PATH] | config init [PATH]";
  if (!arguments.empty() && (arguments.front() == "--help" || arguments.front() == "-h")) {
    return print(fmt::format("Usage: {}\n", kUsage), log);
  }
  const auto* verb =
      arguments.empty() ? kVerbs.end() : std::ranges::find(kVerbs, arguments.front(), &Verb::name);
  if (verb == kVerbs.end()) {
    const std::string what = arguments.empty()
                                 ? "config: what about it?"
                                 : fmt::format("config: no such command \"{}\"", arguments.front());
    return report(Error{.code = ErrorCode::kUsage, .message = what, .where = {}, .hint = kUsage},
                  log);
  }
  const auto options = parse_small(verb->command, arguments.subspan(1));
  if (!options) return report(options.error(), log);
  if (!options->help.empty()) return print(options->help, log);
  return verb->act(*options, log);
}

int trust_command(Arguments arguments, Log& log) {
  constexpr SmallCommand kCommand{.usage = "sandpit trust [--remove] DIR",
                                  .description =
                                      "Let the configuration file of this directory, as it is now, "
                                      "loosen limits and grant access.",
                                  .flags = kFlagRemove,
                                  .min_words = 1,
                                  .max_words = 1};
  const auto options = parse_small(kCommand, arguments);
  if (!options) return report(options.error(), log);
  if (!options->help.empty()) return print(options->help, log);
  const std::string& directory = options->words.front();
  const auto done =
      options->remove ? untrust_directory(directory, {}) : trust_directory(directory, {});
  if (!done) return report(done.error(), log);
  return print(fmt::format("{} {}\n", options->remove ? "no longer trusted:" : "trusted:",
                           printable(directory)),
               log);
}

}  // namespace sandpit::cli
