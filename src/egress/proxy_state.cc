#include "egress/proxy_state.h"

#include <sys/socket.h>

#include <atomic>
#include <string>

#include "egress/protocol.h"

namespace sandpit::egress {

void Proxy::report(const Report& report) {
  if (is_denial(report.reason)) counters.denied.fetch_add(1, std::memory_order_relaxed);
  const std::string text = report_text(report);
  (void)::send(control, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void abort(Link& link) {
  error_code ignored;
  link.client.socket().set_option(asio::socket_base::linger(true, 0), ignored);
  link.client.socket().close(ignored);
  link.server.socket().close(ignored);
  link.server_ended = true;
  link.patience.cancel();
}

}  // namespace sandpit::egress
