// IP addresses and ranges of them. Pure; only rules.h and the proxy include it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sandpit::egress {

// An IPv4 address is kept as ::ffff:a.b.c.d, and so an address that wraps one (IPv4-mapped, or the
// obsolete IPv4-compatible ::a.b.c.d) is equal to it: no other spelling gets past a rule.
class Address {
 public:
  using V4 = std::array<std::uint8_t, 4>;
  using V6 = std::array<std::uint8_t, 16>;

  explicit Address(const V4& bytes);
  explicit Address(const V6& bytes);
  // IPv4, host byte order.
  explicit Address(std::uint32_t number);
  // Four decimal numbers without leading zeros, or IPv6 without brackets and zone (inet_pton(3)).
  [[nodiscard]] static std::optional<Address> parse(std::string_view text);

  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] V4 v4() const;
  [[nodiscard]] std::uint32_t v4_number() const;  // host byte order
  [[nodiscard]] const V6& v6() const { return bytes_; }
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const Address&, const Address&) = default;

 private:
  V6 bytes_{};
};

class Range {
 public:
  // "10.0.0.0/8", "fd00::/8", or one address. No bit may be set beyond the prefix.
  [[nodiscard]] static std::optional<Range> parse(std::string_view text);
  // Of an IPv4 network: its first address (host byte order), and how many of the 32 bits count.
  [[nodiscard]] static Range of_v4(std::uint32_t first, unsigned prefix);
  [[nodiscard]] bool contains(const Address& address) const;
  [[nodiscard]] bool is_v4() const { return first_.is_v4(); }
  [[nodiscard]] std::uint32_t v4_first() const { return first_.v4_number(); }
  [[nodiscard]] unsigned v4_prefix() const;

 private:
  Range(const Address& first, unsigned bits) : first_(first), bits_(bits) {}
  Address first_;
  unsigned bits_;  // of the 16 bytes
};

// Private, local, reserved, or standing for another address: nothing that a name may lead to.
[[nodiscard]] bool is_special(const Address& address);

}  // namespace sandpit::egress
