// Reading a small text file that somebody else may have made, and replacing one of ours. Only
// config/ includes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sandpit/error.h"

namespace sandpit::config {

struct ReadFile {
  std::string text;
  bool private_to_us = false;  // owned by us or root, and nobody else may write it
};

// The content of a regular file of at most 1 MiB; nothing when there is none. Never blocks on a
// FIFO or device.
[[nodiscard]] Result<std::optional<ReadFile>> read_small_file(const std::string& path);

// Puts `text` in the place of the file `path` in one step (temporary file, fsync, rename), mode
// 0600. Missing directories above it are made with mode 0700.
[[nodiscard]] Result<void> make_directories_above(const std::string& path);
[[nodiscard]] Result<void> replace_file(const std::string& path, std::string_view text);

}  // namespace sandpit::config
