#include "egress/proxy_http_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/none.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
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

// Where the first empty line ends, however its lines end; 0 when there is none yet.
std::size_t end_of_head(std::string_view bytes) {
  const std::size_t proper = bytes.find("\n\r\n");
  const std::size_t bare = bytes.find("\n\n");
  if (proper == std::string_view::npos && bare == std::string_view::npos) return 0;
  return proper < bare ? proper + 3 : bare + 2;
}

std::string text_of(const http::response_header<>& head) {
  std::string text = fmt::format("HTTP/{}.{} {} {}\r\n", head.version() / 10, head.version() % 10,
                                 head.result_int(), std::string_view(head.reason()));
  for (const auto& field : head) {
    text += fmt::format("{}: {}\r\n", std::string_view(field.name_string()),
                        std::string_view(field.value()));
  }
  return text + "\r\n";
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

AnswerHead parse_answer_head(std::string_view bytes) {
  constexpr std::string_view kStart = "HTTP/1.";
  const std::size_t known = std::min(bytes.size(), kStart.size());
  if (bytes.substr(0, known) != kStart.substr(0, known)) return {};
  const std::size_t size = end_of_head(bytes.substr(0, kAnswerHeadLimit));
  if (size == 0) {
    if (bytes.size() >= kAnswerHeadLimit) return {};
    return {.step = AnswerStep::kMore, .size = 0, .text = {}};
  }
  http::response_parser<http::empty_body> parser;
  parser.header_limit(kAnswerHeadLimit);
  parser.body_limit(boost::none);
  parser.skip(true);
  boost::system::error_code failed;
  parser.put(boost::asio::buffer(bytes.data(), size), failed);
  if (failed || !parser.is_header_done()) return {};
  auto& answer = parser.get();
  // "020" would be written as "20", which is no status (RFC 9110, section 15: 100 to 599).
  constexpr unsigned kFirstStatus = 100;
  if (answer.result_int() < kFirstStatus) return {};
  // 101 can't come: no request asks for it.
  if (http::to_status_class(answer.result_int()) == http::status_class::informational &&
      answer.result() != http::status::switching_protocols) {
    return {.step = AnswerStep::kInterim, .size = size, .text = std::string(bytes.substr(0, size))};
  }
  answer.erase(http::field::keep_alive);
  answer.erase(http::field::proxy_connection);
  answer.set(http::field::connection, "close");
  return {.step = AnswerStep::kFinal, .size = size, .text = text_of(answer.base())};
}

}  // namespace sandpit::egress
