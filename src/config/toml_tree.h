// A parsed TOML document as our own plain tree, so that one file alone includes toml++. Only
// config/ includes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/setting.h"
#include "sandpit/error.h"

namespace sandpit::config {

struct Entry;

struct Node {
  struct Other {
    std::string_view what;  // "a date" …: types that no key takes
  };
  using Table = std::vector<Entry>;  // in the order of the file
  using Array = std::vector<Node>;

  std::variant<Other, bool, std::int64_t, double, std::string, Array, Table> value;
  Place place;

  template <class T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&value);
  }
  // "a number", "a table" …, for messages.
  [[nodiscard]] std::string_view type_name() const;
};

struct Entry {
  std::string key;
  Place key_place;
  Node node;
};

// The document's root table. A syntax error (only the first of a file can be known) is added to
// `problems`, and what is returned is empty.
[[nodiscard]] Node parse_toml(std::string_view text, const Layer& layer, Problems& problems);

}  // namespace sandpit::config
