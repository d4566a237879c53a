// What a program can do through the proxy, and what it can't.
#include <fmt/format.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <string>

#include "unit/egress/proxy_fixture.h"

namespace sandpit::egress {
namespace {

using namespace std::string_literals;

std::string entry(std::uint16_t port, std::string_view host = "127.0.0.1") {
  return fmt::format("{}:{}", host, port);
}

std::string connect_request(std::string_view place) {
  return fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n", place);
}

std::string socks_request(std::string_view name, std::uint16_t port) {
  std::string bytes = "\x05\x01\x00\x05\x01\x00\x03"s;
  bytes += static_cast<char>(name.size());
  bytes += name;
  bytes += static_cast<char>(port >> 8U);
  bytes += static_cast<char>(port & 0xffU);
  return bytes;
}

std::string socks_v4_request(std::uint16_t port) {
  std::string bytes = "\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01"s;
  bytes += static_cast<char>(port >> 8U);
  bytes += static_cast<char>(port & 0xffU);
  return bytes;
}

constexpr std::string_view kSocksGranted("\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
constexpr std::string_view kSocksDenied("\x05\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00", 12);
constexpr std::string_view kSocksRefused("\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", 12);
constexpr std::string_view kSocksNoHost("\x05\x00\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00", 12);

std::uint16_t closed_port() { return port_of(bound(SOCK_STREAM)); }

TEST_F(Proxied, ConnectReachesAListedAddressAndIsCounted) {
  Server server(echo);
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())});
  Peer client = Peer::to(port);
  client.send(connect_request(entry(server.port())));
  EXPECT_EQ(client.read_head(), "HTTP/1.1 200 Connection established\r\n\r\n");
  client.send("hello");
  EXPECT_EQ(client.read(5), "hello");
  client.end();
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(becomes(counters_->bytes_sent, 5));
  EXPECT_TRUE(becomes(counters_->bytes_received, 5));
  EXPECT_EQ(counters_->connections, 1U);
  EXPECT_EQ(counters_->denied, 0U);
}

TEST_F(Proxied, ConnectElsewhereIsForbiddenAndReported) {
  Server server(echo, 0);
  const auto port = add(ListenerKind::kProxy);
  start({"example.com:443", entry(1)});
  const std::string place = entry(server.port());
  Peer client = Peer::to(port);
  client.send(connect_request(place));
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 Forbidden\r\n")) << answer;
  EXPECT_TRUE(answer.contains("--net " + place)) << answer;
  EXPECT_EQ(report(), fmt::format("connect not-listed {} 0 127.0.0.1", server.port()));
  EXPECT_EQ(counters_->denied, 1U);
  EXPECT_EQ(counters_->connections, 0U);
}

TEST_F(Proxied, DisguisedAddressesAreForbidden) {
  Server server(echo, 0);
  const auto port = add(ListenerKind::kProxy);
  start({"example.com:*", "10.0.0.0/8:*"});
  for (const std::string_view host : {"127.1", "0x7f.1", "2130706433", "127.0.0.1.",
                                      "[::ffff:127.0.0.1]", "[::1]", "[::]", "0"}) {
    Peer client = Peer::to(port);
    client.send(connect_request(entry(server.port(), host)));
    EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 403 ")) << host;
    EXPECT_NE(report(), "");
  }
  EXPECT_EQ(counters_->denied, 8U);
}

TEST_F(Proxied, SocksReachesAListedAddress) {
  Server server(echo);
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())});
  Peer client = Peer::to(port);
  client.send(socks_v4_request(server.port()) + "early");
  EXPECT_EQ(client.read(12), kSocksGranted);
  EXPECT_EQ(client.read(5), "early");
}

TEST_F(Proxied, SocksElsewhereIsRefusedAndReported) {
  const auto port = add(ListenerKind::kProxy);
  start({"example.com:443"});
  Peer client = Peer::to(port);
  client.send(socks_v4_request(443));
  EXPECT_EQ(client.read_all(), kSocksDenied);
  EXPECT_EQ(report(), "connect not-listed 443 0 127.0.0.1");
  Peer named = Peer::to(port);
  named.send(socks_request("evil\n.example", 443));
  EXPECT_EQ(named.read_all(), kSocksDenied);
  EXPECT_EQ(report(), "connect not-listed 443 0 evil?.example");
  EXPECT_EQ(counters_->denied, 2U);
}

TEST_F(Proxied, FailuresAreReportedButAreNoDenials) {
  const std::uint16_t closed = closed_port();
  const auto port = add(ListenerKind::kProxy);
  start({entry(closed), "no-such-name.invalid:443"});
  Peer refused = Peer::to(port);
  refused.send(socks_v4_request(closed));
  EXPECT_EQ(refused.read_all(), kSocksRefused);
  EXPECT_EQ(report(), fmt::format("connect unreachable {} 111 127.0.0.1", closed));
  Peer unresolved = Peer::to(port);
  unresolved.send(socks_request("no-such-name.invalid", 443));
  EXPECT_EQ(unresolved.read_all(), kSocksNoHost);
  EXPECT_EQ(report(), "connect unresolved 443 0 no-such-name.invalid");
  Peer http = Peer::to(port);
  http.send(connect_request(entry(closed)));
  EXPECT_TRUE(http.read_all().starts_with("HTTP/1.1 502 "));
  EXPECT_EQ(counters_->denied, 0U);
}

TEST_F(Proxied, OtherSocksCommandsAndMethodsAreRefused) {
  const auto port = add(ListenerKind::kProxy);
  start({"127.0.0.0/8:*"});
  const auto answer_to = [&](const std::string& bytes) {
    Peer client = Peer::to(port);
    client.send(bytes);
    return client.read_all();
  };
  EXPECT_EQ(answer_to("\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50"s).at(3), 7);
  EXPECT_EQ(answer_to("\x05\x01\x00\x05\x03\x00\x01\x7f\x00\x00\x01\x00\x50"s).at(3), 7);
  EXPECT_EQ(answer_to("\x05\x01\x00\x05\x01\x00\x09\x7f\x00\x00\x01\x00\x50"s).at(3), 8);
  EXPECT_EQ(answer_to("\x05\x01\x02"s), "\x05\xff"s);
  EXPECT_EQ(answer_to("\x05\x01\x00\x04\x01\x00\x01\x7f\x00\x00\x01\x00\x50"s).at(3), 1);
}

// DNS rebinding: whoever owns a listed name can point it anywhere.
TEST_F(Proxied, AListedNameDoesNotOpenPrivateAddresses) {
  Server server(echo, 0);
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port(), "localhost")});
  Peer client = Peer::to(port);
  client.send(socks_request("localhost", server.port()));
  EXPECT_EQ(client.read_all(), kSocksDenied);
  EXPECT_EQ(report(), fmt::format("connect private-address {} 0 localhost", server.port()));
  EXPECT_EQ(counters_->denied, 1U);
}

TEST_F(Proxied, AListedNameReachesPrivateAddressesThatAreListedToo) {
  Server server(echo);
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port(), "localhost"), entry(server.port(), "127.0.0.0/8")});
  Peer client = Peer::to(port);
  client.send(socks_request("LocalHost.", server.port()));
  EXPECT_EQ(client.read(12), kSocksGranted);
  client.send("x");
  EXPECT_EQ(client.read(1), "x");
}

TEST_F(Proxied, TheEndOfOneDirectionIsPassedOn) {
  Server server([](Peer& peer) {
    const std::string all = peer.read_all();  // until the client ends its stream
    peer.send(fmt::format("{} bytes", all.size()));
  });
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())});
  Peer client = Peer::to(port);
  client.send(connect_request(entry(server.port())) + std::string(100000, 'x'));
  client.end();
  EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(client.read_all(), "100000 bytes");
}

TEST_F(Proxied, AServerThatEndsItsStreamCanStillBeSentTo) {
  std::string got;
  Server server([&](Peer& peer) {
    peer.send("bye");
    peer.end();
    got = peer.read_all();
  });
  const auto port = add(ListenerKind::kForward, entry(server.port()));
  start({entry(server.port())});
  Peer client = Peer::to(port);
  EXPECT_EQ(client.read_all(), "bye");
  client.send("still here");
  client.end();
  server.join();
  EXPECT_EQ(got, "still here");
}

TEST_F(Proxied, AResetIsPassedOn) {
  Server server([](Peer& peer) {
    peer.read(1);
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  });
  const auto port = add(ListenerKind::kForward, entry(server.port()));
  start({entry(server.port())});
  Peer client = Peer::to(port);
  client.send("x");
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(client.error(), ECONNRESET);
}

TEST_F(Proxied, ForwardedConnectionsAreCheckedAsWell) {
  Server server(echo, 0);
  const auto port = add(ListenerKind::kForward, entry(server.port()));
  start({"example.com:443"});
  Peer client = Peer::to(port);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(client.error(), ECONNRESET);
  EXPECT_EQ(report(), fmt::format("connect not-listed {} 0 127.0.0.1", server.port()));
}

// In a jail the listener's address is that of the destination; here it is the proxy's own.
TEST_F(Proxied, OriginalConnectionsAreCheckedByTheirOwnAddress) {
  const auto port = add(ListenerKind::kOriginal);
  start({"example.com:443"});
  Peer client = Peer::to(port);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(report(), fmt::format("connect not-listed {} 0 127.0.0.1", port));
}

// A network namespace of its own, as a jail has: its 127.0.0.1 is not ours.
class OtherNetwork {
 public:
  // Forks; the child listens on `port` there, and sends "x" to it when told.
  explicit OtherNetwork(std::uint16_t port) {
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
    UniqueFd theirs(pair[1]);
    socket_ = UniqueFd(pair[0]);
    child_ = ::fork();
    if (child_ == 0) ::_exit(live(port, theirs.get()));
  }
  // Not valid where there can be no such namespace.
  UniqueFd listener() {
    DescriptorRoom<1> room;
    char byte = 0;
    iovec piece{.iov_base = &byte, .iov_len = 1};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = room.bytes.data();
    header.msg_controllen = room.bytes.size();
    if (::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC) != 1) return {};
    auto descriptors = take_descriptors(header);
    return descriptors.empty() ? UniqueFd() : std::move(descriptors.front());
  }
  // The byte that came back over the connection.
  char go() {
    char byte = 0;
    EXPECT_EQ(::send(socket_.get(), "g", 1, MSG_NOSIGNAL), 1);
    EXPECT_EQ(::recv(socket_.get(), &byte, 1, 0), 1);
    return byte;
  }
  ~OtherNetwork() {
    socket_.reset();
    ::waitpid(child_, nullptr, 0);
  }
  OtherNetwork(const OtherNetwork&) = delete;
  OtherNetwork& operator=(const OtherNetwork&) = delete;

 private:
  static int live(std::uint16_t port, int parent) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return 1;
    UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ifreq lo{};
    lo.ifr_name[0] = 'l';
    lo.ifr_name[1] = 'o';
    lo.ifr_flags = IFF_UP;
    const sockaddr_in here = loopback(port);
    if (::ioctl(listener.get(), SIOCSIFFLAGS, &lo) != 0 ||
        ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0 ||
        ::listen(listener.get(), 8) != 0) {
      return 1;
    }
    const int descriptor = listener.get();
    DescriptorRoom<1> room;
    char byte = 0;
    iovec piece{.iov_base = &byte, .iov_len = 1};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    attach_descriptors(header, room.bytes, {&descriptor, 1});
    ::sendmsg(parent, &header, MSG_NOSIGNAL);
    listener.reset();
    if (::recv(parent, &byte, 1, 0) != 1) return 1;
    Peer client = Peer::to(port);
    client.send("x");
    const std::string answer = client.read(1);
    return ::send(parent, answer.empty() ? "?" : answer.data(), 1, MSG_NOSIGNAL) == 1 ? 0 : 1;
  }
  UniqueFd socket_;
  pid_t child_ = -1;
};

TEST_F(Proxied, OriginalConnectionsOfAnotherNetworkReachTheirAddressInOurs) {
  Server server(echo);
  OtherNetwork other(server.port());
  UniqueFd listener = other.listener();
  if (!listener.valid()) GTEST_SKIP() << "needs user and network namespaces";
  add(ListenerKind::kOriginal, std::move(listener));
  start({entry(server.port())});
  EXPECT_EQ(other.go(), 'x');
  EXPECT_EQ(counters_->connections, 1U);
}

TEST_F(Proxied, NamesAreDeniedByDnsUnlessTheyAreListed) {
  const auto port = add(ListenerKind::kDns);
  start({"example.com:443"});
  Peer client(UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  const sockaddr_in there = loopback(port);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there), 0);
  const std::string head = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"s;
  const std::string type = "\x00\x00\x1c\x00\x01"s;
  client.send("malformed");
  const std::string other =
      "\x04"
      "evil\x07"
      "example"s +
      type;
  client.send(head + other);
  std::string answer(512, '\0');
  answer.resize(static_cast<std::size_t>(::recv(client.get(), answer.data(), answer.size(), 0)));
  EXPECT_EQ(answer, "\x12\x34\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00"s + other);
  EXPECT_EQ(report(), "resolve not-listed 0 0 evil.example");
  const std::string listed =
      "\x07"
      "EXAMPLE\x03"
      "com"s +
      type;
  client.send(head + listed);
  answer.assign(512, '\0');
  answer.resize(static_cast<std::size_t>(::recv(client.get(), answer.data(), answer.size(), 0)));
  EXPECT_EQ(answer, "\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00"s + listed);
  EXPECT_EQ(report(100), "");
  EXPECT_EQ(counters_->denied, 1U);
}

TEST_F(Proxied, EndsWhenTheControlSocketHangsUpEvenWithConnections) {
  Server server(echo);
  const auto port = add(ListenerKind::kForward, entry(server.port()));
  start({entry(server.port())});
  Peer client = Peer::to(port);
  client.send("x");
  EXPECT_EQ(client.read(1), "x");
  control_.reset();
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(Proxied, AMalformedStartIsStatusTwo) {
  add(ListenerKind::kProxy);
  start_with("proxy 1\nproxy 2\n");
  EXPECT_EQ(exit_status(), kMalformedStart);
  add(ListenerKind::kDns);
  start_with("proxy 1\n");  // not a listening socket
  EXPECT_EQ(exit_status(), kMalformedStart);
}

}  // namespace
}  // namespace sandpit::egress
