#include "egress/socks.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "egress/address.h"

namespace sandpit::egress::socks {
namespace {

constexpr char kConnect = 1;
constexpr std::size_t kHeadSize = 4;  // version, command, reserved, type of address
constexpr std::size_t kPortSize = 2;

enum AddressType : std::uint8_t { kIPv4 = 1, kName = 3, kIPv6 = 4 };

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes.at(at));
}

Request malformed(Reply reply) { return {.step = Step::kMalformed, .reply = reply}; }

template <class Bytes>
std::string address_text(std::string_view bytes) {
  Bytes address{};
  std::copy_n(bytes.begin(), address.size(), address.begin());
  return Address(address).to_string();
}

}  // namespace

Greeting parse_greeting(std::string_view bytes) {
  if (!bytes.empty() && bytes[0] != kVersion) return {.step = Step::kMalformed};
  if (bytes.size() < 2) return {};
  const std::size_t size = 2 + byte_at(bytes, 1);
  if (bytes.size() < size) return {};
  return {.step = Step::kDone, .size = size, .anonymous = bytes.substr(2, size - 2).contains('\0')};
}

std::string_view method_reply(const Greeting& greeting) {
  using namespace std::string_view_literals;
  return greeting.anonymous ? "\x05\x00"sv : "\x05\xff"sv;
}

Request parse_request(std::string_view bytes) {
  if (!bytes.empty() && bytes[0] != kVersion) return malformed(Reply::kGeneralFailure);
  if (bytes.size() >= 2 && bytes[1] != kConnect) return malformed(Reply::kCommandNotSupported);
  // With the first byte of the address, which is the length of a name.
  if (bytes.size() < kHeadSize + 1) return {};
  std::size_t offset = kHeadSize;
  std::size_t length = 0;
  const unsigned type = byte_at(bytes, 3);
  if (type == kIPv4) length = 4;
  if (type == kIPv6) length = 16;
  if (type == kName) length = byte_at(bytes, offset++);
  if (length == 0) {
    return malformed(type == kName ? Reply::kGeneralFailure : Reply::kAddressTypeNotSupported);
  }
  const std::size_t size = offset + length + kPortSize;
  if (bytes.size() < size) return {};
  const std::string_view host = bytes.substr(offset, length);
  Request request{.step = Step::kDone, .size = size};
  if (type == kIPv4) request.host = address_text<Address::V4>(host);
  if (type == kIPv6) request.host = address_text<Address::V6>(host);
  if (type == kName) request.host = host;
  request.port =
      static_cast<std::uint16_t>(byte_at(bytes, size - 2) << 8U | byte_at(bytes, size - 1));
  return request;
}

std::string request_reply(Reply reply) {
  // The bound address is of no use to a client of CONNECT: 0.0.0.0:0.
  std::string bytes(kHeadSize + 4 + kPortSize, '\0');
  bytes[0] = kVersion;
  bytes[1] = static_cast<char>(reply);
  bytes[3] = kIPv4;
  return bytes;
}

}  // namespace sandpit::egress::socks
