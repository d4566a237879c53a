// What a program and the servers of its list can say to the egress proxy, and what the proxy and
// its supervisor say to each other. The first byte chooses.
#include <algorithm>
#include <boost/asio/buffer.hpp>

#include "egress/dns.h"
#include "egress/http_uri.h"
#include "egress/protocol.h"
#include "egress/proxy_http_head.h"
#include "egress/rules.h"
#include "egress/socks.h"
#include "fuzz/input.h"

namespace sandpit::fuzz {
namespace {

using namespace sandpit::egress;

void read_start(std::string_view text, std::size_t descriptors) {
  const auto start = parse_start(text, descriptors);
  if (!start) {
    (void)start.error().to_string();
    return;
  }
  const auto again = parse_start(start_text(*start), descriptors);
  require(again && *again == *start, "a start message is read as it was written");
}

void read_report(std::string_view text) {
  const auto report = parse_report(text);
  if (report) {
    require(parse_report(report_text(*report)) == report, "a report is read as it was written");
  }
  const std::string written = report_text({.host = std::string(text)});
  require(written.size() <= kLargestReport && parse_report(written), "any host can be reported");
}

void read_host(std::string_view text) {
  const auto authority = parse_authority(text, 0);
  const auto host = parse_host(authority ? authority->host : text);
  if (host && std::holds_alternative<std::string>(*host)) {
    require(host_name(std::get<std::string>(*host)) == std::get<std::string>(*host),
            "a name has one form");
    require(!Address::parse(std::get<std::string>(*host)), "a name is no address");
  } else if (host) {
    const Address& address = std::get<Address>(*host);
    require(Address::parse(address.to_string()) == address, "an address is read as it is written");
  }
  AllowList list;
  const bool entry = list.add(text).has_value();
  if (entry && authority && host) {
    require(list.allows(*host, authority->port), "an entry allows what it says");
  }
}

void read_socks(std::string_view bytes) {
  const auto greeting = socks::parse_greeting(bytes);
  require(greeting.size <= bytes.size(), "a greeting lies in what was read");
  const auto request = socks::parse_request(bytes);
  require(request.size <= bytes.size() && request.host.size() <= 255, "a request lies in it too");
  const std::string_view less = bytes.substr(0, bytes.size() / 2);
  if (socks::parse_request(less).step == socks::Step::kDone) {
    require(request.step == socks::Step::kDone && request.size <= less.size(),
            "what is whole stays as it is");
  }
}

void read_dns(std::string_view packet) {
  const auto query = dns::parse_query(packet);
  if (!query) return;
  std::string answer = dns::answer(packet, *query, dns::Code::kNoSuchName);
  require(answer.size() <= packet.size(), "an answer amplifies nothing");
  answer[2] = 0;  // as if it were a query
  const auto again = dns::parse_query(answer);
  require(again && again->name == query->name, "the question comes back");
}

void read_http(std::string_view bytes) {
  HttpParser parser;
  set_limits(parser);
  boost::system::error_code failed;
  parser.put(boost::asio::buffer(bytes.data(), bytes.size()), failed);
  if (failed || !parser.is_header_done()) return;
  (void)tunnel_target(parser);
  const auto uri = forward_target(parser);
  if (!uri) return;
  const auto length = parser.content_length();
  const bool chunked = parser.chunked();
  HttpRequest& request = parser.get();
  rewrite_for_server(request, *uri);
  require(request.count("Host") == 1 && request["Connection"] == "close", "one Host, and closed");
  require(request.chunked() == chunked && request.has_content_length() == length.has_value(),
          "the body stays framed as it was");
  require(request.target().starts_with('/'), "servers get the origin form");
}

void read_answer(std::string_view bytes) {
  const AnswerHead head = parse_answer_head(bytes);
  switch (head.step) {
    case AnswerStep::kMore:
    case AnswerStep::kOpaque:
      require(head.size == 0 && head.text.empty(), "nothing of it is replaced");
      break;
    case AnswerStep::kInterim:
      require(head.size > 0 && head.text == bytes.substr(0, head.size), "it goes on as it came");
      break;
    case AnswerStep::kFinal: {
      require(head.size > 0 && head.size <= bytes.size(), "a head lies in what was read");
      const AnswerHead again = parse_answer_head(head.text);
      require(again.step == AnswerStep::kFinal && again.size == head.text.size(),
              "what the client gets is one head");
      require(again.text == head.text, "it is written as it is read");
      require(head.text.contains("\r\nConnection: close\r\n"), "the client hears of the end");
    }
  }
}

}  // namespace
}  // namespace sandpit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sandpit::fuzz::Input input(data, size);
  switch (input.take() % 7) {
    case 0: {
      const std::uint8_t descriptors = input.take();
      sandpit::fuzz::read_start(input.rest(), descriptors);
      break;
    }
    case 1:
      sandpit::fuzz::read_report(input.rest());
      break;
    case 2:
      sandpit::fuzz::read_host(input.rest());
      break;
    case 3:
      sandpit::fuzz::read_socks(input.rest());
      break;
    case 4:
      sandpit::fuzz::read_dns(input.rest());
      break;
    case 5:
      sandpit::fuzz::read_http(input.rest());
      break;
    default:
      sandpit::fuzz::read_answer(input.rest());
  }
  return 0;
}
