#include "config/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/schema.h"
#include "config/setting.h"
#include "config/state.h"
#include "config/suggest.h"
#include "config/toml_tree.h"
#include "config/values.h"
#include "sandpit/request.h"

namespace sandpit::config {
namespace {

// In the order of NetworkMode.
constexpr std::array<std::string_view, 4> kModes = {"none", "loopback", "allow", "host"};
constexpr std::array<std::string_view, 2> kKeys = {"mode", "hosts"};
constexpr KeySpec kMode{"security", "mode", Kind::kChoice, Rule::kNever, 1, 0, 0, kModes};
constexpr KeySpec kHosts{"security", "hosts", Kind::kNetworkList};
constexpr const char* kExample = R"(network = { mode = "allow", hosts = ["HOST:PORT"] })";

NetworkMode mode_of(std::string_view name) {
  return static_cast<NetworkMode>(std::ranges::find(kModes, name) - kModes.begin());
}

bool is_mode(std::string_view text) { return std::ranges::find(kModes, text) != kModes.end(); }

class NetworkReader {
 public:
  NetworkReader(std::string_view key, const Layer& layer, Problems& problems)
      : key_(key), layer_(layer), problems_(problems) {}

  std::optional<Converted> read(const Node& node) {
    const auto* table = node.as<Node::Table>();
    if (table == nullptr) return not_a_table(node);
    for (const Entry& entry : *table) read_entry(entry);
    if (good_) check(node.place);
    if (!good_) return std::nullopt;
    return Converted{.value = std::move(network_), .element_places = std::move(places_)};
  }

 private:
  std::nullopt_t bad(Place place, std::string_view message, std::string hint) {
    problems_.add(layer_, place, fmt::format("{}: {}", key_, message), std::move(hint));
    good_ = false;
    return std::nullopt;
  }

  std::nullopt_t not_a_table(const Node& node) {
    const auto* text = node.as<std::string>();
    const bool meant_a_mode = text != nullptr && *text != "allow" && is_mode(*text);
    return bad(node.place, fmt::format("expected a table, found {}", node.type_name()),
               meant_a_mode ? fmt::format("network = {{ mode = \"{}\" }}", *text) : kExample);
  }

  void read_entry(const Entry& entry) {
    if (std::ranges::find(kKeys, entry.key) == kKeys.end()) {
      bad(entry.key_place, fmt::format("unknown key {}", quote(entry.key)),
          suggestion(entry.key, kKeys));
      return;
    }
    const bool is_mode = entry.key == "mode";
    auto converted = convert_value(is_mode ? kMode : kHosts, fmt::format("{}.{}", key_, entry.key),
                                   entry.node, layer_, problems_);
    if (!converted) {
      good_ = false;
    } else if (is_mode) {
      has_mode_ = true;
      network_.mode = mode_of(std::get<std::string>(converted->value));
    } else {
      hosts_place_ = entry.key_place;
      network_.hosts = std::get<std::vector<std::string>>(std::move(converted->value));
      places_ = std::move(converted->element_places);
    }
  }

  // What each of the two keys needs of the other.
  void check(Place place) {
    if (!has_mode_ && !hosts_place_) {
      bad(place, "a table without `mode`", suggestion("", kModes));
    } else if (!has_mode_) {
      bad(*hosts_place_, "`hosts` without mode = \"allow\"", kExample);
    } else if (hosts_place_ && network_.mode != NetworkMode::kAllow) {
      bad(*hosts_place_, fmt::format("`hosts` with mode = \"{}\"", name_of(network_.mode)),
          "hosts are for mode = \"allow\"");
    } else if (hosts_place_ && network_.hosts.empty()) {
      bad(*hosts_place_, "`hosts` is empty", "no network at all: mode = \"none\"");
    }
  }

  std::string_view key_;
  const Layer& layer_;
  Problems& problems_;
  Network network_;
  std::vector<Place> places_;
  std::optional<Place> hosts_place_;
  bool has_mode_ = false;
  bool good_ = true;
};

}  // namespace

std::string_view name_of(NetworkMode mode) { return kModes.at(static_cast<std::size_t>(mode)); }

std::optional<Converted> convert_network(std::string_view key, const Node& node, const Layer& layer,
                                         Problems& problems) {
  return NetworkReader(key, layer, problems).read(node);
}

bool reaches_more(const Network& old, const Network& wanted) {
  if (wanted.mode != old.mode) return wanted.mode > old.mode;
  return !std::ranges::all_of(wanted.hosts, [&](const std::string& host) {
    return std::ranges::find(old.hosts, host) != old.hosts.end();
  });
}

void check_networks(const State& state, Problems& problems) {
  for (const auto& [key, setting] : state.map()) {
    if (setting.spec != &network_key()) continue;
    const Network network = state.network(setting.runtime);
    if (network.mode != NetworkMode::kAllow || !network.hosts.empty()) continue;
    problems.add(*setting.layer, setting.place,
                 "network: mode = \"allow\" with no `hosts` in effect", kExample);
  }
}

}  // namespace sandpit::config
