#include "egress/http_uri.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "egress/rules.h"

namespace sandpit::egress {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::uint16_t kHttpPort = 80;

bool same_letters(std::string_view text, std::string_view lower_case) {
  return std::ranges::equal(text, lower_case, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
  });
}

}  // namespace

std::optional<HttpUri> parse_http_uri(std::string_view text) {
  if (!same_letters(text.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  const std::size_t end = text.find_first_of("/?#");
  const std::string_view authority_text = text.substr(0, end);
  std::string origin(end == std::string_view::npos ? "/" : text.substr(end));
  const bool sound = std::ranges::all_of(origin, [](char c) { return c > ' ' && c <= '~'; });
  if (!sound || origin.contains('#')) return std::nullopt;
  if (origin.front() == '?') origin.insert(0, "/");
  auto authority = parse_authority(authority_text, kHttpPort);
  if (!authority) return std::nullopt;
  return HttpUri{.authority = *std::move(authority),
                 .host_field = std::string(authority_text),
                 .origin = std::move(origin)};
}

}  // namespace sandpit::egress
