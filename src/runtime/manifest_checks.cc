#include "runtime/manifest_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/suggest.h"
#include "runtime/manifest.h"
#include "runtime/toml_reader.h"
#include "sys/seccomp.h"
#include "sys/tomlplusplus.h"

namespace sandpit {
namespace {

bool contains(const auto& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

// A name that is looked up, or a path: "/opt/x/bin/y", "~/x/y".
bool is_program(std::string_view name) {
  return !name.empty() && (name.find('/') == std::string_view::npos || name.starts_with('/') ||
                           name.starts_with("~/"));
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-' || c == '_' || c == '+';
  });
}

bool is_file_name(std::string_view text) {
  return !text.empty() && text != "." && text != ".." && text.find('/') == std::string_view::npos;
}

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

void check_profile(TomlReader& reader, const toml::table& table, const std::string& name) {
  if (name.empty() || sys::builtin_profile(name) != nullptr) return;
  reader.problem(place(table, "syscall_profile"), fmt::format("no system-call profile '{}'", name),
                 suggestion(name, sys::builtin_profile_names()));
}

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

void read_versions(TomlReader& reader, const toml::table& table,
                   std::map<std::string, std::string>& versions) {
  reader.read(table, "versions", versions);
  for (const auto& [version, name] : versions) {
    if (version.empty() || !is_program(name)) {
      reader.problem(place(table, "versions"),
                     fmt::format("'versions.{}' must be a name or an absolute path", version));
    }
  }
}

}  // namespace sandpit
