// The heads of HTTP/1: what a proxy client asks for, and what of its request and of the answer goes
// on. Boost.Beast has parsed it. Pure.
#pragma once

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "egress/http_uri.h"
#include "egress/rules.h"

namespace sandpit::egress {

inline constexpr std::uint32_t kHeadLimit = 16U << 10U;  // bytes

using HttpRequest = boost::beast::http::request<boost::beast::http::buffer_body>;
using HttpParser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

// With our limits: of the head only, a body may have any length.
void set_limits(HttpParser& parser);

// "CONNECT host:port", which opens a tunnel. None when it is not that, or has a body.
[[nodiscard]] std::optional<Authority> tunnel_target(const HttpParser& parser);
// "GET http://host/path": a request that is passed on. None for everything else.
[[nodiscard]] std::optional<HttpUri> forward_target(const HttpParser& parser);

// Makes it the request that the server gets: origin form, the URI's Host, none of the fields that
// are for the proxy, and the connection closed after it. How the body is framed stays.
void rewrite_for_server(HttpRequest& request, const HttpUri& uri);

inline constexpr std::size_t kAnswerHeadLimit = 64U << 10U;  // bytes

enum class AnswerStep : std::uint8_t {
  kMore,     // the head is not complete
  kInterim,  // 1xx: another head follows
  kFinal,    // the body follows
  kOpaque,   // no head that we understand: all of it goes on as it is
};
struct AnswerHead {
  AnswerStep step = AnswerStep::kOpaque;
  std::size_t size = 0;  // of the head, as the server sent it
  std::string text;      // what the client gets instead
};
// The head at the start of what the server said. A final one tells the client that the connection
// is closed after it, whatever the server says about its own.
[[nodiscard]] AnswerHead parse_answer_head(std::string_view bytes);

}  // namespace sandpit::egress
