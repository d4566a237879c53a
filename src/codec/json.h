// Boost.JSON behind three functions; the other files of codec/ build values and render them here.
// Private to codec/.
//
// Third-party exceptions: Boost.JSON throws only for lack of memory and for sizes above 2 GiB
// (parse is called with an error code, value_from never); both end the process, as any other lack
// of memory does.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sandpit/units.h"

namespace sandpit::codec {

enum class Layout : std::uint8_t { kCompact, kIndented };

// Numbers print as people write them (12.345, not 1.2345E1). Ends with a newline.
[[nodiscard]] std::string render(const boost::json::value& value, Layout layout);

// RFC 4648 section 4, padded.
[[nodiscard]] std::string base64(std::string_view bytes);

// Text that is ours or should be text: bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] boost::json::string text(std::string_view bytes);

// Bytes that must survive (paths, arguments): as text, and when they are not UTF-8 also as
// `<key>_base64`.
void put_bytes(boost::json::object& object, std::string_view key, std::string_view bytes);
// The same for lists: `<key>_base64` then holds every element.
void put_bytes(boost::json::object& object, std::string_view key,
               std::span<const std::string> list);

[[nodiscard]] boost::json::array text_array(std::span<const std::string> list);
// Milliseconds with three decimals at most.
[[nodiscard]] double milliseconds(Microseconds time);

}  // namespace sandpit::codec
