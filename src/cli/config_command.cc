// `sandpit config show|check|init` and `sandpit trust`.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/log.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/descriptors.h"
#include "cli/small_options.h"
#include "config/template.h"
#include "config/trust.h"
#include "sandpit/config.h"
#include "sandpit/error.h"

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

int check(const SmallOptions& options, Log& log) {
  const auto config = load(options);
  if (!config) return report(config.error(), log);
  for (const std::string& warning : config->warnings()) log.warning(warning);
  const auto registry =
      load_runtimes(*config, [&](std::string_view warning) { log.warning(warning); });
  if (!registry) return report(registry.error(), log);
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
