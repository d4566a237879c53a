#include "egress/proxy_listen.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "egress/dns.h"
#include "egress/protocol.h"
#include "egress/proxy_clients.h"
#include "egress/proxy_state.h"
#include "egress/rules.h"

namespace sandpit::egress {
namespace {

using asio::ip::udp;

// After an error that stays for a while, such as no free descriptor.
constexpr std::chrono::milliseconds kPause{100};

asio::awaitable<void> pause(asio::io_context& io) {
  asio::steady_timer timer(io, kPause);
  co_await timer.async_wait(kTuple);
}

asio::awaitable<void> serve(LinkPtr link, Listener listener) {
  error_code failed;
  link->client.socket().set_option(tcp::no_delay(true), failed);
  if (listener.kind == ListenerKind::kProxy) co_return co_await serve_proxy_client(link);
  Authority asked;
  if (listener.kind == ListenerKind::kOriginal) {
    const tcp::endpoint local = link->client.socket().local_endpoint(failed);
    if (failed) co_return;
    asked = {.host = local.address().to_string(), .port = local.port()};
  } else if (auto destination = parse_authority(listener.destination, 0)) {
    asked = *std::move(destination);
  }
  co_await serve_forwarded(link, std::move(asked));
}

asio::awaitable<void> accept_all(Proxy& proxy, tcp::acceptor acceptor, Listener listener) {
  while (true) {
    // First somebody who waits, then a place for it: idle listeners must not hold places.
    const auto [stopped] = co_await acceptor.async_wait(tcp::acceptor::wait_read, kTuple);
    Gate::Place place = co_await proxy.gate.enter();
    error_code failed = stopped;
    tcp::socket client(proxy.io);
    if (!failed) acceptor.accept(client, failed);
    if (!failed) {
      auto link = std::make_shared<Link>(proxy, std::move(client), std::move(place));
      spawn(proxy.io, serve(std::move(link), listener));
    } else if (failed != asio::error::would_block && failed != asio::error::connection_aborted) {
      co_await pause(proxy.io);
    }
  }
}

asio::awaitable<void> answer_all(Proxy& proxy, udp::socket socket) {
  std::array<char, dns::kLargestQuery> packet;  // NOLINT(*-member-init): read into first
  while (true) {
    udp::endpoint client;
    const auto room = asio::buffer(packet);
    const auto [failed, size] = co_await socket.async_receive_from(room, client, kTuple);
    if (failed) {
      co_await pause(proxy.io);
      continue;
    }
    const std::string_view bytes(packet.data(), size);
    const auto query = dns::parse_query(bytes);
    if (!query) continue;
    const auto name = host_name(query->name);
    const bool listed = name && proxy.rules.lists_name(*name);
    if (!listed) {
      proxy.report({.kind = ReportKind::kResolve,
                    .reason = Reason::kNotListed,
                    .host = query->name.empty() ? "." : query->name});
    }
    const std::string answer =
        dns::answer(bytes, *query, listed ? dns::Code::kNoError : dns::Code::kNoSuchName);
    error_code ignored;  // whoever asks must be able to lose an answer
    socket.send_to(asio::buffer(answer), client, 0, ignored);
  }
}

int option_of(int socket, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

}  // namespace

Result<void> listen(Proxy& proxy, const Listener& listener, UniqueFd socket) {
  const bool v6 = option_of(socket.get(), SO_DOMAIN) == AF_INET6;
  const bool v4 = option_of(socket.get(), SO_DOMAIN) == AF_INET;
  const bool datagrams = option_of(socket.get(), SO_TYPE) == SOCK_DGRAM;
  const bool listens = option_of(socket.get(), SO_ACCEPTCONN) == 1;
  const bool wants_datagrams = listener.kind == ListenerKind::kDns;
  if ((!v4 && !v6) || datagrams != wants_datagrams || listens == wants_datagrams) {
    return fail(
        Error{.code = ErrorCode::kUsage,
              .message = fmt::format("descriptor {} is not such a socket", listener.descriptor)});
  }
  error_code failed;
  if (wants_datagrams) {
    udp::socket datagram_socket(proxy.io);
    datagram_socket.assign(v6 ? udp::v6() : udp::v4(), socket.release(), failed);
    if (!failed) datagram_socket.non_blocking(true, failed);
    if (!failed) spawn(proxy.io, answer_all(proxy, std::move(datagram_socket)));
  } else {
    tcp::acceptor acceptor(proxy.io);
    acceptor.assign(v6 ? tcp::v6() : tcp::v4(), socket.release(), failed);
    if (!failed) acceptor.non_blocking(true, failed);
    if (!failed) spawn(proxy.io, accept_all(proxy, std::move(acceptor), listener));
  }
  if (failed) return fail(errno_error("take a listening socket", failed.value()));
  return {};
}

}  // namespace sandpit::egress
