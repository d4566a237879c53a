#include "egress/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace sandpit::egress {
namespace {

constexpr std::size_t kV4Offset = 12;  // of an IPv4 address in the 16 bytes
constexpr unsigned kV4Bits = 96;

// IANA's special-purpose registries (RFC 6890 and its updates).
constexpr std::array<std::string_view, 17> kSpecialV4{
    "0.0.0.0/8",         // this host: Linux connects 0.0.0.0 to itself
    "10.0.0.0/8",        // private
    "100.64.0.0/10",     // behind a carrier's NAT
    "127.0.0.0/8",       // loopback
    "168.63.129.16/32",  // Azure's own services
    "169.254.0.0/16",    // link-local: the metadata services of clouds
    "172.16.0.0/12",     // private
    "192.0.0.0/24",      // protocol assignments
    "192.0.2.0/24",      // documentation
    "192.88.99.0/24",    // 6to4 relays
    "192.168.0.0/16",    // private
    "198.18.0.0/15",     // benchmarks
    "198.51.100.0/24",   // documentation
    "203.0.113.0/24",    // documentation
    "224.0.0.0/4",       // multicast
    "240.0.0.0/4",       // reserved, broadcast
    "255.255.255.255/32",
};
// Only 2000::/3 is given out to the public. The rest has loopback, NAT64 (64:ff9b::/96), SIIT
// (::ffff:0:0:0/96), discard (100::/64), SRv6 (5f00::/16), fc00::/7, fe80::/10, ff00::/8.
constexpr std::array<std::string_view, 7> kSpecialV6{
    "::/3",          "4000::/2", "8000::/1",
    "2001::/23",      // protocol assignments, Teredo
    "2001:db8::/32",  // documentation
    "2002::/16",      // 6to4: an IPv4 address inside
    "3fff::/20",      // documentation
};

bool any_contains(const auto& ranges, const Address& address) {
  return std::ranges::any_of(ranges, [&](std::string_view text) {
    const auto range = Range::parse(text);
    return range && range->contains(address);
  });
}

}  // namespace

Address::Address(const V4& bytes) {
  bytes_[10] = bytes_[11] = 0xff;
  std::ranges::copy(bytes, bytes_.begin() + kV4Offset);
}

Address::Address(std::uint32_t number)
    : Address(V4{static_cast<std::uint8_t>(number >> 24U), static_cast<std::uint8_t>(number >> 16U),
                 static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)}) {}

Address::Address(const V6& bytes) : bytes_(bytes) {
  const bool zeros = std::all_of(bytes_.begin(), bytes_.begin() + kV4Offset,
                                 [](std::uint8_t byte) { return byte == 0; });
  // :: and ::1 are IPv6 addresses of their own.
  const bool own = bytes_[12] == 0 && bytes_[13] == 0 && bytes_[14] == 0 && bytes_[15] <= 1;
  if (zeros && !own) bytes_[10] = bytes_[11] = 0xff;
}

std::optional<Address> Address::parse(std::string_view text) {
  // inet_pton would stop at a zero byte.
  if (text.contains('\0')) return std::nullopt;
  const std::string terminated(text);
  V4 v4{};
  if (::inet_pton(AF_INET, terminated.c_str(), v4.data()) == 1) return Address(v4);
  V6 v6{};
  if (::inet_pton(AF_INET6, terminated.c_str(), v6.data()) == 1) return Address(v6);
  return std::nullopt;
}

bool Address::is_v4() const {
  return bytes_[10] == 0xff && bytes_[11] == 0xff &&
         std::all_of(bytes_.begin(), bytes_.begin() + 10,
                     [](std::uint8_t byte) { return byte == 0; });
}

Address::V4 Address::v4() const { return {bytes_[12], bytes_[13], bytes_[14], bytes_[15]}; }

std::uint32_t Address::v4_number() const {
  return std::uint32_t{bytes_[12]} << 24U | std::uint32_t{bytes_[13]} << 16U |
         std::uint32_t{bytes_[14]} << 8U | bytes_[15];
}

std::string Address::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = is_v4() ? bytes_.data() + kV4Offset : bytes_.data();
  ::inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes, text.data(), text.size());
  return text.data();
}

std::optional<Range> Range::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view address_text = text.substr(0, slash);
  const auto address = Address::parse(address_text);
  if (!address) return std::nullopt;
  const bool v6_text = address_text.contains(':');
  unsigned bits = v6_text ? 128 : 32;
  if (slash != std::string_view::npos) {
    const std::string_view prefix = text.substr(slash + 1);
    const unsigned most = bits;
    const auto [end, error] = std::from_chars(prefix.data(), prefix.data() + prefix.size(), bits);
    if (error != std::errc() || end != prefix.data() + prefix.size() || bits > most) {
      return std::nullopt;
    }
  }
  if (!v6_text) bits += kV4Bits;
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8; with a shorter prefix it would be half IPv4, half IPv6.
  if (address->is_v4() && bits < kV4Bits) return std::nullopt;
  for (unsigned bit = bits; bit < 128; ++bit) {
    if ((address->v6().at(bit / 8) >> (7U - bit % 8U) & 1U) != 0) return std::nullopt;
  }
  return Range(*address, bits);
}

Range Range::of_v4(std::uint32_t first, unsigned prefix) {
  return {Address(first), kV4Bits + prefix};
}

unsigned Range::v4_prefix() const { return bits_ - kV4Bits; }

bool Range::contains(const Address& address) const {
  // [::/0] is every IPv6 address, and none of the IPv4 addresses, which lie there as bytes only.
  if (address.is_v4() != first_.is_v4()) return false;
  for (unsigned bit = 0; bit < bits_; ++bit) {
    const unsigned difference = address.v6().at(bit / 8) ^ first_.v6().at(bit / 8);
    if ((difference >> (7U - bit % 8U) & 1U) != 0) return false;
  }
  return true;
}

bool is_special(const Address& address) {
  return address.is_v4() ? any_contains(kSpecialV4, address) : any_contains(kSpecialV6, address);
}

}  // namespace sandpit::egress
