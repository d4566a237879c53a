// SHA-256 (FIPS 180-4), for recognising a file's content. Anyone may use it. Not meant for secrets:
// it makes no attempt at constant time.
#pragma once

#include <string>
#include <string_view>

namespace sandpit {

// The digest of `data`, as 64 lower-case hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::string_view data);

}  // namespace sandpit
