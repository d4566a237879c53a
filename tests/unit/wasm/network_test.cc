// WASI sockets of preview 2, denied and granted.
#include <arpa/inet.h>
#include <netinet/in.h>

#include "unit/wasm/worker_driver.h"

namespace sandpit::wasm::testing {
namespace {

class NetworkAccess : public WorkerTest {};

// Connects to 127.0.0.1 at `port`; the result of `connect` is 0, or 1 + the error code: 1 is
// unknown, 2 access-denied; 100 + …: of create-tcp-socket.
std::string connector(int port) {
  return R"((component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:io/error@0.2.0" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "input-stream" (type $in (sub resource)))
    (export "output-stream" (type $out (sub resource)))))
  (alias export $streams "input-stream" (type $in))
  (alias export $streams "output-stream" (type $out))
  (import "wasi:sockets/network@0.2.0" (instance $network
    (export "network" (type $network (sub resource)))
    (type $code (enum "unknown" "access-denied" "not-supported" "invalid-argument" "out-of-memory" "timeout"
      "concurrency-conflict" "not-in-progress" "would-block" "invalid-state" "new-socket-limit"
      "address-not-bindable" "address-in-use" "remote-unreachable" "connection-refused" "connection-reset"
      "connection-aborted" "datagram-too-large" "name-unresolvable" "temporary-resolver-failure"
      "permanent-resolver-failure"))
    (export "error-code" (type $error-code (eq $code)))
    (type $family (enum "ipv4" "ipv6"))
    (export "ip-address-family" (type $ip-address-family (eq $family)))
    (type $v4 (tuple u8 u8 u8 u8))
    (export "ipv4-address" (type $ipv4 (eq $v4)))
    (type $v6 (tuple u16 u16 u16 u16 u16 u16 u16 u16))
    (export "ipv6-address" (type $ipv6 (eq $v6)))
    (type $s4 (record (field "port" u16) (field "address" $ipv4)))
    (export "ipv4-socket-address" (type $socket4 (eq $s4)))
    (type $s6 (record (field "port" u16) (field "flow-info" u32) (field "address" $ipv6) (field "scope-id" u32)))
    (export "ipv6-socket-address" (type $socket6 (eq $s6)))
    (type $s (variant (case "ipv4" $socket4) (case "ipv6" $socket6)))
    (export "ip-socket-address" (type (eq $s)))))
  (alias export $network "network" (type $network))
  (alias export $network "error-code" (type $error-code))
  (alias export $network "ip-address-family" (type $family))
  (alias export $network "ip-socket-address" (type $address))
  (import "wasi:sockets/instance-network@0.2.0" (instance $instance-network
    (alias outer 1 $network (type $n)) (export "network" (type $network (eq $n)))
    (export "instance-network" (func (result (own $network))))))
  (import "wasi:sockets/tcp@0.2.0" (instance $tcp
    (alias outer 1 $network (type $n)) (export "network" (type $network (eq $n)))
    (alias outer 1 $error-code (type $e)) (export "error-code" (type $error-code (eq $e)))
    (alias outer 1 $address (type $a)) (export "ip-socket-address" (type $address (eq $a)))
    (alias outer 1 $in (type $i)) (export "input-stream" (type $in (eq $i)))
    (alias outer 1 $out (type $o)) (export "output-stream" (type $out (eq $o)))
    (alias outer 1 $pollable (type $p)) (export "pollable" (type $pollable (eq $p)))
    (export "tcp-socket" (type $socket (sub resource)))
    (export "[method]tcp-socket.start-connect" (func (param "self" (borrow $socket))
      (param "network" (borrow $network)) (param "remote-address" $address) (result (result (error $error-code)))))
    (export "[method]tcp-socket.finish-connect" (func (param "self" (borrow $socket))
      (result (result (tuple (own $in) (own $out)) (error $error-code)))))
    (export "[method]tcp-socket.subscribe" (func (param "self" (borrow $socket)) (result (own $pollable))))))
  (alias export $tcp "tcp-socket" (type $socket))
  (import "wasi:sockets/tcp-create-socket@0.2.0" (instance $create
    (alias outer 1 $error-code (type $e)) (export "error-code" (type $error-code (eq $e)))
    (alias outer 1 $family (type $f)) (export "ip-address-family" (type $family (eq $f)))
    (alias outer 1 $socket (type $s)) (export "tcp-socket" (type $socket (eq $s)))
    (export "create-tcp-socket" (func (param "address-family" $family)
      (result (result (own $socket) (error $error-code)))))))
  (core module $storage (memory (export "memory") 1))
  (core instance $storage (instantiate $storage))
  (core func $create (canon lower (func $create "create-tcp-socket") (memory $storage "memory")))
  (core func $network (canon lower (func $instance-network "instance-network")))
  (core func $start (canon lower (func $tcp "[method]tcp-socket.start-connect") (memory $storage "memory")))
  (core func $finish (canon lower (func $tcp "[method]tcp-socket.finish-connect") (memory $storage "memory")))
  (core func $subscribe (canon lower (func $tcp "[method]tcp-socket.subscribe")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core module $program
    (import "host" "create" (func $create (param i32 i32)))
    (import "host" "network" (func $network (result i32)))
    (import "host" "start" (func $start (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "host" "finish" (func $finish (param i32 i32)))
    (import "host" "subscribe" (func $subscribe (param i32) (result i32)))
    (import "host" "block" (func $block (param i32)))
    (import "storage" "memory" (memory 1))
    (func (export "connect") (result i32)
      (local $socket i32)
      (call $create (i32.const 0) (i32.const 0))
      (if (i32.load8_u (i32.const 0))
        (then (return (i32.add (i32.const 101) (i32.load8_u (i32.const 4))))))
      (local.set $socket (i32.load (i32.const 4)))
      (call $start (local.get $socket) (call $network)
        (i32.const 0) (i32.const )" +
         std::to_string(port) + R"() (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16))
      (if (i32.load8_u (i32.const 16)) (then (return (i32.add (i32.const 1) (i32.load8_u (i32.const 17))))))
      (call $block (call $subscribe (local.get $socket)))
      (call $finish (local.get $socket) (i32.const 32))
      (if (i32.load8_u (i32.const 32)) (then (return (i32.add (i32.const 1) (i32.load8_u (i32.const 36))))))
      (i32.const 0)))
  (core instance $program (instantiate $program
    (with "host" (instance
      (export "create" (func $create)) (export "network" (func $network)) (export "start" (func $start))
      (export "finish" (func $finish)) (export "subscribe" (func $subscribe)) (export "block" (func $block))))
    (with "storage" (instance $storage))))
  (func (export "connect") (result u32) (canon lift (core func $program "connect")))))";
}

// A port of 127.0.0.1 that someone listens at.
struct Listener {
  UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  int port = 0;
  Listener() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket.get(), 4), 0);
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port = ntohs(address.sin_port);
  }
};

TEST_F(NetworkAccess, IsDeniedWithAnErrnoUnlessGranted) {
  const Listener listener;
  Given connect = given(connector(listener.port));
  connect.plan.invoke = "connect";
  const Ended ended = run(connect);
  EXPECT_EQ(ended.out, "102\n") << all_problems(ended.report) << ended.report.message;
  EXPECT_THAT(ended.report.denied, ElementsAre("socket (tcp)"));
}

TEST_F(NetworkAccess, FollowsTheListAndTellsWhatItDenied) {
  const Listener listener;
  Given connect = given(connector(listener.port));
  connect.plan.invoke = "connect";
  connect.plan.network = true;
  connect.plan.allowed = {"127.0.0.1:1", "10.0.0.0/8:*"};
  Ended ended = run(connect);
  EXPECT_EQ(ended.out, "2\n");
  EXPECT_THAT(ended.report.denied,
              ElementsAre("connect 127.0.0.1:" + std::to_string(listener.port) + " (tcp)"));
  for (const std::string& rule : {"127.0.0.1:" + std::to_string(listener.port),
                                  std::string("127.0.0.0/8:*"), std::string("*:*")}) {
    connect.plan.allowed = {rule};
    ended = run(connect);
    EXPECT_EQ(ended.out, "0\n") << rule;
    EXPECT_THAT(ended.report.denied, IsEmpty());
  }
  connect.plan.allowed.clear();
  EXPECT_EQ(run(connect).out, "0\n");
}

}  // namespace
}  // namespace sandpit::wasm::testing
