// `sandpit runtimes`: what can be run on this host.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/small_options.h"
#include "cli/table.h"
#include "codec/runtimes_json.h"
#include "config/suggest.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/runtime.h"
#include "service/pipeline.h"

extern char**
    environ;  // NOLINT(readability-redundant-declaration): environ(7) has the program declare it

namespace sandpit::cli {
namespace {

// The first word after "rustc " that `rustc --version` prints, from the root directory: a
// rust-toolchain file in an untrusted checkout must not choose what runs here. Empty when there is
// no rustc.
std::string rustc_version() {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return {};
  const UniqueFd reader(pipe[0]);
  UniqueFd writer(pipe[1]);
  posix_spawn_file_actions_t actions;
  if (::posix_spawn_file_actions_init(&actions) != 0) return {};
  ::posix_spawn_file_actions_addchdir_np(&actions, "/");
  ::posix_spawn_file_actions_adddup2(&actions, writer.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  std::array<char, 6> name{"rustc"};
  std::array<char, 10> argument{"--version"};
  std::array<char*, 3> argv{name.data(), argument.data(), nullptr};
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, "rustc", &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return {};
  writer.reset();
  std::array<char, 256> buffer{};
  ssize_t got = 0;
  pollfd ready{.fd = reader.get(), .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, 3000) > 0) got = ::read(reader.get(), buffer.data(), buffer.size());
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  std::string_view text(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (!text.starts_with("rustc ")) return {};
  text.remove_prefix(6);
  return std::string(text.substr(0, text.find_first_of(" \n")));
}

// This version has no WebAssembly engine, so no manifest either; the list says so instead of
// leaving it out.
RuntimeInfo missing_wasm() {
  const std::string found = rustc_version();
  return RuntimeInfo{
      .name = "wasm",
      .display_name = "WebAssembly",
      .extensions = {"wasm", "wat"},
      .engine = "wasm",
      .state = RuntimeState::kNotBuilt,
      .install_hint = fmt::format(
          "this version has no WebAssembly engine; one that has needs rustc 1.95 "
          "or newer to build ({})",
          found.empty() ? "none found: https://rustup.rs installs it" : "found " + found)};
}

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
  for (const Error& error : load_manifests(registry, default_runtime_directories())) {
    log.warning(error.to_string());
  }
  const auto& settings = config.settings().runtimes;
  std::vector<RuntimeInfo> list;
  bool has_wasm = false;
  for (const Runtime* runtime : registry.all()) {
    const std::string name(runtime->name());
    has_wasm = has_wasm || name == "wasm";
    if (only && *only != name) continue;
    const auto found = settings.find(name);
    list.push_back(runtime->info(found == settings.end() ? RuntimeSettings{} : found->second,
                                 Runtime::Probe::kWithVersion));
  }
  if (!has_wasm && (!only || *only == "wasm")) list.push_back(missing_wasm());
  if (!only || !list.empty()) return list;

  std::vector<std::string_view> names{"wasm"};
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
  return print(options->json ? runtimes_to_json(*runtimes) : table_text(*runtimes), log);
}

}  // namespace sandpit::cli
