// `sandpit runtimes`: what can be run on this host.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/runtimes_test.h"
#include "cli/small_options.h"
#include "cli/table.h"
#include "codec/profile_json.h"
#include "codec/runtimes_json.h"
#include "config/suggest.h"
#include "policy/policy.h"
#include "runtime/settings_for.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/runtime.h"
#include "service/lint_source.h"
#include "service/pipeline.h"
#include "sys/seccomp.h"

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
         line("compiler", runtime.compiler) + line("aliases", joined(runtime.aliases)) +
         line("versions", joined(runtime.versions)) +
         line("extensions", joined(runtime.extensions)) + line("engine", runtime.engine) +
         line("state", state_text(runtime)) + line("manifest", runtime.origin);
}

// What its programs may do by default, under this configuration.
Result<std::string> security_text(const RuntimeInfo& runtime, const Settings& settings) {
  SP_TRY(const Policy policy, resolve_policy(settings, runtime.name, {}));
  std::string text;
  for (const auto& [step, own] :
       {std::pair{"run", runtime.syscall_profile}, std::pair{"compile", runtime.compile_profile}}) {
    if (own.empty()) continue;
    const bool is_run = std::string_view(step) == "run";
    const std::string& name =
        is_run && !policy.syscall_profile.empty() ? policy.syscall_profile : own;
    SP_TRY(const sys::SyscallProfile rules, sys::builtin_profile_rules(name));
    const std::vector<std::string> none;
    text += profile_text(step, summarise(rules, is_run ? policy.allow_syscalls : none,
                                         is_run ? policy.deny_syscalls : none));
  }
  return text;
}

struct Query {
  enum class What : std::uint8_t { kList, kShow, kTest } what = What::kList;
  std::vector<std::string> names;  // of kTest: none means all
};

Result<Query> query_of(const SmallOptions& options, const char* usage) {
  const std::vector<std::string>& words = options.words;
  if (words.empty()) return Query{};
  if (words.front() == "show" && words.size() == 2)
    return Query{.what = Query::What::kShow, .names = {words[1]}};
  if (words.front() == "test")
    return Query{.what = Query::What::kTest, .names = {words.begin() + 1, words.end()}};
  return fail(Error{.code = ErrorCode::kUsage,
                    .message = fmt::format("\"{}\" is not understood here", fmt::join(words, " ")),
                    .where = {},
                    .hint = usage});
}

Result<Config> load(const SmallOptions& options, Log& log) {
  ConfigSources sources;
  if (!options.config.empty()) sources.named_file = options.config;
  sources.profile = options.profile;
  SP_TRY(Config config, Config::load(sources));
  for (const std::string& warning : config.warnings()) log.warning(warning);
  return config;
}

// Those of the given names or aliases, all without names.
Result<std::vector<const Runtime*>> chosen(const RuntimeRegistry& registry,
                                           const std::vector<std::string>& names) {
  if (names.empty()) return registry.all();
  std::vector<const Runtime*> runtimes;
  for (const std::string& name : names) {
    if (const Runtime* runtime = registry.find(name)) {
      runtimes.push_back(runtime);
      continue;
    }
    std::vector<std::string_view> known;
    for (const Runtime* runtime : registry.all()) known.push_back(runtime->name());
    return fail(Error{.code = ErrorCode::kNoRuntime,
                      .message = fmt::format("no runtime \"{}\"", printable(name)),
                      .where = {},
                      .hint = suggestion(name, known)});
  }
  return runtimes;
}

// Several at a time: some interpreters take a second to tell their version.
std::vector<RuntimeInfo> infos(const std::vector<const Runtime*>& runtimes,
                               const Settings& settings) {
  constexpr std::size_t kAtOnce = 8;
  std::vector<RuntimeInfo> list(runtimes.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < runtimes.size(); i = next++) {
      list[i] = runtimes[i]->info(settings_for(settings, runtimes[i]->name()),
                                  Runtime::Probe::kWithVersion);
    }
  };
  std::vector<std::thread> others(std::min(kAtOnce, runtimes.size()) - 1);
  for (std::thread& other : others) other = std::thread(work);
  work();
  for (std::thread& other : others) other.join();
  return list;
}

}  // namespace

int runtimes_command(Arguments arguments, Log& log) {
  constexpr SmallCommand kCommand{
      .usage =
          "sandpit runtimes [--json] | runtimes show NAME [--json] | runtimes test [NAME...] "
          "[--json]",
      .description =
          "List the languages: version found, extensions, engine, state. Or run their "
          "test programs.",
      .flags = kFlagJson | kFlagConfig,
      .max_words = kManyWords};
  const auto options = parse_small(kCommand, arguments);
  if (!options) return report(options.error(), log);
  if (!options->help.empty()) return print(options->help, log);
  const auto query = query_of(*options, kCommand.usage);
  if (!query) return report(query.error(), log);
  const auto config = load(*options, log);
  if (!config) return report(config.error(), log);
  RuntimeRegistry registry;
  add_builtin_runtimes(registry);
  warn_of_bad_manifests(load_manifests(registry, default_runtime_directories()),
                        [&](std::string_view line) { log.warning(line); });
  const auto runtimes = chosen(registry, query->names);
  if (!runtimes) return report(runtimes.error(), log);
  if (query->what == Query::What::kTest)
    return test_runtimes(*config, registry, *runtimes, options->json, log);

  // Only the chosen ones' interpreters are started for their versions.
  const std::vector<RuntimeInfo> list = infos(*runtimes, config->settings());
  if (query->what == Query::What::kShow) {
    const RuntimeInfo& runtime = list.front();
    if (options->json) return print(runtime_to_json(runtime), log);
    const auto security = security_text(runtime, config->settings());
    if (!security) return report(security.error(), log);
    return print(details_text(runtime) + *security, log);
  }
  if (find_lint_worker().empty()) log.warning(kNoLintWorker);
  return print(options->json ? runtimes_to_json(list) : table_text(list), log);
}

}  // namespace sandpit::cli
