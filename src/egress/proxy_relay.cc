#include "egress/proxy_relay.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "egress/proxy_state.h"

namespace sandpit::egress {
namespace {

constexpr std::chrono::seconds kDrainTime{2};
constexpr std::chrono::minutes kTunnelSilence{5};  // of the server, after the client's end
constexpr std::size_t kMostDrained = 1U << 20U;

asio::awaitable<Relayed> relay_to_server(LinkPtr link) {
  Piece piece;  // NOLINT(*-member-init): read into before it is read
  while (true) {
    const auto buffer = asio::buffer(piece);
    const auto [failed, size] = co_await link->client.async_read_some(buffer, kTuple);
    if (failed) co_return failed == asio::error::eof ? Relayed::kToTheEnd : Relayed::kBroken;
    const std::string_view bytes(piece.data(), size);
    if (!co_await write_to_server(link, bytes)) co_return Relayed::kBroken;
  }
}

asio::awaitable<void> tunnel_to_server(LinkPtr link, std::string early) {
  bool sound = early.empty() || co_await write_to_server(link, early);
  if (sound) sound = co_await relay_to_server(link) == Relayed::kToTheEnd;
  if (!sound) co_return abort(*link);
  error_code ignored;
  link->server.socket().shutdown(tcp::socket::shutdown_send, ignored);
  link->finish_upload();
  co_await wait_for_server(link, kTunnelSilence);
}

}  // namespace

asio::awaitable<Read> read_from_server(LinkPtr link, Piece& piece) {
  const auto buffer = asio::buffer(piece);
  link->silent_since = std::chrono::steady_clock::now();
  const auto [failed, size] = co_await link->server.async_read_some(buffer, kTuple);
  link->silent_since.reset();
  if (failed) {
    link->server_ended = true;
    link->patience.cancel();
  }
  link->proxy.counters.bytes_received.fetch_add(size, std::memory_order_relaxed);
  co_return Read{.failed = failed, .size = size};
}

asio::awaitable<bool> write_to_client(LinkPtr link, std::string_view bytes) {
  const auto buffer = asio::buffer(bytes.data(), bytes.size());
  const auto [failed, size] = co_await asio::async_write(link->client, buffer, kTuple);
  co_return !failed;
}

asio::awaitable<bool> write_to_server(LinkPtr link, std::string_view bytes) {
  const auto buffer = asio::buffer(bytes.data(), bytes.size());
  const auto [failed, size] = co_await asio::async_write(link->server, buffer, kTuple);
  link->proxy.counters.bytes_sent.fetch_add(size, std::memory_order_relaxed);
  co_return !failed;
}

asio::awaitable<Relayed> relay_to_client(LinkPtr link) {
  Piece piece;  // NOLINT(*-member-init): read into before it is read
  while (true) {
    const auto [failed, size] = co_await read_from_server(link, piece);
    if (failed) co_return failed == asio::error::eof ? Relayed::kToTheEnd : Relayed::kBroken;
    const std::string_view bytes(piece.data(), size);
    if (!co_await write_to_client(link, bytes)) co_return Relayed::kBroken;
  }
}

asio::awaitable<void> tunnel(LinkPtr link, std::string early) {
  link->client.expires_never();
  spawn(link->proxy.io, tunnel_to_server(link, std::move(early)));
  const Relayed relayed = co_await relay_to_client(link);
  if (relayed == Relayed::kBroken) co_return abort(*link);
  error_code ignored;
  link->client.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<void> wait_for_server(LinkPtr link, std::chrono::seconds silence) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point began = Clock::now();
  while (!link->server_ended) {
    const Clock::time_point now = Clock::now();
    const Clock::time_point deadline = std::max(began, link->silent_since.value_or(now)) + silence;
    if (deadline <= now) co_return abort(*link);
    link->patience.expires_at(deadline);
    co_await link->patience.async_wait(kTuple);
  }
}

asio::awaitable<void> close_gently(LinkPtr link) {
  error_code ignored;
  link->server.socket().close(ignored);
  link->client.socket().shutdown(tcp::socket::shutdown_send, ignored);
  link->client.expires_after(kDrainTime);
  Piece piece;  // NOLINT(*-member-init): nobody looks at it
  for (std::size_t drained = 0; drained < kMostDrained;) {
    const auto buffer = asio::buffer(piece);
    const auto [failed, size] = co_await link->client.async_read_some(buffer, kTuple);
    if (failed) break;
    drained += size;
  }
  link->client.socket().close(ignored);
}

}  // namespace sandpit::egress
