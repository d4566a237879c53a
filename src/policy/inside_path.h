// Paths inside the jail: what is a good one, and which places are taken. Pure text, no file system.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sandpit {

// "/a/./b//c/" -> "/a/b/c". Empty when `path` is not absolute, or has a ".." or a NUL in it: ".."
// inside a jail would be resolved by whatever is mounted there, so it is refused rather than
// guessed.
[[nodiscard]] std::optional<std::string> normalised_inside(std::string_view path);

// Is `path` the same as `directory` or beneath it? Both normalised.
[[nodiscard]] bool is_within(std::string_view path, std::string_view directory);

// Why a grant at `inside` would break the jail, as the end of a sentence ("it would hide /usr");
// empty when it is fine.
[[nodiscard]] std::string why_not_mountable(std::string_view inside, std::string_view working_dir);

}  // namespace sandpit
