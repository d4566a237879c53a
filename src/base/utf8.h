// UTF-8 as data: is it valid, where does it end, and how is it shown safely. Anyone may use it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sandpit {

// The length of the valid UTF-8 sequence that `text` starts with: 1 to 4, or 0 when it does not
// start with one (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view text);

[[nodiscard]] bool is_valid_utf8(std::string_view text);

// Every byte that is not part of a valid sequence becomes U+FFFD.
[[nodiscard]] std::string replace_invalid_utf8(std::string_view text);

// Fit for a terminal: control characters, invalid bytes and characters that change the direction of
// text become
// "\n", "\t", "\x1b", "\u202e". Backslashes stay, so the result is for people and can't be turned
// back.
[[nodiscard]] std::string printable(std::string_view text);

// Letters of ASCII only; every other byte stays.
[[nodiscard]] std::string ascii_lower(std::string_view text);

}  // namespace sandpit
