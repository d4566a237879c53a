// The request target of a client that talks to a proxy (RFC 9112 section 3.2.2). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "egress/rules.h"

namespace sandpit::egress {

struct HttpUri {
  Authority authority;
  std::string host_field;  // as in the URI, for the Host field
  std::string origin;      // "/path?query"
};

// "http://host[:port]/path?query". None for other schemes, user information, a fragment.
[[nodiscard]] std::optional<HttpUri> parse_http_uri(std::string_view text);

}  // namespace sandpit::egress
