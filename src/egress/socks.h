// SOCKS5 as bytes (RFC 1928): what a client says, as far as it has come, and what it is answered.
// Pure. Only CONNECT, and only without authentication: who can reach the proxy may use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sandpit::egress::socks {

inline constexpr char kVersion = 5;

enum class Step : std::uint8_t {
  kMore,       // it begins well, and more must be read
  kMalformed,  // to be hung up on, after `reply` when there is one
  kDone,
};

enum class Reply : std::uint8_t {
  kSucceeded = 0,
  kGeneralFailure = 1,
  kNotAllowed = 2,
  kNetworkUnreachable = 3,
  kHostUnreachable = 4,
  kRefused = 5,
  kCommandNotSupported = 7,
  kAddressTypeNotSupported = 8,
};

struct Greeting {
  Step step = Step::kMore;
  std::size_t size = 0;    // bytes of it, when done
  bool anonymous = false;  // it offers to go without authentication
};
[[nodiscard]] Greeting parse_greeting(std::string_view bytes);
// What a greeting is answered.
[[nodiscard]] std::string_view method_reply(const Greeting& greeting);

struct Request {
  Step step = Step::kMore;
  std::size_t size = 0;
  Reply reply = Reply::kSucceeded;  // what to refuse a malformed one with
  std::string host;                 // as the client wrote it, any bytes; or an address
  std::uint16_t port = 0;
};
[[nodiscard]] Request parse_request(std::string_view bytes);
[[nodiscard]] std::string request_reply(Reply reply);

}  // namespace sandpit::egress::socks
