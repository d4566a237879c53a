// Descriptors in messages of unix sockets (unix(7), cmsg(3)): one way to attach them and one to
// take them out, for all who send or receive some.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <vector>

#include "base/unique_fd.h"

namespace sandpit {

// Room for `Most` descriptors beside a message.
template <std::size_t Most>
struct DescriptorRoom {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * Most)> bytes{};
};

// Attaches them; none when they don't fit into `room`, which must outlive the call of sendmsg.
void attach_descriptors(msghdr& header, std::span<char> room, std::span<const int> descriptors);

// As sendmsg(2), but waits, two seconds at most, while more descriptors of this user, those of all
// processes, are in flight than RLIMIT_NOFILE allows (unix(7), ETOOMANYREFS): each is so until it
// is received. Async-signal-safe.
[[nodiscard]] inline ssize_t send_when_few_in_flight(int socket, const msghdr& header, int flags) {
  constexpr int kLongestWaitMs = 2000;
  ssize_t n = ::sendmsg(socket, &header, flags);
  for (int waited = 0; n < 0 && errno == ETOOMANYREFS && waited < kLongestWaitMs; ++waited) {
    (void)::poll(nullptr, 0, 1);
    n = ::sendmsg(socket, &header, flags);
  }
  return n;
}

// All that came with a received message. Every one must be taken, wanted or not: else it stays
// open, and CMSG_SPACE has room for more than was asked for.
[[nodiscard]] std::vector<UniqueFd> take_descriptors(msghdr& header);

}  // namespace sandpit
