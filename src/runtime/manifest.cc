#include "runtime/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "config/suggest.h"
#include "runtime/preload.h"
#include "runtime/toml_reader.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/units.h"
#include "sys/seccomp.h"

namespace sandpit {
namespace {

constexpr std::uint32_t kMostHelpers = 1024;
constexpr std::uint32_t kMostTier = 2;
constexpr unsigned kWhole = 100;
constexpr std::array<std::string_view, 5> kWordsOfOneRun = {"source", "source_name", "stem",
                                                            "sources", "args"};

const std::vector<std::string_view>& known_keys() {
  static const std::vector<std::string_view> kKeys = {"id",
                                                      "display_name",
                                                      "aliases",
                                                      "tier",
                                                      "extensions",
                                                      "shebangs",
                                                      "magic",
                                                      "interpreter",
                                                      "interpreter_for",
                                                      "argv",
                                                      "env",
                                                      "source_name",
                                                      "text",
                                                      "source_executable",
                                                      "syscall_profile",
                                                      "helper_tasks",
                                                      "helper_files",
                                                      "packages",
                                                      "executable_work_dir",
                                                      "read_only_paths",
                                                      "needs",
                                                      "environment_marker",
                                                      "version",
                                                      "versions",
                                                      "limits",
                                                      "compile",
                                                      "warm",
                                                      "preload",
                                                      "install"};
  return kKeys;
}

bool contains(const auto& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-' || c == '_' || c == '+';
  });
}

bool is_file_name(std::string_view text) {
  return !text.empty() && text != "." && text != ".." && text.find('/') == std::string_view::npos;
}

// "{name" up to "}" of each placeholder in a word; an unclosed brace is no placeholder.
std::vector<std::string_view> placeholders_of(std::string_view word) {
  std::vector<std::string_view> found;
  for (std::size_t open = word.find('{'); open != std::string_view::npos;
       open = word.find('{', open + 1)) {
    const std::size_t close = word.find('}', open);
    if (close == std::string_view::npos) break;
    found.push_back(word.substr(open + 1, close - open - 1));
  }
  return found;
}

enum class Lists : std::uint8_t { kAllowed, kRefused };

void check_word(TomlReader& reader, const toml::source_region& where, std::string_view word,
                Lists lists) {
  if (lists == Lists::kAllowed && is_script(word)) return;
  for (const std::string_view name : placeholders_of(word)) {
    if (contains(kWordPlaceholders, name) || memory_percentage(name)) continue;
    if (contains(kListPlaceholders, name)) {
      if (lists == Lists::kRefused) {
        reader.problem(where, fmt::format("'{{{}}}' can't stand here, only in argv", name));
      } else if (word.size() != name.size() + 2) {
        reader.problem(where, fmt::format("'{{{}}}' must be a word of its own", name));
      }
      continue;
    }
    std::vector<std::string_view> known(std::begin(kWordPlaceholders), std::end(kWordPlaceholders));
    known.insert(known.end(), std::begin(kListPlaceholders), std::end(kListPlaceholders));
    reader.problem(where, fmt::format("unknown placeholder '{{{}}}'", name),
                   suggestion(name, known));
  }
}

// A name that is looked up, or a path: "/opt/x/bin/y", "~/x/y".
bool is_program(std::string_view name) {
  return !name.empty() && (name.find('/') == std::string_view::npos || name.starts_with('/') ||
                           name.starts_with("~/"));
}

// One program or a list of candidates.
void read_programs(TomlReader& reader, const toml::table& table, std::string_view key,
                   std::vector<std::string>& programs) {
  const toml::node* node = table.get(key);
  if (node != nullptr && node->is_string()) {
    programs.emplace_back(node->as_string()->get());
  } else {
    reader.read(table, key, programs);
  }
  for (const std::string& name : programs) {
    if (!is_program(name)) {
      reader.problem(place(table, key),
                     fmt::format("'{}' must be a name or an absolute path", key));
    }
  }
}

void read_versions(TomlReader& reader, const toml::table& table, Manifest& manifest) {
  reader.read(table, "versions", manifest.versions);
  for (const auto& [version, name] : manifest.versions) {
    if (version.empty() || !is_program(name)) {
      reader.problem(place(table, "versions"),
                     fmt::format("'versions.{}' must be a name or an absolute path", version));
    }
  }
}

void check_environment(TomlReader& reader, const toml::table& table,
                       const std::map<std::string, std::string>& environment) {
  for (const auto& [key, value] : environment) {
    check_word(reader, place(table, "env"), value, Lists::kRefused);
    if (key.empty() || key.find('=') != std::string::npos) {
      reader.problem(place(table, "env"), fmt::format("'{}' is no name for a variable", key));
    }
  }
}

void check_read_only_paths(TomlReader& reader, const toml::table& table,
                           const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (!path.starts_with('/')) {
      reader.problem(place(table, "read_only_paths"),
                     fmt::format("'{}' must be an absolute path", path));
    }
  }
}

// A compiler's command: `argv` of [compile] and [compile.warm].
void check_compiler_argv(TomlReader& reader, const toml::table& table,
                         const std::vector<std::string>& argv) {
  for (const std::string& word : argv) {
    check_word(reader, place(table, "argv"), word, Lists::kAllowed);
  }
  if (argv.empty() || !(argv.front().starts_with("{compiler}") || argv.front().starts_with('/'))) {
    reader.problem(place(table, "argv"),
                   "'compile.argv' must begin with {compiler} or an absolute path");
  }
}

void read_warm(TomlReader& reader, const toml::table& table, ManifestCompile& compile) {
  const toml::table* warm = sub_table(reader, table, "warm");
  if (warm == nullptr) return;
  reader.check_keys(*warm, {"argv", "env"});
  ManifestWarm made;
  reader.read(*warm, "argv", made.argv);
  reader.read(*warm, "env", made.env);
  check_compiler_argv(reader, *warm, made.argv);
  for (const std::string& word : made.argv) {
    for (const std::string_view name : placeholders_of(word)) {
      if (contains(kWordsOfOneRun, name)) {
        reader.problem(
            place(*warm, "argv"),
            fmt::format("'{{{}}}' can't stand here: what is made is for every source", name));
      }
    }
  }
  check_environment(reader, *warm, made.env);
  compile.warm = std::move(made);
}

// Here rather than when the first program is run: the manifest's author is still looking.
void check_profile(TomlReader& reader, const toml::table& table, const std::string& name) {
  if (name.empty() || sys::builtin_profile(name) != nullptr) return;
  reader.problem(place(table, "syscall_profile"), fmt::format("no system-call profile '{}'", name),
                 suggestion(name, sys::builtin_profile_names()));
}

void read_compile(TomlReader& reader, const toml::table& table, Manifest& manifest) {
  const toml::table* step = sub_table(reader, table, "compile");
  if (step == nullptr) return;
  reader.check_keys(
      *step, {"compiler", "argv", "env", "outputs", "keep_source", "syscall_profile",
              "helper_tasks", "helper_files", "executable_work_dir", "read_only_paths", "warm"});
  ManifestCompile compile;
  read_programs(reader, *step, "compiler", compile.compilers);
  reader.read(*step, "argv", compile.argv);
  reader.read(*step, "env", compile.env);
  reader.read(*step, "outputs", compile.outputs);
  reader.read(*step, "keep_source", compile.keep_source);
  reader.read(*step, "syscall_profile", compile.syscall_profile);
  reader.read(*step, "helper_tasks", compile.helper_tasks, kMostHelpers);
  reader.read(*step, "helper_files", compile.helper_files, kMostHelpers);
  reader.read(*step, "executable_work_dir", compile.executable_work_dir);
  reader.read(*step, "read_only_paths", compile.read_only_paths);
  read_warm(reader, *step, compile);
  if (compile.compilers.empty()) reader.problem(step->source(), "'compile.compiler' is missing");
  if (compile.outputs.empty()) reader.problem(step->source(), "'compile.outputs' is missing");
  for (const std::string& output : compile.outputs) {
    if (!is_file_name(output)) {
      reader.problem(place(*step, "outputs"),
                     fmt::format("'{}' must be a name in the work directory", output));
    }
  }
  check_compiler_argv(reader, *step, compile.argv);
  check_profile(reader, *step, compile.syscall_profile);
  check_environment(reader, *step, compile.env);
  check_read_only_paths(reader, *step, compile.read_only_paths);
  manifest.compile = std::move(compile);
}

// What only a process that serves one run has, and what it has not.
void read_once(TomlReader& reader, const toml::table& warm, ManifestTemplate& made) {
  reader.read(warm, "once", made.once);
  reader.read(warm, "directories", made.directories);
  for (const std::string& directory : made.directories) {
    if (!is_file_name(directory)) {
      reader.problem(place(warm, "directories"),
                     fmt::format("'{}' must be a name in the work directory", directory));
    }
  }
  if (!made.once && !made.directories.empty()) {
    reader.problem(place(warm, "directories"), "'warm.directories' needs 'warm.once'");
  }
  // Both are for what is forked; this would be there for its one run to see.
  if (made.once && !(made.prelude.empty() && made.rehearsal.empty())) {
    reader.problem(place(warm, "once"),
                   "'warm.once' goes with neither 'warm.prelude' nor 'warm.rehearsal'");
  }
}

// [warm]: the template's command. It is started before any program is there.
std::optional<ManifestTemplate> read_template(TomlReader& reader, const toml::table& table,
                                              const std::string& path) {
  const toml::table* warm = sub_table(reader, table, "warm");
  if (warm == nullptr) return std::nullopt;
  reader.check_keys(
      *warm, {"prelude", "argv", "env", "trigger", "rehearsal", "program", "once", "directories"});
  ManifestTemplate made;
  reader.read(*warm, "prelude", made.prelude);
  reader.read(*warm, "argv", made.argv);
  reader.read(*warm, "env", made.env);
  reader.read(*warm, "trigger", made.trigger);
  reader.read(*warm, "rehearsal", made.rehearsal);
  reader.read(*warm, "program", made.program);
  check_word(reader, place(*warm, "trigger"), made.trigger, Lists::kRefused);
  check_word(reader, place(*warm, "program"), made.program, Lists::kRefused);
  read_once(reader, *warm, made);
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  for (const auto& [key, file] :
       {std::pair("prelude", &made.prelude), std::pair("rehearsal", &made.rehearsal)}) {
    if (file->empty()) continue;
    if (!is_file_name(*file)) {
      reader.problem(place(*warm, key),
                     fmt::format("'warm.{}' must be a file beside the manifest", key));
    }
    *file = directory + *file;
  }
  for (const std::string& word : made.argv) {
    check_word(reader, place(*warm, "argv"), word, Lists::kAllowed);
    for (const std::string_view name : placeholders_of(word)) {
      if (contains(kWordsOfOneRun, name) && name != "source" && name != "args") {
        reader.problem(place(*warm, "argv"),
                       fmt::format("'{{{}}}' can't stand here: no program is known yet", name));
      }
    }
  }
  if (made.argv.empty()) reader.problem(place(*warm, "argv"), "'warm.argv' must not be empty");
  check_environment(reader, *warm, made.env);
  const auto args = std::ranges::find(made.argv, "{args}");
  if (args != made.argv.end() && args + 1 != made.argv.end()) {
    reader.problem(place(*warm, "argv"), "'{args}' must be the last word of 'warm.argv'");
  }
  return made;
}

void read_limits(TomlReader& reader, const toml::table& table, LimitOverrides& limits) {
  const toml::table* found = sub_table(reader, table, "limits");
  if (found == nullptr) return;
  constexpr std::uint32_t kMost = 1U << 30U;
  std::vector<std::string_view> known;
  const auto read = [&](std::string_view key, const auto& take) {
    known.push_back(key);
    if (found->get(key) == nullptr) return;
    std::uint32_t value = 0;
    reader.read(*found, key, value, kMost);
    take(value);
  };
  read("memory_limit_mb", [&](std::uint32_t n) { limits.memory = ByteCount::mib(n); });
  read("cpu_time_limit_s", [&](std::uint32_t n) { limits.cpu_time = std::chrono::seconds(n); });
  read("timeout_s", [&](std::uint32_t n) { limits.wall_time = std::chrono::seconds(n); });
  read("max_processes", [&](std::uint32_t n) { limits.processes = n; });
  read("max_open_files", [&](std::uint32_t n) { limits.open_files = n; });
  read("max_file_size_kb", [&](std::uint32_t n) { limits.file_size = ByteCount::kib(n); });
  read("compile_time_limit_s",
       [&](std::uint32_t n) { limits.compile_time = std::chrono::seconds(n); });
  read("compile_memory_limit_mb",
       [&](std::uint32_t n) { limits.compile_memory = ByteCount::mib(n); });
  reader.check_keys(*found, known);
}

void read_packages(TomlReader& reader, const toml::table& table, Manifest& manifest) {
  const toml::table* packages = sub_table(reader, table, "packages");
  if (packages == nullptr) return;
  reader.check_keys(*packages, {"mount", "env"});
  reader.read(*packages, "mount", manifest.packages_mount);
  reader.read(*packages, "env", manifest.packages_env);
  if (!manifest.packages_mount.starts_with('/')) {
    reader.problem(place(*packages, "mount"),
                   "'packages.mount' must be an absolute path inside the jail");
  }
  for (const auto& [key, value] : manifest.packages_env) {
    check_word(reader, place(*packages, "env"), value, Lists::kRefused);
  }
}

void read_version(TomlReader& reader, const toml::table& table, Manifest& manifest) {
  const toml::table* version = sub_table(reader, table, "version");
  if (version == nullptr) return;
  reader.check_keys(*version, {"argv", "after"});
  reader.read(*version, "argv", manifest.version_argv);
  reader.read(*version, "after", manifest.version_after);
  for (const std::string& word : manifest.version_argv) {
    if (word.find('{') != std::string::npos && word != "{interpreter}" && word != "{compiler}") {
      reader.problem(place(*version, "argv"),
                     "'version.argv' knows the placeholders '{interpreter}' and '{compiler}' only");
    }
  }
}

// What these stand for is absolute, as what is started must be.
bool begins_with_program(const Manifest& manifest) {
  const std::string_view word = manifest.argv.front();
  if (word.starts_with("{compiler}")) return manifest.compile.has_value();
  if (word.starts_with("{interpreter}")) return !manifest.interpreters.empty();
  return word.starts_with('/') || word.starts_with("{source}") || word.starts_with("{work_dir}");
}

void check_manifest(TomlReader& reader, const toml::table& table, const Manifest& manifest) {
  for (const std::string_view key : {"id", "argv", "syscall_profile"}) {
    if (table.get(key) == nullptr)
      reader.problem(table.source(), fmt::format("'{}' is missing", key));
  }
  if (table.get("id") != nullptr && !is_name(manifest.id)) {
    reader.problem(place(table, "id"), "'id' must be made of a-z, 0-9, '-', '_' and '+'");
  }
  for (const std::string& extension : manifest.extensions) {
    if (extension.empty() || extension.find_first_of("./") != std::string::npos) {
      reader.problem(place(table, "extensions"),
                     fmt::format("extension '{}' must be without dot and slash", extension));
    }
  }
  for (const std::string& magic : manifest.magic) {
    if (magic.empty()) reader.problem(place(table, "magic"), "'magic' must not be empty");
  }
  if (!is_file_name(manifest.source_name)) {
    reader.problem(place(table, "source_name"), "'source_name' must be one file name");
  }
  for (const std::string& alias : manifest.aliases) {
    if (!is_name(alias)) {
      reader.problem(place(table, "aliases"),
                     fmt::format("alias '{}' must be made of a-z, 0-9, '-', '_' and '+'", alias));
    }
  }
  check_profile(reader, table, manifest.syscall_profile);
  check_read_only_paths(reader, table, manifest.read_only_paths);
  for (const std::string& pattern : manifest.needs) {
    if (!pattern.starts_with('/')) {
      reader.problem(place(table, "needs"), "'needs' must hold absolute paths");
    }
  }
  if (table.get("argv") != nullptr && manifest.argv.empty()) {
    reader.problem(place(table, "argv"), "'argv' must not be empty");
  }
  for (const std::string& word : manifest.argv)
    check_word(reader, place(table, "argv"), word, Lists::kAllowed);
  if (!manifest.argv.empty() && !begins_with_program(manifest)) {
    reader.problem(
        place(table, "argv"),
        "'argv' must begin with the program: {interpreter}, {source} or an absolute path");
  }
  check_environment(reader, table, manifest.env);
}

}  // namespace

bool is_script(std::string_view word) {
  return word.find_first_of(" \t\n") != std::string_view::npos;
}

std::optional<unsigned> memory_percentage(std::string_view placeholder) {
  constexpr std::string_view kName = "memory_mb";
  if (!placeholder.starts_with(kName)) return std::nullopt;
  std::string_view rest = placeholder.substr(kName.size());
  if (rest.empty()) return kWhole;
  if (!rest.starts_with('*') || !rest.ends_with('%')) return std::nullopt;
  rest = rest.substr(1, rest.size() - 2);
  unsigned percentage = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), percentage);
  const bool whole = error == std::errc{} && end == rest.data() + rest.size();
  if (!whole || percentage == 0 || percentage > kWhole) return std::nullopt;
  return percentage;
}

Result<Manifest> parse_manifest(std::string_view text, const std::string& path) {
  TomlReader reader(path);
  const toml::parse_result parsed = toml::parse(text, std::string_view(path));
  if (!parsed) {
    reader.problem(parsed.error().source(), std::string(parsed.error().description()));
    return fail(reader.take_error());
  }
  const toml::table& table = parsed.table();

  Manifest manifest;
  manifest.origin = path;
  reader.check_keys(table, known_keys());
  reader.read(table, "id", manifest.id);
  manifest.display_name = manifest.id;
  manifest.source_name = "main";
  reader.read(table, "display_name", manifest.display_name);
  reader.read(table, "extensions", manifest.extensions);
  reader.read(table, "shebangs", manifest.shebangs);
  reader.read(table, "magic", manifest.magic);
  reader.read(table, "aliases", manifest.aliases);
  reader.read(table, "tier", manifest.tier, kMostTier);
  read_programs(reader, table, "interpreter", manifest.interpreters);
  reader.read(table, "interpreter_for", manifest.interpreter_for);
  reader.read(table, "argv", manifest.argv);
  reader.read(table, "env", manifest.env);
  reader.read(table, "source_name", manifest.source_name);
  reader.read(table, "source_executable", manifest.source_executable);
  reader.read(table, "text", manifest.text);
  reader.read(table, "syscall_profile", manifest.syscall_profile);
  reader.read(table, "helper_tasks", manifest.helper_tasks, kMostHelpers);
  reader.read(table, "helper_files", manifest.helper_files, kMostHelpers);
  reader.read(table, "executable_work_dir", manifest.executable_work_dir);
  reader.read(table, "read_only_paths", manifest.read_only_paths);
  reader.read(table, "needs", manifest.needs);
  reader.read(table, "environment_marker", manifest.environment_marker);
  reader.read(table, "install", manifest.install);
  read_packages(reader, table, manifest);
  read_version(reader, table, manifest);
  read_versions(reader, table, manifest);
  read_limits(reader, table, manifest.limits);
  read_compile(reader, table, manifest);
  manifest.warm = read_template(reader, table, path);
  if (const toml::table* preload = sub_table(reader, table, "preload"); preload != nullptr) {
    read_preload(reader, *preload, read_template(reader, *preload, path), manifest);
  }
  check_manifest(reader, table, manifest);
  if (!reader.good()) return fail(reader.take_error());
  return manifest;
}

}  // namespace sandpit
