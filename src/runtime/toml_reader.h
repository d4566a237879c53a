// Reads typed values out of a TOML table and remembers every problem with its place. Used by
// manifest.cc and preload.cc.
#pragma once

#include <fmt/format.h>

#define TOML_ENABLE_FORMATTERS 0
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/suggest.h"
#include "sandpit/error.h"
#include "sys/tomlplusplus.h"

namespace sandpit {

class TomlReader {
 public:
  explicit TomlReader(std::string path) : path_(std::move(path)) {}

  // file:line:column
  [[nodiscard]] std::string where(const toml::source_region& region) const {
    return fmt::format("{}:{}:{}", path_, region.begin.line, region.begin.column);
  }

  void problem(const toml::source_region& region, std::string message, std::string hint = {}) {
    problems_.push_back(Error{.code = ErrorCode::kUsage,
                              .message = std::move(message),
                              .where = where(region),
                              .hint = std::move(hint)});
  }

  void check_keys(const toml::table& table, const std::vector<std::string_view>& known) {
    for (const auto& [key, value] : table) {
      if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
      problem(key.source(), fmt::format("unknown key '{}'", key.str()),
              suggestion(key.str(), known));
    }
  }

  void read(const toml::table& table, std::string_view key, std::string& into) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    if (const auto* text = node->as_string()) {
      into = text->get();
      check_no_nul(*node, key, into);
    } else {
      problem(node->source(), fmt::format("'{}' must be a string", key));
    }
  }

  void read(const toml::table& table, std::string_view key, bool& into) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    if (const auto* value = node->as_boolean()) {
      into = value->get();
    } else {
      problem(node->source(), fmt::format("'{}' must be true or false", key));
    }
  }

  // `most`: far above what any interpreter needs, so that a slip of the keyboard is found.
  void read(const toml::table& table, std::string_view key, std::uint32_t& into,
            std::uint32_t most) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    const auto* value = node->as_integer();
    if (value == nullptr || value->get() < 0 || value->get() > most) {
      problem(node->source(), fmt::format("'{}' must be a whole number from 0 to {}", key, most));
      return;
    }
    into = static_cast<std::uint32_t>(value->get());
  }

  void read(const toml::table& table, std::string_view key, std::vector<std::string>& into) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    const auto* list = node->as_array();
    if (list == nullptr) {
      problem(node->source(), fmt::format("'{}' must be a list of strings", key));
      return;
    }
    for (const toml::node& item : *list) {
      if (const auto* text = item.as_string()) {
        into.push_back(text->get());
        check_no_nul(item, key, into.back());
      } else {
        problem(item.source(), fmt::format("'{}' must hold strings only", key));
      }
    }
  }

  void read(const toml::table& table, std::string_view key,
            std::map<std::string, std::string>& into) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    const auto* map = node->as_table();
    if (map == nullptr) {
      problem(node->source(), fmt::format("'{}' must be a table of strings", key));
      return;
    }
    for (const auto& [name, item] : *map) {
      if (const auto* text = item.as_string()) {
        into[std::string(name.str())] = text->get();
        check_no_nul(item, name.str(), text->get());
      } else {
        problem(item.source(), fmt::format("'{}.{}' must be a string", key, name.str()));
      }
    }
  }

  [[nodiscard]] bool good() const { return problems_.empty(); }

  // The first problem, with the others inside. Only when !good().
  [[nodiscard]] Error take_error() { return first_with_others(std::exchange(problems_, {})); }

 private:
  // A NUL would end the word early once it is a C string for execve.
  void check_no_nul(const toml::node& node, std::string_view key, const std::string& text) {
    if (text.find('\0') != std::string::npos)
      problem(node.source(), fmt::format("'{}' holds a NUL", key));
  }

  std::string path_;
  std::vector<Error> problems_;
};

// Where a key's value stands, or the whole table when the key is not there.
[[nodiscard]] inline const toml::source_region& place(const toml::table& table,
                                                      std::string_view key) {
  const toml::node* node = table.get(key);
  return node != nullptr ? node->source() : table.source();
}

// Null when it is not there, or is no table, which is then a problem.
[[nodiscard]] inline const toml::table* sub_table(TomlReader& reader, const toml::table& table,
                                                  std::string_view key) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) reader.problem(node->source(), fmt::format("'{}' must be a table", key));
  return node->as_table();
}

}  // namespace sandpit
