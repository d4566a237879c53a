// HTTP proxy clients: a tunnel, or one request that is passed on.
#include <fmt/format.h>

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/errno_text.h"
#include "egress/http_uri.h"
#include "egress/protocol.h"
#include "egress/proxy_clients.h"
#include "egress/proxy_http_head.h"
#include "egress/proxy_reach.h"
#include "egress/proxy_relay.h"
#include "egress/proxy_state.h"
#include "egress/rules.h"

namespace sandpit::egress {
namespace {

namespace http = boost::beast::http;
using boost::beast::flat_buffer;

// Of a server, after a client that has sent its request has ended its stream.
constexpr std::chrono::seconds kAnswerSilence{60};

// A request on its way. What uploads it and what relays the answer run at once: a server may answer
// before it has read everything.
struct Exchange {
  Exchange(LinkPtr of, flat_buffer read) : link(std::move(of)), buffer(std::move(read)) {
    set_limits(parser);
  }
  LinkPtr link;
  flat_buffer buffer;
  HttpParser parser;
  bool reads_client = true;  // upload() does
  bool answered = false;
};
using ExchangePtr = std::shared_ptr<Exchange>;

asio::awaitable<void> refuse(LinkPtr link, http::status status, std::string text) {
  const std::string response = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n"
      "\r\n{}",
      static_cast<unsigned>(status), std::string_view(http::obsolete_reason(status)), text.size(),
      text);
  link->client.expires_after(kHeadTimeout);
  if (co_await write_to_client(link, response)) co_await close_gently(link);
}

std::string host_and_port(const Authority& asked) {
  return asked.host.contains(':') ? fmt::format("[{}]:{}", asked.host, asked.port)
                                  : fmt::format("{}:{}", asked.host, asked.port);
}

asio::awaitable<void> refuse_for(LinkPtr link, Failure failure, Authority asked) {
  const std::string place = host_and_port(asked);
  std::string text;
  switch (failure.reason) {
    case Reason::kNotListed:
      text = fmt::format("sandpit: {} is not allowed here; --net {} allows it\n", place, place);
      break;
    case Reason::kPrivateAddress:
      text = fmt::format(
          "sandpit: {} is allowed, but its addresses are private ones, which must be allowed as "
          "addresses: --net ADDRESS:{}\n",
          place, asked.port);
      break;
    case Reason::kUnresolved:
      text = fmt::format("sandpit: the name of {} can't be looked up\n", place);
      break;
    case Reason::kUnreachable:
      text = fmt::format("sandpit: {} can't be reached: {}\n", place, errno_text(failure.error));
      break;
  }
  const http::status status =
      is_denial(failure.reason) ? http::status::forbidden : http::status::bad_gateway;
  co_await refuse(link, status, std::move(text));
}

asio::awaitable<void> open_tunnel(ExchangePtr exchange, Authority asked) {
  const LinkPtr link = exchange->link;
  const auto failure = co_await reach(link, asked);
  if (failure) co_return co_await refuse_for(link, *failure, std::move(asked));
  link->client.expires_after(kHeadTimeout);
  if (!co_await write_to_client(link, "HTTP/1.1 200 Connection established\r\n\r\n")) co_return;
  std::string early(text_of(exchange->buffer));
  co_await tunnel(link, std::move(early));
}

// The next bytes of the body, or its end. False when the client broke off, or framed it wrongly.
asio::awaitable<bool> read_body(ExchangePtr exchange, Piece& piece) {
  HttpParser& parser = exchange->parser;
  auto& body = parser.get().body();
  std::size_t got = 0;
  while (got == 0 && !parser.is_done()) {
    if (exchange->answered) co_return false;
    body.data = piece.data();
    body.size = piece.size();
    const auto [failed, size] =
        co_await http::async_read_some(exchange->link->client, exchange->buffer, parser, kTuple);
    if (failed && failed != http::error::need_buffer) co_return false;
    got = piece.size() - body.size;
  }
  // Without data at its end: Beast would write an empty chunk, which is a last one, and then
  // another.
  body.data = got == 0 ? nullptr : piece.data();
  body.size = got;
  body.more = !parser.is_done();
  co_return true;
}

// Adds what was sent; need_buffer says only that it was all there is so far.
bool sent(Exchange& exchange, const error_code& failed, std::size_t size) {
  exchange.link->proxy.counters.bytes_sent.fetch_add(size, std::memory_order_relaxed);
  return !failed || failed == http::error::need_buffer;
}

// Head and body. When the server stops reading, its answer may still come.
asio::awaitable<void> send_request(ExchangePtr exchange) {
  Stream& server = exchange->link->server;
  http::request_serializer<http::buffer_body> serializer(exchange->parser.get());
  exchange->parser.get().body().more = !exchange->parser.is_done();
  // The head by itself: together with the body it would wait for the body's first byte.
  const auto [head_failed, head_size] =
      co_await http::async_write_header(server, serializer, kTuple);
  bool writable = sent(*exchange, head_failed, head_size);
  Piece piece;  // NOLINT(*-member-init): read into before it is read
  while (writable && !serializer.is_done()) {
    if (!co_await read_body(exchange, piece)) {
      if (!exchange->answered) abort(*exchange->link);
      co_return;
    }
    const auto [failed, size] = co_await http::async_write(server, serializer, kTuple);
    writable = sent(*exchange, failed, size);
  }
}

// Until the request is answered, for a client that goes away. One that ends its stream may still
// wait for the answer. Another request is not served.
asio::awaitable<void> watch_client(ExchangePtr exchange) {
  const LinkPtr link = exchange->link;
  Piece piece;  // NOLINT(*-member-init): nobody looks at it
  while (!exchange->answered) {
    const auto buffer = asio::buffer(piece);
    const auto [failed, size] = co_await link->client.async_read_some(buffer, kTuple);
    if (exchange->answered || !failed) continue;
    if (failed == asio::error::eof) co_return co_await wait_for_server(link, kAnswerSilence);
    co_return abort(*link);
  }
}

asio::awaitable<void> upload(ExchangePtr exchange) {
  co_await send_request(exchange);
  exchange->link->finish_upload();
  co_await watch_client(exchange);
  exchange->reads_client = false;
  if (exchange->answered) co_await close_gently(exchange->link);
}

// Its heads are read; what follows the last one is not looked at.
asio::awaitable<Relayed> relay_answer(LinkPtr link) {
  std::string start;  // what the server said and the client has not got
  AnswerHead head = parse_answer_head(start);
  Piece piece;  // NOLINT(*-member-init): read into before it is read
  while (head.step == AnswerStep::kMore || head.step == AnswerStep::kInterim) {
    if (head.step == AnswerStep::kMore) {
      const auto [failed, size] = co_await read_from_server(link, piece);
      if (failed && failed != asio::error::eof) co_return Relayed::kBroken;
      if (failed) {
        // Not to be read again: Asio would wait for what can't come.
        const bool written = start.empty() || co_await write_to_client(link, start);
        co_return written ? Relayed::kToTheEnd : Relayed::kBroken;
      }
      start.append(piece.data(), size);
    }
    head = parse_answer_head(start);
    if (head.step == AnswerStep::kInterim) {
      if (!co_await write_to_client(link, head.text)) co_return Relayed::kBroken;
      start.erase(0, head.size);
    }
  }
  start.replace(0, head.size, head.text);
  if (!co_await write_to_client(link, start)) co_return Relayed::kBroken;
  co_return co_await relay_to_client(link);
}

asio::awaitable<void> pass_on(ExchangePtr exchange, HttpUri uri) {
  const LinkPtr link = exchange->link;
  const auto failure = co_await reach(link, uri.authority);
  if (failure) co_return co_await refuse_for(link, *failure, std::move(uri.authority));
  link->client.expires_never();
  rewrite_for_server(exchange->parser.get(), uri);
  spawn(link->proxy.io, upload(exchange));
  if (co_await relay_answer(link) == Relayed::kBroken) co_return abort(*link);
  exchange->answered = true;
  if (!exchange->reads_client) co_return co_await close_gently(link);
  // What reads from the client, or writes to the server, wakes and closes gently.
  error_code ignored;
  link->client.socket().shutdown(tcp::socket::shutdown_send, ignored);
  link->server.socket().close(ignored);
  link->client.socket().cancel(ignored);
}

bool is_protocol_error(const error_code& error) {
  return error.category() == make_error_code(http::error::bad_version).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

}  // namespace

asio::awaitable<void> serve_http(LinkPtr link, flat_buffer buffer) {
  const auto exchange = std::make_shared<Exchange>(link, std::move(buffer));
  const auto [failed, size] =
      co_await http::async_read_header(link->client, exchange->buffer, exchange->parser, kTuple);
  if (failed && !is_protocol_error(failed)) co_return;
  if (!failed) {
    if (auto asked = tunnel_target(exchange->parser)) {
      co_return co_await open_tunnel(exchange, *std::move(asked));
    }
    if (auto uri = forward_target(exchange->parser)) {
      co_return co_await pass_on(exchange, *std::move(uri));
    }
  }
  std::string text = "sandpit: this is a proxy, which takes CONNECT host:port and http:// URLs\n";
  co_await refuse(link, http::status::bad_request, std::move(text));
}

}  // namespace sandpit::egress
