#include "config/network_entry.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/result.h"
#include "base/utf8.h"
#include "config/setting.h"
#include "egress/rules.h"
#include "sandpit/error.h"

namespace sandpit::config {
namespace {

constexpr std::string_view kForms =
    "HOST:PORT, 10.0.0.0/8:PORT, [::1]:PORT, or HOST:* for any port";

Error bad(std::string message, std::string_view hint = kForms) {
  return Error{.code = ErrorCode::kUsage,
               .message = std::move(message),
               .where = {},
               .hint = std::string(hint)};
}

bool is_number(std::string_view text, unsigned least, unsigned most) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= least &&
         number <= most;
}

// Address, or address/prefix, of `family`.
Result<void> check_address(std::string_view text, int family) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  std::array<std::uint8_t, 16> bytes{};
  const std::size_t size = family == AF_INET ? 4 : 16;
  if (::inet_pton(family, address.c_str(), bytes.data()) != 1) {
    return fail(bad(fmt::format("{} is not an {} address", quote(address),
                                family == AF_INET ? "IPv4" : "IPv6")));
  }
  if (slash == std::string_view::npos) return {};
  const std::string_view prefix_text = text.substr(slash + 1);
  const auto bits = static_cast<unsigned>(8 * size);
  if (!is_number(prefix_text, 0, bits)) {
    return fail(bad(fmt::format("/{} is not a prefix from /0 to /{}", prefix_text, bits)));
  }
  unsigned prefix = 0;
  std::from_chars(prefix_text.data(), prefix_text.data() + prefix_text.size(), prefix);
  for (unsigned bit = prefix; bit < bits; ++bit) {
    if ((bytes.at(bit / 8) >> (7U - bit % 8U) & 1U) != 0) {
      return fail(bad(fmt::format("{} has bits beyond its /{}", quote(address), prefix),
                      "a range begins with its first address: 10.0.0.0/8"));
    }
  }
  return {};
}

Result<void> check_name(std::string_view name) {
  if (name.contains('*')) {
    return fail(bad(fmt::format("{}: names have no wildcards", quote(name)),
                    "name each host; 0.0.0.0/0 and [::/0] are every address"));
  }
  if (!egress::is_host_name(name)) {
    return fail(bad(fmt::format("{} is not a host name", quote(name))));
  }
  if (egress::ends_in_number(name)) {
    return fail(bad(fmt::format("{} is an address in disguise", quote(name))));
  }
  return {};
}

Result<void> check_host(std::string_view host) {
  // As inet_aton(3) and resolvers would take "10.1" for an address, so must we.
  const bool looks_like_address =
      !host.empty() && host.find_first_not_of("0123456789./") == std::string_view::npos;
  if (looks_like_address || host.contains('/')) return check_address(host, AF_INET);
  return check_name(host);
}

Result<std::string> parse(std::string_view text) {
  if (text.contains("://")) return fail(bad(fmt::format("{} is a URL", quote(text))));
  std::string host = ascii_lower(text);
  std::string port = "*";
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) {
      return fail(bad(fmt::format("{}: a [ without its ]", quote(text))));
    }
    SP_TRY_VOID(check_address(text.substr(1, close - 1), AF_INET6));
    host = ascii_lower(text.substr(0, close + 1));
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') {
      return fail(bad(fmt::format("{}: {} after the ]", quote(text), quote(rest))));
    }
    if (!rest.empty()) port = rest.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    if (colon != text.rfind(':')) {
      return fail(bad(fmt::format("{}: an IPv6 address is written in brackets", quote(text))));
    }
    host = ascii_lower(text.substr(0, colon));
    if (colon != std::string_view::npos) port = text.substr(colon + 1);
    SP_TRY_VOID(check_host(host));
  }
  if (port != "*" && !is_number(port, 1, 65535)) {
    return fail(bad(
        fmt::format("{}: {} is not a port from 1 to 65535, and not *", quote(text), quote(port))));
  }
  return fmt::format("{}:{}", host, port);
}

}  // namespace

Result<std::string> network_entry(std::string_view text) {
  Result<std::string> entry = parse(text);
  if (entry) return entry;
  // The place may be a whole list, as in an option.
  const std::string whole = quote(text);
  std::string& message = entry.error().message;
  if (!message.contains(whole)) message = fmt::format("{}: {}", whole, message);
  return entry;
}

}  // namespace sandpit::config
