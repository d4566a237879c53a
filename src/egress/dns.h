// As much of DNS (RFC 1035) as it takes to say no: one question is read, and answered without any
// record. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sandpit::egress::dns {

inline constexpr std::size_t kLargestQuery = 4096;  // what clients with EDNS offer; bytes

struct Query {
  std::string name;           // "example.com"; a dot inside a label is written as '?'
  std::string_view question;  // its bytes in the packet: name, type, class
};
// None for whatever is not one plain question.
[[nodiscard]] std::optional<Query> parse_query(std::string_view packet);

enum class Code : std::uint8_t { kNoError = 0, kNoSuchName = 3 };
// `query` was parsed from `packet`.
[[nodiscard]] std::string answer(std::string_view packet, const Query& query, Code code);

}  // namespace sandpit::egress::dns
