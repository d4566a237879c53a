// What every part of the running proxy shares. One thread runs all of it; the coroutines of a
// connection hold its Link, and the last one to end closes it.
#pragma once

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "egress/address.h"
#include "egress/protocol.h"
#include "egress/rules.h"

namespace sandpit::egress {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Stream = boost::beast::tcp_stream;

// Every asynchronous call answers (error_code, …); none throws.
inline constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

inline constexpr std::size_t kMostConnections = 256;
inline constexpr std::size_t kPieceSize = 16U << 10U;  // bytes moved at once
inline constexpr std::chrono::seconds kHeadTimeout{10};
inline constexpr std::chrono::seconds kLookupTimeout{10};
inline constexpr std::chrono::seconds kConnectTimeout{10};  // over all addresses

// Memory ran out, the one reason to throw: the coroutine's connection ends, the proxy goes on.
inline void ignore_exception(const std::exception_ptr& /*unused*/) {}

template <class Coroutine>
void spawn(asio::io_context& io, Coroutine coroutine) {
  asio::co_spawn(io, std::move(coroutine), ignore_exception);
}

// How many connections there may be.
class Gate {
 public:
  explicit Gate(asio::io_context& io) : left_(io, asio::steady_timer::time_point::max()) {}

  // Held by a connection.
  class Place {
   public:
    explicit Place(Gate& gate) : gate_(&gate) { ++gate_->taken_; }
    Place(Place&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      if (gate_ == nullptr) return;
      --gate_->taken_;
      try {
        gate_->left_.cancel();
      } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): a timer that exists can be
      }
    }

   private:
    Gate* gate_;
  };
  // Waits until there is room.
  [[nodiscard]] asio::awaitable<Place> enter() {
    while (taken_ >= kMostConnections) co_await left_.async_wait(kTuple);
    co_return Place(*this);
  }

 private:
  std::size_t taken_ = 0;
  asio::steady_timer left_;  // never expires; cancelled whenever a place is left
};

struct Link;

// A name that is being looked up.
struct Lookup {
  explicit Lookup(asio::io_context& io) : done(io, kLookupTimeout) {}
  asio::steady_timer done;  // cancelled then
  std::optional<std::vector<Address>> addresses;
};

inline constexpr std::size_t kResolvers = 3;  // threads that wait for name servers

struct Proxy {
  asio::io_context& io;
  const AllowList& rules;
  Counters& counters;
  int control;  // the control socket
  asio::thread_pool resolvers{kResolvers};
  std::map<std::string, std::shared_ptr<Lookup>> lookups;
  Gate gate;
  std::set<Link*> uploads;  // whose client may still have something for the server

  // Counts it when it is a denial, and tells the supervisor if the socket has room.
  void report(const Report& report);
};

// A client's connection and the one to its destination.
struct Link {
  Link(Proxy& of, tcp::socket accepted, Gate::Place held)
      : proxy(of),
        client(std::move(accepted)),
        server(of.io),
        patience(of.io),
        place(std::move(held)) {
    of.uploads.insert(this);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { finish_upload(); }
  // The client has sent all it will, and the server's socket has it.
  void finish_upload() { proxy.uploads.erase(this); }
  Proxy& proxy;
  Stream client;
  Stream server;
  // Since when the server is waited for; none while it is not.
  std::optional<std::chrono::steady_clock::time_point> silent_since;
  bool server_ended = false;    // or the connection broke
  asio::steady_timer patience;  // cancelled then
  Gate::Place place;
};
using LinkPtr = std::shared_ptr<Link>;

using Piece = std::array<char, kPieceSize>;

// Both ends, at once; what waits for them wakes with an error. The client gets a reset, as the end
// of a stream would tell it that all is well.
void abort(Link& link);

}  // namespace sandpit::egress
