#include "egress/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include "base/result.h"
#include "base/utf8.h"
#include "egress/address.h"

namespace sandpit::egress {
namespace {

constexpr std::size_t kLongestName = 253;  // RFC 1035 section 2.3.4, without the last dot
constexpr std::size_t kLongestLabel = 63;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' &&
         label.back() != '-' && std::ranges::all_of(label, [](char c) {
           return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
         });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

struct Split {
  std::string_view host;  // without brackets
  bool bracketed = false;
  std::optional<std::string_view> port;
};

std::optional<Split> split(std::string_view text) {
  Split parts;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    parts.host = text.substr(1, close - 1);
    parts.bracketed = true;
    rest = text.substr(close + 1);
  } else {
    const std::size_t colon = text.find(':');
    parts.host = text.substr(0, colon);
    if (colon != std::string_view::npos) rest = text.substr(colon);
  }
  if (parts.host.empty() || (!rest.empty() && rest.front() != ':')) return std::nullopt;
  if (!rest.empty()) parts.port = rest.substr(1);
  return parts;
}

}  // namespace

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return false;
  while (true) {
    const std::size_t dot = name.find('.');
    if (!is_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

bool ends_in_number(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  if (last.starts_with("0x")) return std::ranges::all_of(last.substr(2), is_hex);
  return std::ranges::all_of(last, is_digit);
}

std::optional<std::string> host_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  std::string name = ascii_lower(text);
  if (!is_host_name(name) || ends_in_number(name)) return std::nullopt;
  return name;
}

std::optional<Host> parse_host(std::string_view text) {
  if (const auto address = Address::parse(text)) return Host(*address);
  if (auto name = host_name(text)) return Host(*std::move(name));
  return std::nullopt;
}

std::optional<Authority> parse_authority(std::string_view text, std::uint16_t default_port) {
  const auto parts = split(text);
  if (!parts) return std::nullopt;
  const bool sound = parts->bracketed ? parts->host.contains(':') && Address::parse(parts->host)
                                      : std::ranges::all_of(parts->host, [](char c) {
                                          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                                 is_digit(c) || c == '-' || c == '_' || c == '.';
                                        });
  if (!sound) return std::nullopt;
  std::uint16_t port = default_port;
  if (parts->port) {
    const auto given = parse_port(*parts->port);
    if (!given) return std::nullopt;
    port = *given;
  }
  if (port == 0) return std::nullopt;
  return Authority{.host = std::string(parts->host), .port = port};
}

Result<AllowEntry> parse_entry(std::string_view text) {
  const auto bad = [&] {
    return fail(Error{.code = ErrorCode::kUsage,
                      .message = fmt::format("'{}' is no entry of an allow list", text)});
  };
  const auto parts = split(text);
  if (!parts || !parts->port) return bad();
  std::optional<std::uint16_t> port;
  if (*parts->port != "*") {
    port = parse_port(*parts->port);
    if (!port) return bad();
  }
  if (const auto range = Range::parse(parts->host)) {
    if (parts->bracketed != parts->host.contains(':')) return bad();
    return AllowEntry{.who = *range, .port = port};
  }
  auto name = host_name(parts->host);
  if (!name || parts->bracketed) return bad();
  return AllowEntry{.who = *std::move(name), .port = port};
}

Result<void> AllowList::add(std::string_view entry) {
  SP_TRY(AllowEntry parsed, parse_entry(entry));
  if (const Range* range = std::get_if<Range>(&parsed.who)) {
    ranges_.push_back({.range = *range, .port = parsed.port});
  } else {
    names_.push_back({.name = std::get<std::string>(std::move(parsed.who)), .port = parsed.port});
  }
  return {};
}

bool AllowList::allows(const Host& host, std::uint16_t port) const {
  const auto fits = [&](const Port& listed) { return !listed || *listed == port; };
  if (const Address* address = std::get_if<Address>(&host)) {
    return std::ranges::any_of(ranges_, [&](const RangeEntry& entry) {
      return fits(entry.port) && entry.range.contains(*address);
    });
  }
  return std::ranges::any_of(names_, [&](const NameEntry& entry) {
    return fits(entry.port) && entry.name == std::get<std::string>(host);
  });
}

bool AllowList::allows_resolved(const Address& address, std::uint16_t port) const {
  return !is_special(address) || allows(Host(address), port);
}

bool AllowList::lists_name(std::string_view name) const {
  return std::ranges::any_of(names_, [&](const NameEntry& entry) { return entry.name == name; });
}

}  // namespace sandpit::egress
