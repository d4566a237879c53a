// Which project files the user trusts: by canonical path and content. For the command line
// (`sandpit trust DIR`) and Config::load.
//
// The record is a TOML file of the user's, mode 0600, in a directory of mode 0700, replaced in one
// step. A file that changed since is no longer trusted. Several processes may change the record at
// the same time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sandpit/error.h"

namespace sandpit {

// Trusts the configuration file of `dir` (sandbox.toml, else config/sandbox.toml) as it is now.
// `trust_file` empty: $XDG_STATE_HOME/sandpit/trusted.toml, else
// ~/.local/state/sandpit/trusted.toml. Error kUsage when there is no such file or it can't be read,
// kSystem when the record can't be written.
[[nodiscard]] Result<void> trust_directory(const std::string& dir, std::string trust_file);
// Error kUsage when no file of `dir` was trusted. A directory that is gone can be named by its
// canonical path.
[[nodiscard]] Result<void> untrust_directory(const std::string& dir, std::string trust_file);

enum class TrustState : std::uint8_t { kUnknown, kTrusted, kChanged };

// Of the file at `canonical_path` (the directory's canonical path and the file's name below it)
// with this content. Error kUsage when the record can't be read or others may write it.
[[nodiscard]] Result<TrustState> look_up_trust(const std::string& canonical_path,
                                               std::string_view content, std::string trust_file);

}  // namespace sandpit
