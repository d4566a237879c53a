// What `sandpit runtimes --json` prints: an array of objects, indented.
#pragma once

#include <span>
#include <string>

#include "sandpit/runtime.h"

namespace sandpit {

// "ready", "not_installed", "not_built".
[[nodiscard]] const char* to_word(RuntimeState state);
// "ready", "not installed", "not built".
[[nodiscard]] const char* to_text(RuntimeState state);

[[nodiscard]] std::string runtimes_to_json(std::span<const RuntimeInfo> runtimes);
[[nodiscard]] std::string runtime_to_json(const RuntimeInfo& runtime);

}  // namespace sandpit
