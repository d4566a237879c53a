// Numbers with units, as the configuration and the command line's options write them. Anyone may
// use it.
//
//   parse_bytes("256MiB")    KB and KiB both mean 1024 bytes, as in ulimit(1); case does not matter
//   parse_duration("1.5s")   ms, s, m (or min), h
#pragma once

#include <string_view>

#include "sandpit/error.h"
#include "sandpit/units.h"

namespace sandpit {

// Errors kUsage: no number, no unit or an unknown one, too large. Fractions are rounded to the
// nearest whole.
[[nodiscard]] Result<ByteCount> parse_bytes(std::string_view text);
[[nodiscard]] Result<Milliseconds> parse_duration(std::string_view text);

}  // namespace sandpit
