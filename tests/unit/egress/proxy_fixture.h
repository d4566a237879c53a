// The real proxy with sockets on 127.0.0.1, and servers that it may or may not reach.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/descriptors.h"
#include "base/memory_file.h"
#include "base/unique_fd.h"
#include "egress/protocol.h"

namespace sandpit::egress {

inline sockaddr_in loopback(std::uint16_t port, std::string_view address = "127.0.0.1") {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  ::inet_pton(AF_INET, std::string(address).c_str(), &result.sin_addr);
  return result;
}

inline std::uint16_t port_of(const UniqueFd& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

inline UniqueFd bound(int type, std::string_view address = "127.0.0.1") {
  UniqueFd socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const sockaddr_in any = loopback(0, address);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(socket.get(), 512), 0);
  }
  return socket;
}

// A blocking socket; no call on it takes longer than ten seconds.
class Peer {
 public:
  explicit Peer(UniqueFd socket) : socket_(std::move(socket)) {
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
  static Peer to(std::uint16_t port, std::string_view address = "127.0.0.1") {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in there = loopback(port, address);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there), 0);
    return Peer(std::move(socket));
  }
  static Peer accepted_by(const UniqueFd& listener) {
    return Peer(UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end() { ::shutdown(socket_.get(), SHUT_WR); }
  std::string read(std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const ssize_t count = ::recv(socket_.get(), bytes.data() + got, size - got, 0);
      error_ = count < 0 ? errno : 0;
      if (count <= 0) break;
      got += static_cast<std::size_t>(count);
    }
    bytes.resize(got);
    return bytes;
  }
  std::string read_all() {
    std::string bytes;
    for (std::string piece = read(4096); !piece.empty(); piece = read(4096)) bytes += piece;
    return bytes;
  }
  std::string read_head() {
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
      const std::string byte = read(1);
      if (byte.empty()) break;
      head += byte;
    }
    return head;
  }
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] int get() const { return socket_.get(); }

 private:
  UniqueFd socket_;
  int error_ = 0;
};

// Does one thing with each of `count` connections, one after the other.
class Server {
 public:
  explicit Server(std::function<void(Peer&)> handle, int count = 1)
      : listener_(bound(SOCK_STREAM)), thread_([this, handle = std::move(handle), count] {
          for (int i = 0; i < count; ++i) {
            pollfd ready{.fd = listener_.get(), .events = POLLIN, .revents = 0};
            if (::poll(&ready, 1, 20000) != 1) return;
            Peer peer = Peer::accepted_by(listener_);
            handle(peer);
          }
        }) {}
  [[nodiscard]] std::uint16_t port() const { return port_of(listener_); }
  void join() { thread_.join(); }

 private:
  UniqueFd listener_;
  std::jthread thread_;
};

inline void echo(Peer& peer) {
  for (std::string byte = peer.read(1); !byte.empty(); byte = peer.read(1)) peer.send(byte);
}

class Proxied : public testing::Test {
 protected:
  void TearDown() override {
    if (process_ <= 0) return;
    control_.reset();
    EXPECT_EQ(exit_status(), 0);
  }

  // Adds a listener that somebody else made.
  void add(ListenerKind kind, UniqueFd socket) {
    sockets_.push_back(std::move(socket));
    start_.listeners.push_back({.kind = kind, .descriptor = sockets_.size()});
  }

  // Adds a listener of `kind` and answers its port.
  std::uint16_t add(ListenerKind kind, std::string destination = {}) {
    sockets_.push_back(bound(kind == ListenerKind::kDns ? SOCK_DGRAM : SOCK_STREAM));
    start_.listeners.push_back(
        {.kind = kind, .descriptor = sockets_.size(), .destination = std::move(destination)});
    return port_of(sockets_.back());
  }

  void start(std::vector<std::string> allow, rlim_t descriptors = 1024) {
    start_.allow = std::move(allow);
    start_with(start_text(start_), descriptors);
  }

  void start_with(const std::string& text, rlim_t descriptors = 1024) {
    UniqueFd memory = memory_file("counters").value();
    ASSERT_EQ(::ftruncate(memory.get(), 4096), 0);
    counters_ = static_cast<Counters*>(
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0));
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()), 0);
    control_ = UniqueFd(pair[0]);
    UniqueFd theirs(pair[1]);
    process_ = ::fork();
    ASSERT_GE(process_, 0);
    if (process_ == 0) {
      // dup2 of a descriptor to itself would leave it close-on-exec.
      if (theirs.get() == kControlDescriptor) ::fcntl(theirs.get(), F_SETFD, 0);
      ::dup2(theirs.get(), kControlDescriptor);
      const rlimit limit{.rlim_cur = descriptors, .rlim_max = descriptors};
      ::setrlimit(RLIMIT_NOFILE, &limit);
      ::execl(SANDPIT_EGRESS_PROXY, "egress-proxy", nullptr);
      ::_exit(99);
    }
    send_start(text, memory);
  }

  void send_start(const std::string& text, const UniqueFd& memory) {
    std::vector<int> descriptors{memory.get()};
    for (const UniqueFd& socket : sockets_) descriptors.push_back(socket.get());
    DescriptorRoom<kMostStartDescriptors> room;
    iovec piece{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    attach_descriptors(header, room.bytes, descriptors);
    ASSERT_EQ(::sendmsg(control_.get(), &header, 0), static_cast<ssize_t>(text.size()));
    sockets_.clear();
  }

  int exit_status() {
    int status = 0;
    ::waitpid(std::exchange(process_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
  }

  // The next report, waited for; as text, "" when none comes.
  std::string report(int milliseconds = 10000) {
    pollfd ready{.fd = control_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, milliseconds) != 1) return {};
    std::array<char, kLargestReport> bytes{};
    const ssize_t size = ::recv(control_.get(), bytes.data(), bytes.size(), 0);
    return size > 0 ? std::string(bytes.data(), static_cast<std::size_t>(size)) : std::string();
  }

  // The counters are added to after the bytes have gone.
  static bool becomes(const std::atomic<std::uint64_t>& counter, std::uint64_t wanted) {
    for (int i = 0; i < 1000 && counter != wanted; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return counter == wanted;
  }

  UniqueFd control_;
  Counters* counters_ = nullptr;
  pid_t process_ = -1;

 private:
  Start start_;
  std::vector<UniqueFd> sockets_;
};

}  // namespace sandpit::egress
