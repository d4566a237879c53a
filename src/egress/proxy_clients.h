// What is done with one accepted connection, by the kind of its listener.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "egress/proxy_state.h"
#include "egress/rules.h"

namespace sandpit::egress {

// A proxy client: the first byte says whether it speaks SOCKS5 or HTTP.
[[nodiscard]] asio::awaitable<void> serve_proxy_client(LinkPtr link);
// One that thinks it has reached `destination` itself. It is reset when it may not or can't.
[[nodiscard]] asio::awaitable<void> serve_forwarded(LinkPtr link, Authority destination);

// The two kinds of proxy clients. `buffer` has at least the first byte.
[[nodiscard]] asio::awaitable<void> serve_socks(LinkPtr link, boost::beast::flat_buffer buffer);
[[nodiscard]] asio::awaitable<void> serve_http(LinkPtr link, boost::beast::flat_buffer buffer);

// Appends what comes next. False when nothing does, or the buffer is full.
[[nodiscard]] asio::awaitable<bool> read_more(LinkPtr link, boost::beast::flat_buffer& buffer);
[[nodiscard]] std::string_view text_of(const boost::beast::flat_buffer& buffer);

}  // namespace sandpit::egress
