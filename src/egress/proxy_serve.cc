#include "egress/proxy_serve.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/descriptors.h"
#include "base/memory_file.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "egress/protocol.h"
#include "egress/proxy_listen.h"
#include "egress/proxy_state.h"
#include "egress/rules.h"

namespace sandpit::egress {
namespace {

struct Received {
  std::string text;
  std::vector<UniqueFd> descriptors;
};

Error unusable(std::string message) {
  return Error{.code = ErrorCode::kUsage, .message = std::move(message)};
}

Result<Received> receive_start(int control) {
  Received received{.text = std::string(kLargestStart, '\0'), .descriptors = {}};
  DescriptorRoom<kMostStartDescriptors> room;
  iovec piece{.iov_base = received.text.data(), .iov_len = received.text.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = room.bytes.data();
  header.msg_controllen = room.bytes.size();
  ssize_t size = -1;
  do size = ::recvmsg(control, &header, MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR);
  if (size < 0) return fail(errno_error("receive the start message", errno));
  received.descriptors = take_descriptors(header);
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return fail(unusable("the start message is too long"));
  }
  received.text.resize(static_cast<std::size_t>(size));
  return received;
}

Result<Counters*> map_counters(int file) {
  if (size_of_file(file) < sizeof(Counters)) return fail(unusable("no room for the counters"));
  void* address = ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (address == MAP_FAILED) return fail(errno_error("map the counters", errno));
  return static_cast<Counters*>(address);
}

// What the program had sent before its end is in sockets of ours, or in the backlog of a listener.
asio::awaitable<void> drain(Proxy& proxy) {
  constexpr std::chrono::milliseconds kTurn{1};
  constexpr int kTurnsForBacklog = 2;
  const auto deadline = std::chrono::steady_clock::now() + kEndTime;
  for (int turn = 0; turn < kTurnsForBacklog || !proxy.uploads.empty(); ++turn) {
    if (std::chrono::steady_clock::now() >= deadline) break;
    asio::steady_timer timer(proxy.io, kTurn);
    co_await timer.async_wait(kTuple);
  }
  // The other side shall see that something is missing: no end of stream, but a reset.
  for (Link* link : proxy.uploads) {
    error_code ignored;
    link->server.socket().set_option(asio::socket_base::linger(true, 0), ignored);
  }
  proxy.counters.cut.store(proxy.uploads.size(), std::memory_order_relaxed);
}

// The supervisor says nothing after the start message; an empty read is its end.
asio::awaitable<void> exit_when_over(Proxy& proxy, asio::posix::stream_descriptor control) {
  while (true) {
    co_await control.async_wait(asio::posix::stream_descriptor::wait_read, kTuple);
    char unwanted = 0;
    const ssize_t size = ::recv(control.native_handle(), &unwanted, sizeof unwanted, MSG_DONTWAIT);
    const bool nothing_yet = size < 0 && (errno == EAGAIN || errno == EINTR);
    if (size > 0 || nothing_yet) continue;
    co_await drain(proxy);
    // At once: getaddrinfo in a resolver's thread would keep a clean exit waiting.
    ::_exit(0);
  }
}

}  // namespace

Result<void> serve(int control) {
  SP_TRY(Received received, receive_start(control));
  SP_TRY(const Start start, parse_start(received.text, received.descriptors.size()));
  SP_TRY(Counters* const counters, map_counters(received.descriptors.front().get()));
  AllowList rules;
  for (const std::string& entry : start.allow) SP_TRY_VOID(rules.add(entry));
  asio::io_context io(1);
  Proxy proxy{
      .io = io, .rules = rules, .counters = *counters, .control = control, .gate = Gate(io)};
  for (const Listener& listener : start.listeners) {
    SP_TRY_VOID(listen(proxy, listener, std::move(received.descriptors[listener.descriptor])));
  }
  received.descriptors.clear();
  spawn(io, exit_when_over(proxy, asio::posix::stream_descriptor(io, control)));
  while (true) {
    try {
      io.run();
      return fail(unusable("nothing left to do"));
    } catch (const std::exception&) {
      // Out of memory outside of a coroutine: what was being done is lost, the rest goes on.
      continue;
    }
  }
}

}  // namespace sandpit::egress
