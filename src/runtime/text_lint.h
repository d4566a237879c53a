// What can be said of a source file without knowing its language: is it text at all? Used by
// ManifestRuntime.
#pragma once

#include <string_view>

#include "sandpit/runtime.h"

namespace sandpit {

[[nodiscard]] LintReport lint_text(std::string_view source);

}  // namespace sandpit
