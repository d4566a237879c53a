// What the Plan of a run adds whose network is a list of hosts (NetworkMode::kAllow): the sockets
// that listen in the run's own namespace and are served by a proxy outside, and the addresses under
// which the run finds them. Nothing else leads out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "egress/listener_kind.h"  // IWYU pragma: export

namespace sandpit {

struct EgressSocket {
  egress::ListenerKind kind = egress::ListenerKind::kProxy;
  std::uint32_t address = 0;  // IPv4, host byte order; 0: all of the run's
  std::uint16_t port = 0;
  std::string target;  // of kForward: "HOST:PORT"
};

// An IPv4 network all of whose addresses are the run's own.
struct EgressNetwork {
  std::uint32_t address = 0;  // host byte order
  std::uint32_t prefix = 0;   // 1 to 32
};

// A line of the run's /etc/hosts.
struct EgressName {
  std::string name;
  std::uint32_t address = 0;
};

struct EgressPlan {
  std::vector<std::string> hosts;  // "HOST:PORT", "10.0.0.0/8:5432", "[::1]:80", "HOST:*"
  std::vector<EgressNetwork> networks;
  std::vector<EgressSocket> sockets;
  std::vector<EgressName> names;
};

inline constexpr std::uint16_t kEgressProxyPort = 3128;

// `hosts` as config::network_entry() writes them. Each name gets an address of its own in
// 127.77.0.0/16, with a socket for its port (80 and 443 where any is allowed); IPv4 addresses and
// networks become the run's own, with a socket for theirs. What has no socket, because it is IPv6,
// has no certain port or comes after the 64th, is reached by asking the proxy.
[[nodiscard]] EgressPlan plan_egress(const std::vector<std::string>& hosts);

// "1.2.3.4"; host byte order.
[[nodiscard]] std::string ipv4_text(std::uint32_t address);

}  // namespace sandpit
