// Bytes from one end of a Link to the other.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "egress/proxy_state.h"

namespace sandpit::egress {

// Whatever both sides say, from now until each has ended its stream; the end of one is passed on
// while the other goes on. `early` is what the client has said already.
[[nodiscard]] asio::awaitable<void> tunnel(LinkPtr link, std::string early);

enum class Relayed : bool { kToTheEnd, kBroken };
// What the server says, to the client, until the server ends its stream.
[[nodiscard]] asio::awaitable<Relayed> relay_to_client(LinkPtr link);

struct Read {
  error_code failed;
  std::size_t size = 0;
};
[[nodiscard]] asio::awaitable<Read> read_from_server(LinkPtr link, Piece& piece);
[[nodiscard]] asio::awaitable<bool> write_to_client(LinkPtr link, std::string_view bytes);
[[nodiscard]] asio::awaitable<bool> write_to_server(LinkPtr link, std::string_view bytes);

// For a client that says no more, and may be gone: waits until the server has ended its stream, and
// gives up on both when it is silent for that long.
[[nodiscard]] asio::awaitable<void> wait_for_server(LinkPtr link, std::chrono::seconds silence);

// Closes the client's connection so that the client still gets what it was sent: what it goes on to
// say is dropped for a moment, as the kernel answers unread bytes with a reset (RFC 9112, 9.6).
[[nodiscard]] asio::awaitable<void> close_gently(LinkPtr link);

}  // namespace sandpit::egress
