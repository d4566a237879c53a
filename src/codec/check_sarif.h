// What `sandpit check --sarif` prints: SARIF 2.1.0 (OASIS), for editors and code hosts.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "codec/check_json.h"

namespace sandpit {

// One document for all files, with a newline at its end.
[[nodiscard]] std::string checks_to_sarif(std::span<const FileCheck> checks,
                                          std::string_view version);

}  // namespace sandpit
