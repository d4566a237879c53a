// What a socket of the run's is for that the proxy serves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sandpit::egress {

enum class ListenerKind : std::uint8_t {
  kProxy,     // TCP: SOCKS5 and HTTP proxy clients
  kForward,   // TCP: each connection goes to a destination of the listener's own, if it is listed
  kOriginal,  // TCP: each connection goes to the address that it was made to (getsockname)
  kDns,       // UDP: says of every name that it doesn't exist, and reports it
};

inline constexpr std::array<std::string_view, 4> kListenerNames{"proxy", "forward", "original",
                                                                "dns"};
[[nodiscard]] constexpr std::string_view to_string(ListenerKind kind) {
  return kListenerNames.at(static_cast<std::size_t>(kind));
}

}  // namespace sandpit::egress
