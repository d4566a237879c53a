#include "egress/proxy_http_head.h"

#include <algorithm>
#include <array>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/none.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "egress/http_uri.h"
#include "egress/rules.h"

namespace sandpit::egress {
namespace {

namespace http = boost::beast::http;

// RFC 9110 section 7.6.1. Transfer-Encoding stays: the body goes on as it came.
constexpr std::array kHopByHop{http::field::connection,
                               http::field::keep_alive,
                               http::field::proxy_connection,
                               http::field::te,
                               http::field::trailer,
                               http::field::upgrade,
                               http::field::proxy_authenticate,
                               http::field::proxy_authorization,
                               http::field::proxy_authentication_info,
                               http::field::http2_settings};

bool frames_the_body(boost::beast::string_view name) {
  return boost::beast::iequals(name, "content-length") ||
         boost::beast::iequals(name, "transfer-encoding") || boost::beast::iequals(name, "host");
}

// Those that Connection names. It may not name what says where the body ends.
std::vector<std::string> named_by_connection(const HttpRequest& request) {
  std::vector<std::string> names;
  const auto [begin, end] = request.equal_range(http::field::connection);
  for (auto field = begin; field != end; ++field) {
    for (const auto token : http::token_list{field->value()}) {
      if (!frames_the_body(token)) names.emplace_back(token);
    }
  }
  return names;
}

// One number, or one Transfer-Encoding that ends in "chunked", or neither: else Beast and the
// server might disagree about where the body ends.
bool framing_is_clear(const HttpParser& parser) {
  const HttpRequest& request = parser.get();
  const std::size_t encodings = request.count(http::field::transfer_encoding);
  const std::size_t lengths = request.count(http::field::content_length);
  if (encodings != 0) return encodings == 1 && lengths == 0 && parser.chunked();
  // Beast takes "5, 5" for 5.
  const boost::beast::string_view length = request[http::field::content_length];
  return lengths <= 1 && std::ranges::all_of(length, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

void set_limits(HttpParser& parser) {
  parser.header_limit(kHeadLimit);
  parser.body_limit(boost::none);
}

std::optional<Authority> tunnel_target(const HttpParser& parser) {
  const HttpRequest& request = parser.get();
  if (request.method() != http::verb::connect || !framing_is_clear(parser)) return std::nullopt;
  if (parser.chunked() || parser.content_length().value_or(0) != 0) return std::nullopt;
  return parse_authority(request.target(), 0);
}

std::optional<HttpUri> forward_target(const HttpParser& parser) {
  const HttpRequest& request = parser.get();
  if (request.method() == http::verb::connect || !framing_is_clear(parser)) return std::nullopt;
  return parse_http_uri(request.target());
}

void rewrite_for_server(HttpRequest& request, const HttpUri& uri) {
  for (const std::string& name : named_by_connection(request)) request.erase(name);
  for (const http::field name : kHopByHop) request.erase(name);
  request.target(uri.origin);
  request.set(http::field::host, uri.host_field);
  request.set(http::field::connection, "close");
}

}  // namespace sandpit::egress
