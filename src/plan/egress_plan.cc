#include "plan/egress_plan.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sandpit {
namespace {

constexpr std::uint32_t kLoopback = 0x7f000001;
constexpr std::uint32_t kFirstName = 0x7f4d0001;  // 127.77.0.1
constexpr std::size_t kMostSockets = 64;
constexpr std::size_t kMostNetworks = 64;
constexpr std::uint16_t kDnsPort = 53;
// With a wider network hardly anything would fail at once.
constexpr std::uint32_t kWidest = 1;

// An entry of the list, taken apart.
struct Entry {
  std::string_view text;
  std::string_view host;
  std::uint16_t port = 0;  // 0: any
};

std::optional<Entry> taken_apart(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Entry entry{.text = text, .host = text.substr(0, colon)};
  const std::string_view port = text.substr(colon + 1);
  if (port == "*") return entry;
  const auto [end, error] = std::from_chars(port.begin(), port.end(), entry.port);
  if (error != std::errc() || end != port.end() || entry.port == 0) return std::nullopt;
  return entry;
}

std::optional<EgressNetwork> network_of(std::string_view host) {
  const std::size_t slash = host.find('/');
  const std::string address(host.substr(0, slash));
  in_addr parsed{};
  if (::inet_pton(AF_INET, address.c_str(), &parsed) != 1) return std::nullopt;
  EgressNetwork network{.address = ntohl(parsed.s_addr), .prefix = 32};
  if (slash != std::string_view::npos) {
    const std::string_view prefix = host.substr(slash + 1);
    (void)std::from_chars(prefix.begin(), prefix.end(), network.prefix);
    if (network.prefix > 32) return std::nullopt;
  }
  if (network.prefix < 32) network.address &= ~(0xffffffffU >> network.prefix);
  return network;
}

// Can the loopback interface have it? Not what is no unicast address, nor what it has already.
bool can_be_local(const EgressNetwork& network) {
  constexpr std::uint32_t kFirstMulticast = 0xe0000000;
  const bool is_loopback = network.address >> 24U == 127;
  return network.prefix >= kWidest && network.address >> 24U != 0 && !is_loopback &&
         network.address < kFirstMulticast;
}

class Builder {
 public:
  explicit Builder(const std::vector<std::string>& hosts) { plan_.hosts = hosts; }

  EgressPlan build() && {
    plan_.sockets = {
        {.use = EgressUse::kProxy, .address = kLoopback, .port = kEgressProxyPort, .target = {}},
        {.use = EgressUse::kDns, .address = kLoopback, .port = kDnsPort, .target = {}}};
    for (const std::string& text : plan_.hosts) {
      if (const auto entry = taken_apart(text)) add(*entry);
    }
    return std::move(plan_);
  }

 private:
  void add(const Entry& entry) {
    if (entry.host.starts_with('[')) return;
    if (const auto network = network_of(entry.host)) {
      add_network(*network, entry.port);
    } else if (!entry.host.contains('/')) {
      add_name(entry);
    }
  }

  void add_network(const EgressNetwork& network, std::uint16_t port) {
    const bool own = network.address >> 24U == 127;
    if (port == 0 || (!own && !can_be_local(network))) return;
    const bool listens = listen({.use = EgressUse::kOriginal,
                                 .address = network.prefix == 32 ? network.address : 0,
                                 .port = port,
                                 .target = {}});
    const bool known = std::ranges::any_of(plan_.networks, [&](const EgressNetwork& other) {
      return other.address == network.address && other.prefix == network.prefix;
    });
    const bool room = plan_.networks.size() < kMostNetworks;
    if (listens && room && !own && !known) plan_.networks.push_back(network);
  }

  void add_name(const Entry& entry) {
    const std::string name(entry.host);
    const auto found = std::ranges::find(plan_.names, name, &EgressName::name);
    const std::uint32_t address = found != plan_.names.end()
                                      ? found->address
                                      : kFirstName + static_cast<std::uint32_t>(plan_.names.size());
    bool listens = false;
    const std::vector<std::uint16_t> ports = entry.port != 0
                                                 ? std::vector<std::uint16_t>{entry.port}
                                                 : std::vector<std::uint16_t>{80, 443};
    for (const std::uint16_t port : ports) {
      listens |= listen({.use = EgressUse::kForward,
                         .address = address,
                         .port = port,
                         .target = fmt::format("{}:{}", name, port)});
    }
    if (listens && found == plan_.names.end()) {
      plan_.names.push_back({.name = name, .address = address});
    }
  }

  // False: there is no room.
  bool listen(EgressSocket socket) {
    const bool taken = std::ranges::any_of(plan_.sockets, [&](const EgressSocket& other) {
      return other.use != EgressUse::kDns && other.port == socket.port &&
             other.address == socket.address;
    });
    if (taken) return true;
    if (plan_.sockets.size() >= kMostSockets) return false;
    plan_.sockets.push_back(std::move(socket));
    return true;
  }

  EgressPlan plan_;
};

}  // namespace

const char* to_string(EgressUse use) {
  switch (use) {
    case EgressUse::kProxy:
      return "proxy";
    case EgressUse::kForward:
      return "forward";
    case EgressUse::kOriginal:
      return "original";
    case EgressUse::kDns:
      return "dns";
  }
  return "unknown";
}

EgressPlan plan_egress(const std::vector<std::string>& hosts) { return Builder(hosts).build(); }

std::string ipv4_text(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24U, address >> 16U & 0xffU, address >> 8U & 0xffU,
                     address & 0xffU);
}

}  // namespace sandpit
