// `sandpit runtimes`: what can be run on this host.
#include <fmt/format.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/small_options.h"
#include "cli/table.h"
#include "codec/runtimes_json.h"
#include "config/suggest.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/runtime.h"
#include "service/lint_source.h"
#include "service/pipeline.h"

namespace sandpit::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  return words.empty() ? "-" : fmt::format("{}", fmt::join(words, " "));
}

std::string state_text(const RuntimeInfo& runtime) {
  std::string text = to_text(runtime.state);
  if (runtime.state != RuntimeState::kReady && !runtime.install_hint.empty()) {
    text += ": " + printable(runtime.install_hint);
  }
  return text;
}

Colouring state_colouring(RuntimeState state) {
  return state == RuntimeState::kReady ? Colouring::kGood : Colouring::kPoor;
}

std::string table_text(const std::vector<RuntimeInfo>& runtimes) {
  Table table({"NAME", "VERSION", "EXTENSIONS", "ENGINE", "STATE"}, colour_for(STDOUT_FILENO));
  for (const RuntimeInfo& runtime : runtimes) {
    const std::string version = runtime.version.empty() ? "-" : runtime.version;
    table.add(
        {runtime.name, version, joined(runtime.extensions), runtime.engine, state_text(runtime)},
        state_colouring(runtime.state));
  }
  return table.text();
}

std::string details_text(const RuntimeInfo& runtime) {
  const auto line = [](const char* label, const std::string& value) {
    return fmt::format("{:<12} {}\n", label, value.empty() ? "-" : printable(value));
  };
  return line("name", runtime.name) + line("language", runtime.display_name) +
         line("version", runtime.version) + line("interpreter", runtime.interpreter) +
         line("extensions", joined(runtime.extensions)) + line("engine", runtime.engine) +
         line("state", state_text(runtime)) + line("manifest", runtime.origin);
}

struct Query {
  std::optional<std::string> name;  // `show NAME`
};

Result<Query> query_of(const SmallOptions& options, const char* usage) {
  const std::vector<std::string>& words = options.words;
  if (words.empty()) return Query{};
  if (words.front() == "show" && words.size() == 2) return Query{.name = words[1]};
  return fail(Error{.code = ErrorCode::kUsage,
                    .message = fmt::format("\"{}\" is not understood here", fmt::join(words, " ")),
                    .where = {},
                    .hint = usage});
}

// `only`: a single runtime is asked for; the others' interpreters are then not started for their
// versions.
Result<std::vector<RuntimeInfo>> list_runtimes(const SmallOptions& options,
                                               const std::optional<std::string>& only, Log& log) {
  ConfigSources sources;
  if (!options.config.empty()) sources.named_file = options.config;
  sources.profile = options.profile;
  SP_TRY(const Config config, Config::load(sources));
  for (const std::string& warning : config.warnings()) log.warning(warning);
  RuntimeRegistry registry;
  add_builtin_runtimes(registry);
  for (const Error& error : load_manifests(registry, default_runtime_directories())) {
    log.warning(error.to_string());
  }
  const auto& settings = config.settings().runtimes;
  std::vector<RuntimeInfo> list;
  for (const Runtime* runtime : registry.all()) {
    const std::string name(runtime->name());
    if (only && *only != name) continue;
    const auto found = settings.find(name);
    list.push_back(runtime->info(found == settings.end() ? RuntimeSettings{} : found->second,
                                 Runtime::Probe::kWithVersion));
  }
  if (!only || !list.empty()) return list;

  std::vector<std::string_view> names;
  for (const Runtime* runtime : registry.all()) names.push_back(runtime->name());
  return fail(Error{.code = ErrorCode::kNoRuntime,
                    .message = fmt::format("no runtime \"{}\"", *only),
                    .where = {},
                    .hint = suggestion(*only, names)});
}

}  // namespace

int runtimes_command(Arguments arguments, Log& log) {
  constexpr SmallCommand kCommand{
      .usage = "sandpit runtimes [--json] | runtimes show NAME [--json]",
      .description = "List the languages: version found, extensions, engine, state.",
      .flags = kFlagJson | kFlagConfig,
      .max_words = 2};
  const auto options = parse_small(kCommand, arguments);
  if (!options) return report(options.error(), log);
  if (!options->help.empty()) return print(options->help, log);
  const auto query = query_of(*options, kCommand.usage);
  if (!query) return report(query.error(), log);
  const auto runtimes = list_runtimes(*options, query->name, log);
  if (!runtimes) return report(runtimes.error(), log);
  if (query->name) {
    const RuntimeInfo& runtime = runtimes->front();
    return print(options->json ? runtime_to_json(runtime) : details_text(runtime), log);
  }
  if (find_lint_worker().empty()) log.warning(kNoLintWorker);
  return print(options->json ? runtimes_to_json(*runtimes) : table_text(*runtimes), log);
}

}  // namespace sandpit::cli
