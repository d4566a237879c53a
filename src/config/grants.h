// allowed_paths: the list of host paths that a run may see. Only config/ includes it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "config/setting.h"
#include "config/toml_tree.h"

namespace sandpit::config {

struct Grants {
  std::vector<PathGrant> grants;
  std::vector<Place> places;
};

// Nothing when the list or an element is bad; what is wrong is in `problems` then.
[[nodiscard]] std::optional<Grants> convert_grants(std::string_view key, const Node& node,
                                                   const Layer& layer, Problems& problems);

// Where the program sees it.
[[nodiscard]] std::string_view inside_of(const PathGrant& grant);

}  // namespace sandpit::config
