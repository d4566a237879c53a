// One TOML node to one typed value, checked against its row of the schema. Only config/ includes
// it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "config/setting.h"
#include "config/toml_tree.h"

namespace sandpit::config {

struct Converted {
  Value value;
  std::vector<Place> element_places;
};

// Nothing when the node is bad; what is wrong is in `problems` then, `key` naming it.
[[nodiscard]] std::optional<Converted> convert_value(const KeySpec& spec, std::string_view key,
                                                     const Node& node, const Layer& layer,
                                                     Problems& problems);

// Letters, digits, - _ + . and none of -. at the start.
[[nodiscard]] bool is_name(std::string_view text);

}  // namespace sandpit::config
