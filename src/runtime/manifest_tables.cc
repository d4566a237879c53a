#include "runtime/manifest_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/manifest.h"
#include "runtime/manifest_checks.h"
#include "runtime/toml_reader.h"
#include "sandpit/limits.h"
#include "sandpit/units.h"
#include "sys/tomlplusplus.h"

namespace sandpit {
namespace {

constexpr std::array<std::string_view, 5> kWordsOfOneRun = {"source", "source_name", "stem",
                                                            "sources", "args"};

bool is_of_one_run(std::string_view placeholder) {
  return std::ranges::find(kWordsOfOneRun, placeholder) != kWordsOfOneRun.end();
}

// In a script ("{compiler} -O2" as one word) nothing is replaced.
bool begins_with_compiler(const std::vector<std::string>& argv) {
  if (argv.empty()) return false;
  const std::string& word = argv.front();
  return word.starts_with('/') || (word.starts_with("{compiler}") && !is_script(word));
}

// A compiler's command: `argv` of [compile] and [compile.warm].
void check_compiler_argv(TomlReader& reader, const toml::table& table,
                         const std::vector<std::string>& argv) {
  for (const std::string& word : argv) {
    check_word(reader, place(table, "argv"), word, Lists::kAllowed);
  }
  if (!begins_with_compiler(argv)) {
    reader.problem(
        place(table, "argv"), "'compile.argv' must begin with {compiler} or an absolute path",
        !argv.empty() && is_script(argv.front()) ? "each argument is a word of its own" : "");
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
      if (is_of_one_run(name)) {
        reader.problem(
            place(*warm, "argv"),
            fmt::format("'{{{}}}' can't stand here: what is made is for every source", name));
      }
    }
  }
  check_environment(reader, *warm, made.env);
  compile.warm = std::move(made);
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

}  // namespace

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
      if (is_of_one_run(name) && name != "source" && name != "args") {
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

}  // namespace sandpit
