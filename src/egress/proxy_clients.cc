#include "egress/proxy_clients.h"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "egress/protocol.h"
#include "egress/proxy_http_head.h"
#include "egress/proxy_reach.h"
#include "egress/proxy_relay.h"
#include "egress/proxy_state.h"
#include "egress/rules.h"
#include "egress/socks.h"

namespace sandpit::egress {
namespace {

using boost::beast::flat_buffer;

socks::Reply reply_of(const Failure& failure) {
  switch (failure.reason) {
    case Reason::kNotListed:
    case Reason::kPrivateAddress:
      return socks::Reply::kNotAllowed;
    case Reason::kUnresolved:
      return socks::Reply::kHostUnreachable;
    case Reason::kUnreachable:
      break;
  }
  if (failure.error == ECONNREFUSED) return socks::Reply::kRefused;
  if (failure.error == ENETUNREACH) return socks::Reply::kNetworkUnreachable;
  return socks::Reply::kHostUnreachable;
}

// Reads until `parse` of what has come is no longer kMore.
template <class Message>
asio::awaitable<Message> read_message(LinkPtr link, flat_buffer& buffer,
                                      Message (*parse)(std::string_view)) {
  Message message = parse(text_of(buffer));
  while (message.step == socks::Step::kMore) {
    if (!co_await read_more(link, buffer)) {
      message.step = socks::Step::kMalformed;
      break;
    }
    message = parse(text_of(buffer));
  }
  if (message.step == socks::Step::kDone) buffer.consume(message.size);
  co_return message;
}

asio::awaitable<void> refuse_socks(LinkPtr link, socks::Reply reply) {
  const std::string bytes = socks::request_reply(reply);
  link->client.expires_after(kHeadTimeout);
  if (co_await write_to_client(link, bytes)) co_await close_gently(link);
}

}  // namespace

std::string_view text_of(const flat_buffer& buffer) {
  return {static_cast<const char*>(buffer.data().data()), buffer.data().size()};
}

asio::awaitable<bool> read_more(LinkPtr link, flat_buffer& buffer) {
  const std::size_t room = std::min(buffer.max_size() - buffer.size(), kPieceSize);
  if (room == 0) co_return false;
  const auto space = buffer.prepare(room);
  const auto [failed, size] = co_await link->client.async_read_some(space, kTuple);
  buffer.commit(size);
  co_return !failed;
}

asio::awaitable<void> serve_proxy_client(LinkPtr link) {
  link->client.expires_after(kHeadTimeout);  // for all of its head, however slowly that comes
  flat_buffer buffer(2 * std::size_t{kHeadLimit});
  if (!co_await read_more(link, buffer)) co_return;
  if (text_of(buffer).front() == socks::kVersion) {
    co_await serve_socks(link, std::move(buffer));
  } else {
    co_await serve_http(link, std::move(buffer));
  }
}

asio::awaitable<void> serve_forwarded(LinkPtr link, Authority destination) {
  const auto failure = co_await reach(link, std::move(destination));
  if (failure) co_return abort(*link);
  std::string nothing_yet;
  co_await tunnel(link, std::move(nothing_yet));
}

asio::awaitable<void> serve_socks(LinkPtr link, flat_buffer buffer) {
  const auto greeting = co_await read_message(link, buffer, socks::parse_greeting);
  if (greeting.step != socks::Step::kDone) co_return;
  if (!co_await write_to_client(link, socks::method_reply(greeting))) co_return;
  if (!greeting.anonymous) co_return co_await close_gently(link);
  const auto request = co_await read_message(link, buffer, socks::parse_request);
  if (request.step == socks::Step::kMalformed) {
    if (request.reply != socks::Reply::kSucceeded) co_await refuse_socks(link, request.reply);
    co_return;
  }
  Authority asked{.host = request.host, .port = request.port};
  const auto failure = co_await reach(link, std::move(asked));
  if (failure) {
    const socks::Reply reply = reply_of(*failure);
    co_return co_await refuse_socks(link, reply);
  }
  const std::string granted = socks::request_reply(socks::Reply::kSucceeded);
  link->client.expires_after(kHeadTimeout);
  if (!co_await write_to_client(link, granted)) co_return;
  co_await tunnel(link, std::string(text_of(buffer)));
}

}  // namespace sandpit::egress
