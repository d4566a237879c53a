// From what a client asked for to a connection: the one way on which the proxy connects anywhere.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "egress/protocol.h"
#include "egress/proxy_state.h"
#include "egress/rules.h"

namespace sandpit::egress {

struct Failure {
  Reason reason = Reason::kNotListed;
  int error = 0;
};

// Connects link.server, or reports why not. A name is looked up once, and the connection goes to an
// address that was checked.
[[nodiscard]] asio::awaitable<std::optional<Failure>> reach(LinkPtr link, Authority asked);

}  // namespace sandpit::egress
