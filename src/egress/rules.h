// Which destinations a program may reach. Pure: nothing is looked up here. For the proxy alone.
//
// A name entry never matches an address, and an address entry never matches a name. What a listed
// name resolves to must be public, or be listed as an address as well: a name whose owner points it
// at 127.0.0.1 or 169.254.169.254 (DNS rebinding) opens nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "egress/address.h"

namespace sandpit::egress {

// Labels of lower-case letters, digits, '-' and '_', with dots between them (RFC 1035).
[[nodiscard]] bool is_host_name(std::string_view name);
// Does its last label read as a number, decimal, octal or hexadecimal? No top-level domain does,
// and inet_aton(3) and resolvers take such a name for an address.
[[nodiscard]] bool ends_in_number(std::string_view name);
// Lower case, without the last dot. None when it is no host name, and none for what resolvers take
// for an address ("0x7f.1", "2130706433", "127.0.0.1."): no top-level domain is a number.
[[nodiscard]] std::optional<std::string> host_name(std::string_view text);

using Host = std::variant<Address, std::string>;
// A strict literal address, else a host name.
[[nodiscard]] std::optional<Host> parse_host(std::string_view text);

// HOST:PORT as a program writes it. The host may still be no host at all: parse_host says.
struct Authority {
  std::string host;  // without brackets
  std::uint16_t port = 0;
};
// default_port 0: there must be a port. None for user information, an empty host, odd characters.
[[nodiscard]] std::optional<Authority> parse_authority(std::string_view text,
                                                       std::uint16_t default_port);

// An entry of an allow list.
struct AllowEntry {
  std::variant<Range, std::string> who;  // or a host name, in lower case
  std::optional<std::uint16_t> port;     // none: any
};
// HOST:PORT, 10.0.0.0/8:PORT, [::1]:PORT, [fd00::/8]:PORT; PORT is a number or *.
[[nodiscard]] Result<AllowEntry> parse_entry(std::string_view text);

class AllowList {
 public:
  // As parse_entry() reads it.
  [[nodiscard]] Result<void> add(std::string_view entry);

  [[nodiscard]] bool allows(const Host& host, std::uint16_t port) const;
  // May a connection go to an address because a listed name resolved to it?
  [[nodiscard]] bool allows_resolved(const Address& address, std::uint16_t port) const;
  // With any port: for DNS, where nobody has named one yet.
  [[nodiscard]] bool lists_name(std::string_view name) const;

 private:
  using Port = std::optional<std::uint16_t>;  // none: any
  struct NameEntry {
    std::string name;
    Port port;
  };
  struct RangeEntry {
    Range range;
    Port port;
  };
  std::vector<NameEntry> names_;
  std::vector<RangeEntry> ranges_;
};

}  // namespace sandpit::egress
