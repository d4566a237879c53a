// What several tables of a manifest hold, and what must be true of it. Each adds its problems to
// the reader. For manifest.cc and manifest_tables.cc only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/toml_reader.h"
#include "sys/tomlplusplus.h"

namespace sandpit {

inline constexpr std::uint32_t kMostHelpers = 1024;  // tasks or open files of an interpreter's own

// An id or alias.
[[nodiscard]] bool is_name(std::string_view text);
[[nodiscard]] bool is_file_name(std::string_view text);

// "{name" up to "}" of each placeholder in a word; an unclosed brace is no placeholder.
[[nodiscard]] std::vector<std::string_view> placeholders_of(std::string_view word);

// Whether placeholders that stand for several words can stand there.
enum class Lists : std::uint8_t { kAllowed, kRefused };
void check_word(TomlReader& reader, const toml::source_region& where, std::string_view word,
                Lists lists);

void check_environment(TomlReader& reader, const toml::table& table,
                       const std::map<std::string, std::string>& environment);
void check_read_only_paths(TomlReader& reader, const toml::table& table,
                           const std::vector<std::string>& paths);
// Here rather than when the first program is run: the manifest's author is still looking.
void check_profile(TomlReader& reader, const toml::table& table, const std::string& name);

// One program or a list of candidates.
void read_programs(TomlReader& reader, const toml::table& table, std::string_view key,
                   std::vector<std::string>& programs);
// version -> program
void read_versions(TomlReader& reader, const toml::table& table,
                   std::map<std::string, std::string>& versions);

}  // namespace sandpit
