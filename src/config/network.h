// network = { mode = …, hosts = […] } of [security] and of a runtime. Only config/ includes it.
#pragma once

#include <optional>
#include <string_view>

#include "config/setting.h"
#include "config/state.h"
#include "config/toml_tree.h"
#include "config/values.h"
#include "sandpit/request.h"

namespace sandpit::config {

// "none", "loopback", "allow", "host".
[[nodiscard]] std::string_view name_of(NetworkMode mode);

// Nothing when the table is bad; what is wrong is in `problems` then.
[[nodiscard]] std::optional<Converted> convert_network(std::string_view key, const Node& node,
                                                       const Layer& layer, Problems& problems);

// Does `wanted` reach what `old` doesn't? Hosts are compared as they are written.
[[nodiscard]] bool reaches_more(const Network& old, const Network& wanted);

// The mode "allow" without hosts, neither its own nor those of a layer below or of [security].
void check_networks(const State& state, Problems& problems);

}  // namespace sandpit::config
