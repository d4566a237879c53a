#include "egress/dns.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sandpit::egress::dns {
namespace {

constexpr std::size_t kHeaderSize = 12;
constexpr std::size_t kTypeAndClass = 4;
constexpr std::size_t kLongestLabel = 63;  // more is a compression pointer, or reserved
constexpr std::size_t kLongestName = 255;  // with its length bytes
constexpr unsigned kResponse = 0x80;       // of the third byte
constexpr unsigned kOpcode = 0x78;
constexpr unsigned kRecursionDesired = 0x01;
constexpr unsigned kRecursionAvailable = 0x80;  // of the fourth

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes.at(at));
}

unsigned word_at(std::string_view bytes, std::size_t at) {
  return byte_at(bytes, at) << 8U | byte_at(bytes, at + 1);
}

}  // namespace

std::optional<Query> parse_query(std::string_view packet) {
  if (packet.size() < kHeaderSize || packet.size() > kLargestQuery) return std::nullopt;
  const bool plain = (byte_at(packet, 2) & (kResponse | kOpcode)) == 0;
  // One question, no answers and authorities; EDNS comes as an additional record, which we ignore.
  if (!plain || word_at(packet, 4) != 1 || word_at(packet, 6) != 0 || word_at(packet, 8) != 0) {
    return std::nullopt;
  }
  Query query;
  std::size_t at = kHeaderSize;
  while (true) {
    if (at >= packet.size() || at - kHeaderSize >= kLongestName) return std::nullopt;
    const std::size_t length = byte_at(packet, at++);
    if (length == 0) break;
    if (length > kLongestLabel || packet.size() - at < length) return std::nullopt;
    if (!query.name.empty()) query.name += '.';
    for (const char c : packet.substr(at, length)) query.name += c == '.' ? '?' : c;
    at += length;
  }
  if (packet.size() - at < kTypeAndClass) return std::nullopt;
  query.question = packet.substr(kHeaderSize, at + kTypeAndClass - kHeaderSize);
  return query;
}

std::string answer(std::string_view packet, const Query& query, Code code) {
  std::string bytes(kHeaderSize, '\0');
  bytes[0] = packet[0];
  bytes[1] = packet[1];
  bytes[2] = static_cast<char>(kResponse | (byte_at(packet, 2) & kRecursionDesired));
  bytes[3] = static_cast<char>(kRecursionAvailable | static_cast<unsigned>(code));
  bytes[5] = 1;  // question
  return bytes += query.question;
}

}  // namespace sandpit::egress::dns
