// Where the configuration's files are, and what a path written in one of them means. Only config/
// includes it.
#pragma once

#include <string>
#include <string_view>

#include "sandpit/error.h"

namespace sandpit::config {

// $HOME when it is an absolute path, else empty.
[[nodiscard]] std::string home_directory();
// $XDG_CONFIG_HOME/sandpit/sandbox.toml, else ~/.config/…; empty when neither is known.
[[nodiscard]] std::string default_user_file();
// $XDG_STATE_HOME/sandpit/trusted.toml, else ~/.local/state/…; empty when neither is known.
[[nodiscard]] std::string default_trust_file();

// The absolute path without symbolic links of an existing file or directory.
[[nodiscard]] Result<std::string> canonical(const std::string& path);

// `written` as an absolute path: ~/ is `home`, a relative path starts in `directory`. "." and ".."
// are resolved by text alone; a symbolic link keeps its name, because it is the name the program
// will see.
[[nodiscard]] Result<std::string> absolute_path(std::string_view written,
                                                const std::string& directory,
                                                const std::string& home);

// Absolute, no empty, "." or ".." component, not "/" itself.
[[nodiscard]] bool is_clean_inside_path(std::string_view path);

}  // namespace sandpit::config
