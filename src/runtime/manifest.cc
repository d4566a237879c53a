#include "runtime/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/suggest.h"
#include "runtime/toml_reader.h"
#include "sandpit/error.h"

namespace sandpit {
namespace {

constexpr std::uint32_t kMostHelpers = 1024;

const std::vector<std::string_view>& known_keys() {
  static const std::vector<std::string_view> kKeys = {"id",
                                                      "display_name",
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
                                                      "environment_marker",
                                                      "version",
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

// Where a key's value stands, or the whole file when the key is not there.
const toml::source_region& place(const toml::table& table, std::string_view key) {
  const toml::node* node = table.get(key);
  return node != nullptr ? node->source() : table.source();
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
  for (const std::string_view name : placeholders_of(word)) {
    if (contains(kWordPlaceholders, name)) continue;
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

void read_interpreter(TomlReader& reader, const toml::table& table, Manifest& manifest) {
  const toml::node* node = table.get("interpreter");
  if (node != nullptr && node->is_string()) {
    manifest.interpreters.emplace_back(node->as_string()->get());
  } else {
    reader.read(table, "interpreter", manifest.interpreters);
  }
  reader.read(table, "interpreter_for", manifest.interpreter_for);
  for (const std::string& name : manifest.interpreters) {
    const bool relative_path = name.find('/') != std::string::npos && !name.starts_with('/');
    if (name.empty() || relative_path) {
      reader.problem(place(table, "interpreter"),
                     "'interpreter' must be a name or an absolute path");
    }
  }
}

void read_packages(TomlReader& reader, const toml::table& table, Manifest& manifest) {
  const toml::node* node = table.get("packages");
  if (node == nullptr) return;
  const toml::table* packages = node->as_table();
  if (packages == nullptr) {
    reader.problem(node->source(), "'packages' must be a table");
    return;
  }
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
  const toml::node* node = table.get("version");
  if (node == nullptr) return;
  const toml::table* version = node->as_table();
  if (version == nullptr) {
    reader.problem(node->source(), "'version' must be a table");
    return;
  }
  reader.check_keys(*version, {"argv", "after"});
  reader.read(*version, "argv", manifest.version_argv);
  reader.read(*version, "after", manifest.version_after);
  for (const std::string& word : manifest.version_argv) {
    if (word.find('{') != std::string::npos && word != "{interpreter}") {
      reader.problem(place(*version, "argv"),
                     "'version.argv' knows the placeholder '{interpreter}' only");
    }
  }
}

// What these stand for is absolute, as what is started must be.
bool begins_with_program(const Manifest& manifest) {
  const std::string_view word = manifest.argv.front();
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
  for (const std::string& path : manifest.read_only_paths) {
    if (!path.starts_with('/')) {
      reader.problem(place(table, "read_only_paths"),
                     fmt::format("'{}' must be an absolute path", path));
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
  for (const auto& [key, value] : manifest.env) {
    check_word(reader, place(table, "env"), value, Lists::kRefused);
    if (key.empty() || key.find('=') != std::string::npos) {
      reader.problem(place(table, "env"), fmt::format("'{}' is no name for a variable", key));
    }
  }
}

}  // namespace

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
  read_interpreter(reader, table, manifest);
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
  reader.read(table, "environment_marker", manifest.environment_marker);
  reader.read(table, "install", manifest.install);
  read_packages(reader, table, manifest);
  read_version(reader, table, manifest);
  check_manifest(reader, table, manifest);
  if (!reader.good()) return fail(reader.take_error());
  return manifest;
}

}  // namespace sandpit
