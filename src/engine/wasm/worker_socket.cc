#include "engine/wasm/worker_socket.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/descriptors.h"

namespace sandpit::wasm {
namespace {

constexpr std::size_t kLargestMessage = 256U << 10U;
constexpr std::size_t kMostDescriptors = 8;

}  // namespace

MessageSocket::MessageSocket(int fd) : fd_(fd), buffer_(kLargestMessage, '\0') {}

std::optional<Message> MessageSocket::receive() {
  iovec part{.iov_base = buffer_.data(), .iov_len = buffer_.size()};
  DescriptorRoom<kMostDescriptors> room;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = room.bytes.data();
  header.msg_controllen = room.bytes.size();
  ssize_t size = 0;
  do {
    size = ::recvmsg(fd_, &header, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) return std::nullopt;
  return Message{.bytes = {buffer_.data(), static_cast<std::size_t>(size)},
                 .descriptors = take_descriptors(header),
                 .complete = (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0};
}

bool MessageSocket::send(std::string_view bytes, int descriptor) const {
  iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  DescriptorRoom<1> room;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (descriptor >= 0) attach_descriptors(header, room.bytes, {&descriptor, 1});
  ssize_t size = 0;
  do {
    size = ::sendmsg(fd_, &header, MSG_NOSIGNAL);
  } while (size < 0 && errno == EINTR);
  return size >= 0;
}

}  // namespace sandpit::wasm
