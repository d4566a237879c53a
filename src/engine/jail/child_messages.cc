#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/descriptors.h"
#include "engine/jail/child.h"
#include "engine/jail/child_launch.h"

namespace sandpit::jail {

ssize_t send_with_descriptors(int socket, const ChildMessage& message, const int* descriptors,
                              std::size_t count) {
  ChildMessage sent = message;
  iovec part{.iov_base = &sent, .iov_len = sizeof sent};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostInMessage)];
  const std::size_t size = sizeof(int) * count;
  std::memset(control, 0, CMSG_SPACE(size));
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = CMSG_SPACE(size);
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(size);
  std::memcpy(CMSG_DATA(rights), descriptors, size);
  return send_when_few_in_flight(socket, header, MSG_NOSIGNAL);
}

ssize_t receive(int socket, iovec part, int* descriptors, std::size_t most, std::size_t& count) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostInMessage)];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  ssize_t n = 0;
  do {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(sizeof(int) * most);
    n = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  count = 0;
  const cmsghdr* rights = n > 0 ? CMSG_FIRSTHDR(&header) : nullptr;
  if (rights == nullptr || rights->cmsg_type != SCM_RIGHTS) return n;
  count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  if (count > most) count = most;  // CMSG_SPACE rounds up
  std::memcpy(descriptors, CMSG_DATA(rights), count * sizeof(int));
  return n;
}

}  // namespace sandpit::jail
