// The tables of a manifest, each with the problems that it has. For manifest.cc only.
#pragma once

#include <optional>
#include <string>

#include "runtime/manifest.h"
#include "runtime/toml_reader.h"
#include "sandpit/limits.h"
#include "sys/tomlplusplus.h"

namespace sandpit {

// Of `table`, the whole manifest: [compile], [limits], [packages], [version].
void read_compile(TomlReader& reader, const toml::table& table, Manifest& manifest);
void read_limits(TomlReader& reader, const toml::table& table, LimitOverrides& limits);
void read_packages(TomlReader& reader, const toml::table& table, Manifest& manifest);
void read_version(TomlReader& reader, const toml::table& table, Manifest& manifest);

// [warm] of the manifest or of [preload]: the template's command. It is started before any program
// is there. `path` is the manifest's.
[[nodiscard]] std::optional<ManifestTemplate> read_template(TomlReader& reader,
                                                            const toml::table& table,
                                                            const std::string& path);

}  // namespace sandpit
