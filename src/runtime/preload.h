// Modules that a template has loaded before runs are forked from it.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "runtime/manifest.h"
#include "runtime/toml_reader.h"
#include "sandpit/config.h"
#include "sandpit/runtime.h"

namespace sandpit {

// As `import` and `require` take it: letters, digits, '_', '-', '.', '/', ':', '@'.
[[nodiscard]] bool is_module_name(std::string_view name);

// The manifest's [preload] table and its own [preload.warm], if any; after [warm].
void read_preload(TomlReader& reader, const toml::table& preload,
                  std::optional<ManifestTemplate> warm, Manifest& manifest);

// How a template is started for these settings. `manifest` has a [warm] table.
[[nodiscard]] const ManifestTemplate& template_for(const Manifest& manifest,
                                                   const RuntimeSettings& mine);

// The manifest's and the user's modules, for the step's template, and what of the environment they
// need. Error kUsage for a name that is none, or a runtime that has no preloads.
[[nodiscard]] Result<void> add_preload(const Manifest& manifest, const RuntimeSettings& mine,
                                       Step& run);

}  // namespace sandpit
