#include "config/state.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/grants.h"
#include "config/network.h"
#include "config/schema.h"
#include "config/setting.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"

namespace sandpit::config {
namespace {

using Texts = std::vector<std::string>;
using GrantList = std::vector<PathGrant>;

std::ptrdiff_t choice_index(const KeySpec& spec, const Value& value) {
  return std::ranges::find(spec.choices, std::get<std::string>(value)) - spec.choices.begin();
}

bool covers(const PathGrant& granted, const PathGrant& wanted) {
  return granted.host == wanted.host && inside_of(granted) == inside_of(wanted) &&
         (granted.access == Access::kReadWrite || wanted.access == Access::kRead);
}

bool contains(const Value& list, const std::string& wanted) {
  const auto& texts = std::get<Texts>(list);
  return std::ranges::find(texts, wanted) != texts.end();
}

bool contains(const Value& list, const PathGrant& wanted) {
  return std::ranges::any_of(std::get<GrantList>(list),
                             [&](const PathGrant& granted) { return covers(granted, wanted); });
}

bool equal(const Value& a, const Value& b) {
  if (a.index() != b.index()) return false;
  if (const auto* flag = std::get_if<bool>(&a)) return *flag == std::get<bool>(b);
  if (const auto* number = std::get_if<std::uint64_t>(&a)) {
    return *number == std::get<std::uint64_t>(b);
  }
  if (const auto* text = std::get_if<std::string>(&a)) return *text == std::get<std::string>(b);
  if (const auto* texts = std::get_if<Texts>(&a)) return *texts == std::get<Texts>(b);
  if (const auto* network = std::get_if<Network>(&a)) return *network == std::get<Network>(b);
  const auto& others = std::get<GrantList>(b);
  return std::ranges::equal(std::get<GrantList>(a), others, [](const auto& x, const auto& y) {
    return covers(x, y) && covers(y, x);
  });
}

// Whether `wanted` gives more than `old`, for the rules that compare single values.
bool is_looser(const KeySpec& spec, const Value& old, const Value& wanted) {
  switch (spec.rule) {
    case Rule::kAtMost:
      return std::get<std::uint64_t>(wanted) > std::get<std::uint64_t>(old);
    case Rule::kBudget: {
      // 0 - 1 is the largest number of all.
      const std::uint64_t most = std::get<std::uint64_t>(old) - 1;
      return std::get<std::uint64_t>(wanted) - 1 > most;
    }
    case Rule::kFalse:
      return std::get<bool>(wanted) && !std::get<bool>(old);
    case Rule::kLater:
      return choice_index(spec, wanted) < choice_index(spec, old);
    case Rule::kEarlier:
      return choice_index(spec, wanted) > choice_index(spec, old);
    case Rule::kNever:
      return !equal(old, wanted);
    case Rule::kNetwork:
      return reaches_more(std::get<Network>(old), std::get<Network>(wanted));
    case Rule::kFree:
    case Rule::kSubset:
    case Rule::kSomeOf:
    case Rule::kSuperset:
      break;
  }
  return false;
}

bool is_overlay(const KeySpec& spec) {
  return spec.section == "resource_limits" || spec.section == "security";
}

bool lacks_hosts(const Setting& setting) {
  const auto* network = std::get_if<Network>(&setting.value);
  return network != nullptr && network->mode == NetworkMode::kAllow && network->hosts.empty();
}

}  // namespace

std::uint64_t default_disk(std::uint64_t memory) {
  return std::min(Limits{}.disk.count(), memory / 2);
}

void State::apply(const Setting& setting) {
  switch (setting.mode) {
    case Mode::kReplace:
      set(with_own_hosts(setting));
      break;
    case Mode::kAppend:
      append(setting);
      break;
    case Mode::kClamp:
      clamp(setting);
      break;
  }
}

void State::set(Setting setting) {
  std::string key = setting.key();
  map_.insert_or_assign(std::move(key), std::move(setting));
}

Setting State::with_own_hosts(Setting setting) const {
  const Setting* const own = find(setting.key());
  if (lacks_hosts(setting) && own != nullptr) {
    std::get<Network>(setting.value).hosts = std::get<Network>(own->value).hosts;
  }
  return setting;
}

Setting State::with_hosts(Setting setting) const {
  if (lacks_hosts(setting)) {
    std::get<Network>(setting.value).hosts = network(setting.runtime).hosts;
  }
  return setting;
}

void State::append(const Setting& setting) {
  const Setting* const old = find(setting.key());
  if (old == nullptr) return set(setting);
  Setting merged = setting;
  auto& texts = std::get<Texts>(merged.value);
  merged.element_places.resize(texts.size());
  const auto& old_texts = std::get<Texts>(old->value);
  for (std::size_t i = old_texts.size(); i-- > 0;) {
    if (contains(merged.value, old_texts[i])) continue;
    texts.insert(texts.begin(), old_texts[i]);
    merged.element_places.insert(merged.element_places.begin(),
                                 i < old->element_places.size() ? old->element_places[i] : Place{});
  }
  // What was there already keeps its origin.
  if (texts != old_texts) set(std::move(merged));
}

void State::clamp(const Setting& setting) {
  if (find(setting.key()) == nullptr) set(setting);
  for (auto& [key, old] : map_) {
    if (old.spec != setting.spec) continue;
    if (setting.spec->rule == Rule::kSubset || setting.spec->rule == Rule::kSomeOf) {
      const bool kept_all = std::visit(
          [&]<class T>(const T& list) {
            if constexpr (std::is_same_v<T, Texts> || std::is_same_v<T, GrantList>) {
              return std::ranges::all_of(list,
                                         [&](const auto& e) { return contains(setting.value, e); });
            }
            return true;
          },
          old.value);
      if (kept_all) continue;
    } else if (!is_looser(*setting.spec, setting.value, old.value)) {
      continue;
    }
    Setting tightened = setting;
    tightened.runtime = old.runtime;
    old = std::move(tightened);
  }
}

const Setting* State::find(std::string_view key) const {
  const auto found = map_.find(key);
  return found == map_.end() ? nullptr : &found->second;
}

const Setting* State::in_effect(const KeySpec& spec, const std::string& runtime,
                                const std::string& leaf) const {
  Setting probe{.spec = &spec, .runtime = runtime, .leaf = leaf};
  if (const Setting* own = find(probe.key()); own != nullptr || !is_overlay(spec)) return own;
  probe.runtime.clear();
  return find(probe.key());
}

std::uint64_t State::number(std::string_view limit, const std::string& runtime) const {
  const KeySpec* const spec = find_key(limit_keys(), limit);
  const Setting* const found = in_effect(*spec, runtime);
  if (found != nullptr) return std::get<std::uint64_t>(found->value);
  return default_disk(number("memory_limit_mb", runtime));  // the one limit without a fixed default
}

Network State::network(const std::string& runtime) const {
  auto network = std::get<Network>(in_effect(network_key(), runtime)->value);
  if (network.mode == NetworkMode::kAllow && network.hosts.empty()) {
    network.hosts = std::get<Network>(in_effect(network_key(), {})->value).hosts;
  }
  return network;
}

bool State::has_all_elements(const Setting& setting) const {
  Setting general = setting;
  general.runtime.clear();
  const Setting* const own = find(setting.key());
  const Setting* const shared = find(general.key());
  const auto known = [&](const auto& element) {
    return (own != nullptr && contains(own->value, element)) ||
           (shared != nullptr && contains(shared->value, element));
  };
  if (const auto* texts = std::get_if<Texts>(&setting.value)) {
    return std::ranges::all_of(*texts, known);
  }
  return std::ranges::all_of(std::get<GrantList>(setting.value), known);
}

// Of a list that says what may be reached: an empty one lets everything through.
bool State::drops_all(const Setting& setting) const {
  const Setting* const old = find(setting.key());
  return std::get<Texts>(setting.value).empty() && old != nullptr &&
         !std::get<Texts>(old->value).empty();
}

// A general disk limit would take the place of the default that follows a runtime's own memory
// limit.
bool State::outgrows_defaults(const Setting& setting, std::uint64_t wanted) const {
  if (setting.spec->name != "max_disk_mb" || !setting.runtime.empty()) return false;
  return std::ranges::any_of(map_, [&](const auto& entry) {
    const Setting& memory = entry.second;
    return memory.spec->name == "memory_limit_mb" && !memory.runtime.empty() &&
           in_effect(*setting.spec, memory.runtime) == nullptr &&
           wanted > number(setting.spec->name, memory.runtime);
  });
}

bool State::would_loosen(const Setting& setting) const {
  const KeySpec& spec = *setting.spec;
  if (spec.rule == Rule::kFree || spec.rule == Rule::kSuperset) return false;
  if (spec.rule == Rule::kSubset) return !has_all_elements(setting);
  if (spec.rule == Rule::kNetwork) {
    return reaches_more(network(setting.runtime), std::get<Network>(setting.value));
  }
  if (spec.rule == Rule::kSomeOf) return drops_all(setting) || !has_all_elements(setting);
  if (spec.section == "resource_limits") {
    const auto wanted = std::get<std::uint64_t>(setting.value);
    return wanted > number(spec.name, setting.runtime) || outgrows_defaults(setting, wanted);
  }
  const Setting* const old = in_effect(spec, setting.runtime, setting.leaf);
  return old == nullptr || is_looser(spec, old->value, setting.value);
}

}  // namespace sandpit::config
