#include "egress/proxy_reach.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <bit>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/error.hpp>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "egress/address.h"
#include "egress/protocol.h"
#include "egress/proxy_state.h"
#include "egress/rules.h"

namespace sandpit::egress {
namespace {

constexpr std::size_t kMostLookups = 512;
constexpr std::size_t kMostAddresses = 16;  // of one name

tcp::endpoint endpoint_of(const Address& address, std::uint16_t port) {
  if (address.is_v4()) return {asio::ip::address_v4(address.v4()), port};
  return {asio::ip::address_v6(address.v6()), port};
}

// In a thread of the pool: it waits for name servers, and can't be stopped.
std::vector<Address> addresses_of(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  std::vector<Address> addresses;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return addresses;
  for (const addrinfo* item = found; item != nullptr; item = item->ai_next) {
    if (addresses.size() == kMostAddresses) break;
    if (item->ai_family == AF_INET) {
      sockaddr_in address{};
      std::memcpy(&address, item->ai_addr, sizeof address);
      addresses.emplace_back(std::bit_cast<Address::V4>(address.sin_addr));
    } else if (item->ai_family == AF_INET6) {
      sockaddr_in6 address{};
      std::memcpy(&address, item->ai_addr, sizeof address);
      addresses.emplace_back(std::bit_cast<Address::V6>(address.sin6_addr));
    }
  }
  ::freeaddrinfo(found);
  return addresses;
}

// All who ask for a name while it is looked up wait for the same answer: one slow name takes one
// thread. None: it did not come in time.
asio::awaitable<std::optional<std::vector<Address>>> look_up(Proxy& proxy, std::string name) {
  std::shared_ptr<Lookup> lookup;
  if (const auto running = proxy.lookups.find(name); running != proxy.lookups.end()) {
    lookup = running->second;
  } else {
    if (proxy.lookups.size() >= kMostLookups) co_return std::nullopt;
    lookup = std::make_shared<Lookup>(proxy.io);
    proxy.lookups.emplace(name, lookup);
    asio::post(proxy.resolvers, [&proxy, lookup, name] {
      auto addresses = addresses_of(name);
      asio::post(proxy.io, [&proxy, lookup, name, addresses = std::move(addresses)] {
        lookup->addresses = addresses;
        lookup->done.cancel();
        proxy.lookups.erase(name);
      });
    });
  }
  while (!lookup->addresses && std::chrono::steady_clock::now() < lookup->done.expiry()) {
    co_await lookup->done.async_wait(kTuple);
  }
  co_return lookup->addresses;
}

int errno_of(const error_code& error) {
  if (error == boost::beast::error::timeout) return ETIMEDOUT;
  return error.category() == boost::system::system_category() ? error.value() : EIO;
}

// The first that answers. Each may take its share of the time that is left.
asio::awaitable<int> connect_first(LinkPtr link, std::vector<Address> addresses,
                                   std::uint16_t port) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + kConnectTimeout;
  int error = EHOSTUNREACH;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto left = deadline - Clock::now();
    const auto share = left / static_cast<std::int64_t>(addresses.size() - i);
    link->server.expires_after(share);
    const tcp::endpoint endpoint = endpoint_of(addresses[i], port);
    const auto [failed] = co_await link->server.async_connect(endpoint, kTuple);
    link->server.expires_never();
    if (!failed) co_return 0;
    error = errno_of(failed);
    error_code ignored;
    link->server.socket().close(ignored);
  }
  co_return error;
}

asio::awaitable<std::optional<Failure>> try_to_reach(LinkPtr link, Authority asked) {
  const Proxy& proxy = link->proxy;
  const auto host = parse_host(asked.host);
  if (!host || asked.port == 0 || !proxy.rules.allows(*host, asked.port)) {
    co_return Failure{Reason::kNotListed, 0};
  }
  std::vector<Address> addresses;
  if (const Address* literal = std::get_if<Address>(&*host)) {
    addresses.push_back(*literal);
  } else {
    auto found = co_await look_up(link->proxy, std::get<std::string>(*host));
    if (!found) co_return Failure{Reason::kUnreachable, ETIMEDOUT};
    addresses = *std::move(found);
    if (addresses.empty()) co_return Failure{Reason::kUnresolved, 0};
    std::erase_if(addresses, [&](const Address& address) {
      return !proxy.rules.allows_resolved(address, asked.port);
    });
    if (addresses.empty()) co_return Failure{Reason::kPrivateAddress, 0};
  }
  const int error = co_await connect_first(link, std::move(addresses), asked.port);
  if (error != 0) co_return Failure{Reason::kUnreachable, error};
  co_return std::nullopt;
}

}  // namespace

asio::awaitable<std::optional<Failure>> reach(LinkPtr link, Authority asked) {
  const std::optional<Failure> failure = co_await try_to_reach(link, asked);
  if (failure) {
    link->proxy.report({.kind = ReportKind::kConnect,
                        .reason = failure->reason,
                        .port = asked.port,
                        .error = failure->error,
                        .host = asked.host});
    co_return failure;
  }
  error_code ignored;
  link->server.socket().set_option(tcp::no_delay(true), ignored);
  link->server.socket().set_option(asio::socket_base::keep_alive(true), ignored);
  link->proxy.counters.connections.fetch_add(1, std::memory_order_relaxed);
  co_return std::nullopt;
}

}  // namespace sandpit::egress
