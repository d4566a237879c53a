#include "plan/egress_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "egress/address.h"
#include "egress/listener_kind.h"
#include "egress/rules.h"

namespace sandpit {
namespace {

using Kind = egress::ListenerKind;

constexpr std::uint32_t kLoopback = 0x7f000001;
constexpr std::uint32_t kFirstName = 0x7f4d0001;  // 127.77.0.1
constexpr std::size_t kMostSockets = 64;
constexpr std::size_t kMostNetworks = 64;
constexpr std::uint16_t kDnsPort = 53;
// With a wider network hardly anything would fail at once.
constexpr std::uint32_t kWidest = 1;

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
        {.kind = Kind::kProxy, .address = kLoopback, .port = kEgressProxyPort, .target = {}},
        {.kind = Kind::kDns, .address = kLoopback, .port = kDnsPort, .target = {}}};
    for (const std::string& text : plan_.hosts) {
      if (const auto entry = egress::parse_entry(text)) add(*entry);
    }
    return std::move(plan_);
  }

 private:
  void add(const egress::AllowEntry& entry) {
    const egress::Range* range = std::get_if<egress::Range>(&entry.who);
    if (range == nullptr) {
      add_name(std::get<std::string>(entry.who), entry.port);
    } else if (range->is_v4() && entry.port) {
      add_network({.address = range->v4_first(), .prefix = range->v4_prefix()}, *entry.port);
    }
  }

  void add_network(const EgressNetwork& network, std::uint16_t port) {
    const bool own = network.address >> 24U == 127;
    if (!own && !can_be_local(network)) return;
    const bool listens = listen({.kind = Kind::kOriginal,
                                 .address = network.prefix == 32 ? network.address : 0,
                                 .port = port,
                                 .target = {}});
    const bool known = std::ranges::any_of(plan_.networks, [&](const EgressNetwork& other) {
      return other.address == network.address && other.prefix == network.prefix;
    });
    const bool room = plan_.networks.size() < kMostNetworks;
    if (listens && room && !own && !known) plan_.networks.push_back(network);
  }

  void add_name(const std::string& name, std::optional<std::uint16_t> only) {
    const auto found = std::ranges::find(plan_.names, name, &EgressName::name);
    const std::uint32_t address = found != plan_.names.end()
                                      ? found->address
                                      : kFirstName + static_cast<std::uint32_t>(plan_.names.size());
    bool listens = false;
    const std::vector<std::uint16_t> ports =
        only ? std::vector<std::uint16_t>{*only} : std::vector<std::uint16_t>{80, 443};
    for (const std::uint16_t port : ports) {
      listens |= listen({.kind = Kind::kForward,
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
      return other.kind != Kind::kDns && other.port == socket.port &&
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

EgressPlan plan_egress(const std::vector<std::string>& hosts) { return Builder(hosts).build(); }

std::string ipv4_text(std::uint32_t address) { return egress::Address(address).to_string(); }

}  // namespace sandpit
