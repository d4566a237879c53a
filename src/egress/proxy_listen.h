// The sockets that programs reach the proxy through.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/result.h"
#include "base/unique_fd.h"
#include "egress/protocol.h"
#include "egress/proxy_state.h"

namespace sandpit::egress {

// Serves `socket` from when proxy.io runs. An error when it isn't what `listener` says.
[[nodiscard]] Result<void> listen(Proxy& proxy, const Listener& listener, UniqueFd socket);

}  // namespace sandpit::egress
