// One layer's TOML to settings and profiles, every value checked by itself. Only config/ includes
// it.
#pragma once

#include "config/setting.h"
#include "config/toml_tree.h"

namespace sandpit::config {

// What is bad is in `problems` and left out of the result. `layer` must outlive the result.
[[nodiscard]] LayerContent read_layer(const Node& root, const Layer& layer, Problems& problems);

}  // namespace sandpit::config
