#include "egress/proxy_serve.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
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

// The supervisor says nothing after the start message; an empty read is its end.
asio::awaitable<void> exit_when_hung_up(asio::posix::stream_descriptor control) {
  while (true) {
    co_await control.async_wait(asio::posix::stream_descriptor::wait_read, kTuple);
    char unwanted = 0;
    const ssize_t size = ::recv(control.native_handle(), &unwanted, sizeof unwanted, MSG_DONTWAIT);
    const bool nothing_yet = size < 0 && (errno == EAGAIN || errno == EINTR);
    // At once: getaddrinfo in the resolver's thread would keep a clean exit waiting.
    if (size <= 0 && !nothing_yet) ::_exit(0);
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
  Proxy proxy{.io = io,
              .rules = rules,
              .counters = *counters,
              .control = control,
              .resolver = tcp::resolver(io),
              .gate = Gate(io)};
  for (const Listener& listener : start.listeners) {
    SP_TRY_VOID(listen(proxy, listener, std::move(received.descriptors[listener.descriptor])));
  }
  received.descriptors.clear();
  spawn(io, exit_when_hung_up(asio::posix::stream_descriptor(io, control)));
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
