#include "engine/wasm/worker_socket.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace sandpit::wasm {
namespace {

constexpr std::size_t kLargestMessage = 256U << 10U;
constexpr std::size_t kMostDescriptors = 8;

}  // namespace

MessageSocket::MessageSocket(int fd) : fd_(fd), buffer_(kLargestMessage, '\0') {}

std::optional<Message> MessageSocket::receive() {
  iovec part{.iov_base = buffer_.data(), .iov_len = buffer_.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMostDescriptors * sizeof(int))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t size = 0;
  do {
    size = ::recvmsg(fd_, &header, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) return std::nullopt;
  Message message{.bytes = {buffer_.data(), static_cast<std::size_t>(size)},
                  .descriptors = {},
                  .complete = (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0};
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(item) + i * sizeof fd, sizeof fd);
      message.descriptors.emplace_back(fd);
    }
  }
  return message;
}

bool MessageSocket::send(std::string_view bytes, int descriptor) const {
  iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (descriptor >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* item = CMSG_FIRSTHDR(&header);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(item), &descriptor, sizeof descriptor);
  }
  ssize_t size = 0;
  do {
    size = ::sendmsg(fd_, &header, MSG_NOSIGNAL);
  } while (size < 0 && errno == EINTR);
  return size >= 0;
}

}  // namespace sandpit::wasm
