#include "config/setting.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/network.h"
#include "config/schema.h"
#include "sandpit/error.h"
#include "sandpit/request.h"

namespace sandpit::config {
namespace {

std::string number_text(const KeySpec& spec, std::uint64_t number) {
  if (number % spec.unit == 0) return fmt::format("{}", number / spec.unit);
  return fmt::format("{}", static_cast<double>(number) / static_cast<double>(spec.unit));
}

std::string grant_text(const PathGrant& grant) {
  if (grant.inside.empty() && grant.access == Access::kRead) return quote(grant.host);
  std::string text = fmt::format("{{ path = {}, access = \"{}\"", quote(grant.host),
                                 grant.access == Access::kRead ? "ro" : "rw");
  if (!grant.inside.empty()) text += fmt::format(", inside = {}", quote(grant.inside));
  return text + " }";
}

template <class List, class ToText>
std::string list_text(const List& list, ToText to_text) {
  std::vector<std::string> texts;
  std::ranges::transform(list, std::back_inserter(texts), to_text);
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

std::string network_text(const Network& network) {
  const std::string_view mode = name_of(network.mode);
  if (network.hosts.empty()) return fmt::format("{{ mode = \"{}\" }}", mode);
  return fmt::format("{{ mode = \"{}\", hosts = {} }}", mode, list_text(network.hosts, quote));
}

bool is_bare_key(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

std::string key_text(std::string_view text) {
  return is_bare_key(text) ? std::string(text) : quote(text);
}

}  // namespace

std::string Setting::key() const {
  std::string text;
  if (!runtime.empty()) text = fmt::format("runtimes.{}.", key_text(runtime));
  if (spec->section == "extensions") return fmt::format("runtimes.extensions.{}", key_text(leaf));
  if (spec->section != "runtime" && spec->section != "wasm") {
    text.append(spec->section).push_back('.');
  }
  text += spec->name;
  if (!leaf.empty()) text.append(1, '.').append(key_text(leaf));
  return text;
}

bool Setting::is_written() const {
  return layer != nullptr && !layer->file.empty() && place.line != 0;
}

std::string Setting::origin() const {
  if (!is_written()) return {};
  return fmt::format("{}:{}", layer->file, place.line);
}

std::string Setting::where() const {
  return is_written() ? config::where(*layer, place) : std::string{};
}

std::string Setting::layer_name() const {
  if (!profile.empty()) return fmt::format("profile {}", profile);
  return layer == nullptr ? "default" : layer->name;
}

std::string where(const Layer& layer, Place place) {
  if (place.line == 0) return layer.file;
  return fmt::format("{}:{}:{}", layer.file, place.line, place.column);
}

void Problems::add(const Layer& layer, Place place, std::string message, std::string hint) {
  found_.push_back({.layer = &layer,
                    .place = place,
                    .error = Error{.code = ErrorCode::kUsage,
                                   .message = std::move(message),
                                   .where = where(layer, place),
                                   .hint = std::move(hint)}});
}

Error Problems::take() {
  // Layers keep the order in which they were first met; places are sorted within each.
  std::vector<const Layer*> order;
  for (const Found& found : found_) {
    if (std::ranges::find(order, found.layer) == order.end()) order.push_back(found.layer);
  }
  const auto rank = [&](const Found& found) {
    return std::pair(std::ranges::find(order, found.layer) - order.begin(), found.place);
  };
  std::ranges::stable_sort(found_, {}, rank);
  Error first = std::move(found_.front().error);
  for (std::size_t i = 1; i < found_.size(); ++i) {
    first.others.push_back(std::move(found_[i].error));
  }
  found_.clear();
  return first;
}

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted.append(1, '\\').push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    } else {
      quoted.push_back(c);
    }
  }
  return quoted + '"';
}

std::string to_toml(const KeySpec& spec, const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return number_text(spec, *number);
  if (const auto* text = std::get_if<std::string>(&value)) return quote(*text);
  if (const auto* network = std::get_if<Network>(&value)) return network_text(*network);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    return list_text(*texts, quote);
  }
  return list_text(std::get<std::vector<PathGrant>>(value), grant_text);
}

}  // namespace sandpit::config
