// One entry of a list of hosts (network.hosts, runtimes.wasm.network, --net): which address or
// name, and which port. Anyone above config/ may use it. Names are not looked up here.
#pragma once

#include <string>
#include <string_view>

#include "sandpit/error.h"

namespace sandpit::config {

// "example.com:443", "10.0.0.0/8:5432", "[::1]:80", "[fd00::/8]:*": with a port or "*", names in
// lower case. Without a port it stands for every port: "example.com" becomes "example.com:*".
// The error names the whole entry.
[[nodiscard]] Result<std::string> network_entry(std::string_view text);

}  // namespace sandpit::config
