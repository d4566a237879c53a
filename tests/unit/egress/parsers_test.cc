// SOCKS, DNS, and the head of HTTP requests.
#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "egress/dns.h"
#include "egress/http_uri.h"
#include "egress/proxy_http_head.h"
#include "egress/socks.h"

namespace sandpit::egress {
namespace {

using namespace std::string_literals;
using socks::Reply;
using socks::Step;

TEST(Socks, GreetingIsReadOnceItIsWhole) {
  const std::string greeting = "\x05\x02\x02\x00"s;
  for (std::size_t size = 0; size < greeting.size(); ++size) {
    EXPECT_EQ(socks::parse_greeting(greeting.substr(0, size)).step, Step::kMore);
  }
  const auto whole = socks::parse_greeting(greeting + "more");
  EXPECT_EQ(whole.step, Step::kDone);
  EXPECT_EQ(whole.size, 4U);
  EXPECT_TRUE(whole.anonymous);
  EXPECT_EQ(socks::method_reply(whole), "\x05\x00"s);
  EXPECT_EQ(socks::method_reply(socks::parse_greeting("\x05\x01\x02"s)), "\x05\xff"s);
  EXPECT_EQ(socks::method_reply(socks::parse_greeting("\x05\x00"s)), "\x05\xff"s);
  EXPECT_EQ(socks::parse_greeting("\x04\x01"s).step, Step::kMalformed);
}

TEST(Socks, RequestHasAnAddressOfThreeKinds) {
  const std::string v4 = "\x05\x01\x00\x01\x7f\x00\x00\x01\x01\xbb"s;
  const std::string v6 = "\x05\x01\x00\x04"s + std::string(15, '\0') + "\x01\x00\x50"s;
  const std::string name =
      "\x05\x01\x00\x03\x0b"
      "example.com\x01\xbb"s;
  EXPECT_EQ(socks::parse_request(v4).host, "127.0.0.1");
  EXPECT_EQ(socks::parse_request(v4).port, 443);
  EXPECT_EQ(socks::parse_request(v6).host, "::1");
  EXPECT_EQ(socks::parse_request(v6).port, 80);
  EXPECT_EQ(socks::parse_request(name).host, "example.com");
  EXPECT_EQ(socks::parse_request(name).port, 443);
  for (const std::string& whole : {v4, v6, name}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_EQ(socks::parse_request(whole.substr(0, size)).step, Step::kMore) << size;
    }
    EXPECT_EQ(socks::parse_request(whole + "early").size, whole.size());
  }
}

TEST(Socks, RequestIsRefusedWithItsReason) {
  EXPECT_EQ(socks::parse_request("\x05\x02\x00\x01"s).reply, Reply::kCommandNotSupported);
  EXPECT_EQ(socks::parse_request("\x05\x03\x00\x01"s).reply, Reply::kCommandNotSupported);
  EXPECT_EQ(socks::parse_request("\x05\x01\x00\x02\x01"s).reply, Reply::kAddressTypeNotSupported);
  EXPECT_EQ(socks::parse_request("\x05\x01\x00\x03\x00"s).reply, Reply::kGeneralFailure);
  EXPECT_EQ(socks::parse_request("\x04\x01\x00\x01"s).step, Step::kMalformed);
  EXPECT_EQ(socks::request_reply(Reply::kRefused), "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"s);
}

const std::string kDnsHead = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"s;
const std::string kDnsQuestion =
    "\x07"
    "example\x03"
    "com\x00\x00\x01\x00\x01"s;

TEST(Dns, QueryIsReadAndAnswered) {
  const std::string packet = kDnsHead + kDnsQuestion;
  const auto query = dns::parse_query(packet);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->name, "example.com");
  EXPECT_EQ(dns::answer(packet, *query, dns::Code::kNoSuchName),
            "\x12\x34\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00"s + kDnsQuestion);
  EXPECT_EQ(dns::answer(packet, *query, dns::Code::kNoError)[3], '\x80');
}

TEST(Dns, RecordsBehindTheQuestionAreIgnored) {
  std::string packet = kDnsHead + kDnsQuestion + "\x00\x00\x29\x10\x00"s;
  packet[11] = 1;
  const auto query = dns::parse_query(packet);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->question, kDnsQuestion);
}

TEST(Dns, OddBytesOfANameStayInTheirLabel) {
  EXPECT_EQ(dns::parse_query(kDnsHead + "\x03"
                                        "a.b\x00\x00\x01\x00\x01"s)
                ->name,
            "a?b");
  EXPECT_EQ(dns::parse_query(kDnsHead + "\x00\x00\x02\x00\x01"s)->name, "");
}

TEST(Dns, MalformedPacketsAreNoQuery) {
  const std::string whole = kDnsHead + kDnsQuestion;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(dns::parse_query(whole.substr(0, size))) << size;
  }
  const auto with = [&](std::size_t at, char value) {
    std::string changed = whole;
    changed[at] = value;
    return changed;
  };
  EXPECT_FALSE(dns::parse_query(with(2, '\x81')));   // a response
  EXPECT_FALSE(dns::parse_query(with(2, '\x28')));   // an update
  EXPECT_FALSE(dns::parse_query(with(5, 0)));        // no question
  EXPECT_FALSE(dns::parse_query(with(5, 2)));        // two
  EXPECT_FALSE(dns::parse_query(with(7, 1)));        // an answer
  EXPECT_FALSE(dns::parse_query(with(12, '\xc0')));  // a compression pointer
  EXPECT_FALSE(dns::parse_query(with(12, '\x40')));
  EXPECT_FALSE(dns::parse_query(with(12, '\x3f')));  // longer than the packet
  std::string name;
  for (int i = 0; i < 128; ++i)
    name +=
        "\x01"
        "a";
  EXPECT_FALSE(dns::parse_query(kDnsHead + name + "\x00\x00\x01\x00\x01"s));
  EXPECT_TRUE(dns::parse_query(kDnsHead + name.substr(2) + "\x00\x00\x01\x00\x01"s));
  EXPECT_FALSE(dns::parse_query(whole + std::string(dns::kLargestQuery, 'x')));
}

TEST(HttpUri, IsTakenApart) {
  const auto uri = parse_http_uri("HTTP://Example.com:8080/a?b=c");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->authority.host, "Example.com");
  EXPECT_EQ(uri->authority.port, 8080);
  EXPECT_EQ(uri->host_field, "Example.com:8080");
  EXPECT_EQ(uri->origin, "/a?b=c");
  EXPECT_EQ(parse_http_uri("http://a")->origin, "/");
  EXPECT_EQ(parse_http_uri("http://a?b")->origin, "/?b");
  EXPECT_EQ(parse_http_uri("http://[::1]/")->authority.host, "::1");
  EXPECT_EQ(parse_http_uri("http://a/@:u")->authority.port, 80);
  for (const std::string_view text : {"",
                                      "/",
                                      "*",
                                      "http:",
                                      "http:/a",
                                      "http:///a",
                                      "https://a/",
                                      "ftp://a/",
                                      "http://u@a/",
                                      "http://u:p@a/",
                                      "http://a:80@b/",
                                      "http://a:b/",
                                      "http://a:0/",
                                      "http://a#b",
                                      "http://a/#b",
                                      "http://a b/",
                                      "http://a\\@b/",
                                      "http://a/\x7f",
                                      "a:80",
                                      "http://[::1/"}) {
    EXPECT_FALSE(parse_http_uri(text)) << text;
  }
}

// What the server gets for the head of a request; "" when there is an error.
std::string forwarded(std::string_view head) {
  HttpParser parser;
  set_limits(parser);
  boost::system::error_code failed;
  parser.put(boost::asio::buffer(head.data(), head.size()), failed);
  if (failed || !parser.is_header_done()) return {};
  const auto uri = forward_target(parser);
  if (!uri) return {};
  rewrite_for_server(parser.get(), *uri);
  std::ostringstream out;
  out << parser.get().base();
  return out.str();
}

TEST(HttpHead, IsRewrittenForTheServer) {
  EXPECT_EQ(forwarded("GET http://a.example/x?y HTTP/1.1\r\nHost: b.example\r\nAccept: */*\r\n"
                      "Proxy-Authorization: secret\r\nProxy-Connection: keep-alive\r\n"
                      "Connection: keep-alive, X-Private\r\nX-Private: 1\r\nUpgrade: h2c\r\n"
                      "Keep-Alive: 5\r\nTE: trailers\r\n\r\n"),
            "GET /x?y HTTP/1.1\r\nAccept: */*\r\nHost: a.example\r\nConnection: close\r\n\r\n");
}

TEST(HttpHead, KeepsTheFramingOfItsBody) {
  EXPECT_EQ(forwarded("POST http://a/ HTTP/1.1\r\nConnection: content-length, host\r\n"
                      "Content-Length: 5\r\n\r\n"),
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(
      forwarded("POST http://a/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
                "Connection: transfer-encoding\r\n\r\n"),
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: a\r\nConnection: close\r\n\r\n");
}

TEST(HttpHead, IsRefusedWhenTheBodyCouldBeReadInTwoWays) {
  for (const std::string_view fields :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5", "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5, 5", "Content-Length: -5",
        "Content-Length: +5", "Content-Length: 0x5", "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, identity", "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: identity\r\nContent-Length: 5", "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked, chunked", " Content-Length: 5",
        "Content-Length: 99999999999999999999999"}) {
    const std::string head = "POST http://a/ HTTP/1.1\r\n" + std::string(fields) + "\r\n\r\n";
    EXPECT_EQ(forwarded(head), "") << fields;
  }
}

TEST(HttpHead, OfATunnelHasNoBody) {
  const auto target = [](std::string_view head) {
    HttpParser parser;
    set_limits(parser);
    boost::system::error_code failed;
    parser.put(boost::asio::buffer(head.data(), head.size()), failed);
    const auto asked = failed ? std::nullopt : tunnel_target(parser);
    return asked ? asked->host : "";
  };
  EXPECT_EQ(target("CONNECT a:443 HTTP/1.1\r\nHost: b:443\r\n\r\n"), "a");
  EXPECT_EQ(target("CONNECT a:443 HTTP/1.0\r\n\r\n"), "a");
  EXPECT_EQ(target("CONNECT a:443 HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), "a");
  EXPECT_EQ(target("CONNECT a:443 HTTP/1.1\r\nContent-Length: 5\r\n\r\n"), "");
  EXPECT_EQ(target("CONNECT a:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), "");
  EXPECT_EQ(target("CONNECT a HTTP/1.1\r\n\r\n"), "");
  EXPECT_EQ(target("CONNECT u@a:443 HTTP/1.1\r\n\r\n"), "");
  EXPECT_EQ(target("CONNECT http://a:443/ HTTP/1.1\r\n\r\n"), "");
  EXPECT_EQ(target("GET a:443 HTTP/1.1\r\n\r\n"), "");
}

TEST(HttpAnswer, IsWrittenAnewWithItsConnectionClosed) {
  const std::string head = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n";
  const AnswerHead answer = parse_answer_head(head + "body");
  EXPECT_EQ(answer.step, AnswerStep::kFinal);
  EXPECT_EQ(answer.size, head.size());
  EXPECT_EQ(answer.text, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
}

TEST(HttpAnswer, WithAStatusThatIsNoneGoesOnAsItIs) {
  for (const std::string status : {"020", "099", "000"}) {
    const AnswerHead answer = parse_answer_head("HTTP/1.1 " + status + " OK\r\n\r\n");
    EXPECT_EQ(answer.step, AnswerStep::kOpaque) << status;
    EXPECT_TRUE(answer.text.empty()) << answer.text;
  }
}

}  // namespace
}  // namespace sandpit::egress
