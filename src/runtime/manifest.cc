#include "runtime/manifest.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "runtime/manifest_checks.h"
#include "runtime/manifest_tables.h"
#include "runtime/preload.h"
#include "runtime/toml_reader.h"
#include "sandpit/error.h"

namespace sandpit {
namespace {

constexpr std::uint32_t kMostTier = 2;
constexpr unsigned kWhole = 100;

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

// What these stand for is absolute, as what is started must be. In a script nothing is replaced.
bool begins_with_program(const Manifest& manifest) {
  const std::string_view word = manifest.argv.front();
  if (is_script(word)) return word.starts_with('/');
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
        "'argv' must begin with the program: {interpreter}, {source} or an absolute path",
        is_script(manifest.argv.front()) ? "each argument is a word of its own" : "");
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
  manifest.extensions_place = reader.where(place(table, "extensions"));
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
  read_versions(reader, table, manifest.versions);
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
