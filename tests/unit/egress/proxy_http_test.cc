// HTTP requests that are passed on, and clients that misbehave.
#include <fmt/format.h>

#include <atomic>
#include <string>
#include <vector>

#include "unit/egress/proxy_fixture.h"

namespace sandpit::egress {
namespace {

std::string entry(std::uint16_t port) { return fmt::format("127.0.0.1:{}", port); }

TEST_F(Proxied, AGetIsPassedOnInOriginForm) {
  std::string head;
  Server server([&](Peer& peer) {
    head = peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  });
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())});
  Peer client = Peer::to(port);
  client.send(
      fmt::format("GET http://{}/a?b HTTP/1.1\r\nHost: other.example\r\n"
                  "Proxy-Authorization: x\r\nConnection: keep-alive\r\n\r\n",
                  entry(server.port())));
  EXPECT_EQ(client.read_all(),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
  EXPECT_EQ(head, fmt::format("GET /a?b HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
                              entry(server.port())));
  EXPECT_EQ(counters_->connections, 1U);
  EXPECT_EQ(counters_->bytes_sent, head.size());
}

TEST_F(Proxied, ABodyIsPassedOnWhole) {
  std::string got;
  Server server([&](Peer& peer) {
    peer.read_head();
    got = peer.read(100000);
    peer.send("HTTP/1.1 204 No Content\r\n\r\n");
  });
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())});
  Peer client = Peer::to(port);
  const std::string body(100000, 'b');
  client.send(fmt::format("POST http://{}/ HTTP/1.1\r\nContent-Length: {}\r\n\r\n{}",
                          entry(server.port()), body.size(), body));
  EXPECT_EQ(client.read_all(), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(got, body);
}

TEST_F(Proxied, AChunkedBodyIsPassedOnPieceByPieceAndEndsOnce) {
  std::string got;
  Server server([&](Peer& peer) {
    peer.read_head();
    got = peer.read(10);
    peer.send("HTTP/1.1 100 Continue\r\n\r\n");  // the client goes on only now
    while (!got.ends_with("0\r\n\r\n")) got += peer.read(1);
    peer.send("HTTP/1.1 204 No Content\r\n\r\n");
    peer.end();
    got += peer.read_all();
  });
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())});
  Peer client = Peer::to(port);
  client.send(
      fmt::format("POST http://{}/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5\r\nhello\r\n",
                  entry(server.port())));
  EXPECT_EQ(client.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("3;x=y\r\n");
  client.send("you\r\n");
  client.send("0\r\nTrailer: x\r\n\r\n");
  EXPECT_EQ(client.read_all(), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  server.join();
  EXPECT_EQ(got, "5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n");
}

TEST_F(Proxied, ABodyThatBreaksOffIsNoWholeRequest) {
  std::string got;
  Server server([&](Peer& peer) {
    peer.read_head();
    got = peer.read_all();
  });
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())});
  Peer client = Peer::to(port);
  client.send(
      fmt::format("POST http://{}/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5\r\nhello\r\nnonsense\r\n\r\n",
                  entry(server.port())));
  EXPECT_EQ(client.read_all(), "");
  server.join();
  EXPECT_FALSE(got.contains("0\r\n\r\n"));
  EXPECT_FALSE(got.contains("nonsense"));
}

TEST_F(Proxied, TheAnswerSaysOnceThatTheConnectionIsClosed) {
  const std::string body =
      "8\r\nConnect:\r\n0\r\n\r\nConnection: keep-alive\r\n\r\n" + std::string(50000, 'b');
  const std::string answer =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      "HTTP/1.1 200 Fine\r\nConnection: keep-alive\r\nkeep-alive: timeout=5\r\nSet-Cookie: a\r\n"
      "Proxy-Connection: keep-alive\r\nSet-Cookie: b\r\nconnection: x\r\n\r\n" +
      body;
  const std::string expected =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      "HTTP/1.1 200 Fine\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nConnection: close\r\n\r\n" +
      body;
  // All at once, and so that every part is cut.
  const std::vector<std::size_t> cuts{answer.size(), 10, 24, 60, 140};
  std::size_t next = 0;
  Server server(
      [&](Peer& peer) {
        peer.read_head();
        peer.send(answer.substr(0, cuts[next]));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        peer.send(answer.substr(cuts[next]));
      },
      static_cast<int>(cuts.size()));
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())});
  for (; next < cuts.size(); ++next) {
    Peer client = Peer::to(port);
    client.send(fmt::format("GET http://{}/ HTTP/1.1\r\n\r\n", entry(server.port())));
    EXPECT_EQ(client.read_all(), expected) << cuts[next];
  }
  EXPECT_TRUE(becomes(counters_->bytes_received, cuts.size() * answer.size()));
}

TEST_F(Proxied, AnAnswerWithoutAProperHeadIsPassedOnAsItIs) {
  const std::vector<std::string> answers{
      "",
      "H",
      "HTTP/1.1 200 OK\r\nBroken off",
      "hello",
      "HTTP/2.0 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\nConnection: keep-alive\n\nhello\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA b: c\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nA: " + std::string(100000, 'a') + "\r\n\r\nhello",
  };
  std::size_t next = 0;
  Server server(
      [&](Peer& peer) {
        peer.read_head();
        peer.send(answers[next]);
      },
      static_cast<int>(answers.size()));
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())});
  for (; next < answers.size(); ++next) {
    Peer client = Peer::to(port);
    client.send(fmt::format("GET http://{}/ HTTP/1.1\r\n\r\n", entry(server.port())));
    EXPECT_EQ(client.read_all(), answers[next]) << next;
  }
}

TEST_F(Proxied, AnAnswerOfHttp10StaysOne) {
  Server server([](Peer& peer) {
    peer.read_head();
    peer.send("HTTP/1.0 200 OK\r\n\r\nhello");
  });
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())});
  Peer client = Peer::to(port);
  client.send(fmt::format("GET http://{}/ HTTP/1.1\r\n\r\n", entry(server.port())));
  EXPECT_EQ(client.read_all(), "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nhello");
}

TEST_F(Proxied, ASecondRequestOfTheSameConnectionIsNotRead) {
  std::string got;
  Server server([&](Peer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfirst");
    peer.end();
    got = peer.read_all();
  });
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())});
  Peer client = Peer::to(port);
  client.send(
      fmt::format("GET http://{}/ HTTP/1.1\r\n\r\nGET http://169.254.169.254/ HTTP/1.1\r\n\r\n",
                  entry(server.port())));
  EXPECT_TRUE(client.read_all().ends_with("first"));
  server.join();
  EXPECT_EQ(got, "");
  EXPECT_EQ(counters_->connections, 1U);
}

TEST_F(Proxied, AnAnswerBeforeTheEndOfTheBodyArrives) {
  Server server([](Peer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\n");
  });
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())});
  Peer client = Peer::to(port);
  client.send(fmt::format("POST http://{}/ HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n",
                          entry(server.port())));
  EXPECT_EQ(client.read_head(), "HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(Proxied, AClientThatGoesAwayDoesNotWaitForTheServer) {
  std::atomic<bool> asked = false;
  std::string after = "silence";
  int error = -1;
  Server server([&](Peer& peer) {
    peer.read_head();
    asked = true;
    after = peer.read_all();  // 20 s when nobody closes it
    error = peer.error();
  });
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())});
  {
    Peer client = Peer::to(port);
    client.send(fmt::format("GET http://{}/ HTTP/1.1\r\n\r\n", entry(server.port())));
    while (!asked) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const linger reset{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  server.join();
  EXPECT_EQ(after, "");
  EXPECT_NE(error, EAGAIN);
}

TEST_F(Proxied, AClientThatOnlyEndsItsStreamGetsItsAnswer) {
  Server server([&](Peer& peer) {
    peer.read_head();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    peer.send("HTTP/1.1 200 OK\r\n\r\nlate");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    peer.send("r");
  });
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())});
  Peer client = Peer::to(port);
  client.send(fmt::format("GET http://{}/ HTTP/1.1\r\n\r\n", entry(server.port())));
  client.end();
  EXPECT_TRUE(client.read_all().ends_with("\r\n\r\nlater"));
}

TEST_F(Proxied, ARequestElsewhereIsForbiddenAlsoWithABody) {
  const auto port = add(ListenerKind::kProxy);
  start({"example.com:80"});
  Peer client = Peer::to(port);
  client.send("POST http://other.example/ HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" +
              std::string(100000, 'x'));
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 Forbidden\r\n")) << answer;
  EXPECT_TRUE(answer.contains("--net other.example:80"));
  EXPECT_EQ(report(), "connect not-listed 80 0 other.example");
}

TEST_F(Proxied, WhatIsNoProxyRequestIsABadOne) {
  const auto port = add(ListenerKind::kProxy);
  start({"127.0.0.0/8:*"});
  const std::vector<std::string> requests{
      "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
      "GET https://127.0.0.1/ HTTP/1.1\r\n\r\n",
      "GET http://u:p@127.0.0.1/ HTTP/1.1\r\n\r\n",
      "CONNECT u@127.0.0.1:80 HTTP/1.1\r\n\r\n",
      "CONNECT 127.0.0.1 HTTP/1.1\r\n\r\n",
      "GET http://127.0.0.1/ HTTP/3.7\r\n\r\n",
      "GET http://127.0.0.1/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "GET http://127.0.0.1/ HTTP/1.1\r\nX: " + std::string(20000, 'x') + "\r\n\r\n",
      "\x16\x03\x01\x02",
      "\r\n\r\n\r\n",
  };
  for (const std::string& request : requests) {
    Peer client = Peer::to(port);
    client.send(request);
    client.end();
    const std::string answer = client.read_all();
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 400 Bad Request\r\n")) << request;
    EXPECT_TRUE(request.size() < 6 || !answer.empty()) << request;
  }
  EXPECT_EQ(counters_->connections, 0U);
}

TEST_F(Proxied, ASlowHeadIsHungUpOn) {
  const auto port = add(ListenerKind::kProxy);
  start({"127.0.0.0/8:*"});
  Peer silent = Peer::to(port);
  Peer slow = Peer::to(port);
  Peer slow_socks = Peer::to(port);
  slow_socks.send("\x05");
  const auto began = std::chrono::steady_clock::now();
  bool open = true;
  for (int i = 0; i < 150 && open; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    open = slow.send("x");
  }
  EXPECT_FALSE(open);
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_EQ(slow_socks.read_all(), "");
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(16));
}

TEST_F(Proxied, ConnectionsBeyondTheMostWaitForTheirTurn) {
  const auto port = add(ListenerKind::kProxy);
  start({"example.com:1"});
  std::vector<Peer> idle;
  for (int i = 0; i < 256; ++i) idle.push_back(Peer::to(port));
  Peer next = Peer::to(port);
  next.send("GET / HTTP/1.1\r\n\r\n");
  pollfd ready{.fd = next.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ready, 1, 500), 0);
  idle.pop_back();
  idle.erase(idle.begin());
  EXPECT_TRUE(next.read_all().starts_with("HTTP/1.1 400 "));
}

TEST_F(Proxied, WithoutDescriptorsConnectionsWaitAndNothingSpins) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "UBSan opens a pipe to check a vtable, and takes a failure for a bad one";
#endif
  Server server(echo);
  const auto port = add(ListenerKind::kProxy);
  start({entry(server.port())}, 24);
  std::vector<Peer> idle;
  for (int i = 0; i < 40; ++i) idle.push_back(Peer::to(port));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const auto cpu_time = [&] {
    clockid_t clock{};
    timespec time{};
    ::clock_getcpuclockid(process_, &clock);
    ::clock_gettime(clock, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  const auto before = cpu_time();
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_LT(cpu_time() - before, std::chrono::milliseconds(200));
  idle.clear();
  Peer client = Peer::to(port);
  client.send(fmt::format("CONNECT {} HTTP/1.1\r\n\r\n", entry(server.port())));
  EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace sandpit::egress
