// What the supervisor and libexec/sandpit/egress-proxy say to each other. Both include it.
//
// Descriptor 3 of the proxy is its end of a unix SOCK_SEQPACKET socket, the control socket:
//   supervisor -> proxy   one message, the start message, with descriptors beside it (SCM_RIGHTS):
//                         first a memory file with the shared Counters, then the sockets
//   proxy -> supervisor   one Report a message; dropped while the socket is full
// When the supervisor shuts its direction down (the run is over) or is gone, the proxy passes on
// what the program had still sent, at most for kEndTime, and exits with status 0. It exits with
// 2, after a line on standard error, when the start message is not as described here.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "egress/listener_kind.h"

namespace sandpit::egress {

inline constexpr int kControlDescriptor = 3;
inline constexpr std::chrono::seconds kEndTime{2};
inline constexpr int kMalformedStart = 2;                  // exit status
inline constexpr std::size_t kLargestStart = 64U << 10U;   // bytes
inline constexpr std::size_t kMostStartDescriptors = 253;  // the kernel's SCM_MAX_FD

// At the beginning of the memory file, which has at least one page. Starts as zeros.
struct Counters {
  std::atomic<std::uint64_t> connections;     // that reached their destination
  std::atomic<std::uint64_t> bytes_sent;      // from the program to the network
  std::atomic<std::uint64_t> bytes_received;  // from the network to the program
  std::atomic<std::uint64_t> denied;          // kNotListed and kPrivateAddress, reported or dropped
  std::atomic<std::uint64_t> cut;             // connections with bytes that nobody took in time
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "two processes share them");
static_assert(sizeof(Counters) == 5 * sizeof(std::uint64_t));

struct Listener {
  ListenerKind kind = ListenerKind::kProxy;
  std::size_t descriptor = 0;  // its place beside the start message, 1 or more
  std::string destination{};   // of kForward: HOST:PORT or [IPv6]:PORT
  friend bool operator==(const Listener&, const Listener&) = default;
};

struct Start {
  std::vector<std::string> allow;  // HOST:PORT, 10.0.0.0/8:PORT, [fd00::/8]:PORT; PORT may be *
  std::vector<Listener> listeners;
  friend bool operator==(const Start&, const Start&) = default;
};

// Lines: "allow ENTRY", "proxy N", "forward N HOST:PORT", "original N", "dns N".
[[nodiscard]] std::string start_text(const Start& start);
// `descriptors` came beside it; each but the first must be spoken of, once.
[[nodiscard]] Result<Start> parse_start(std::string_view text, std::size_t descriptors);

enum class ReportKind : std::uint8_t { kConnect, kResolve };
enum class Reason : std::uint8_t {
  kNotListed,
  kPrivateAddress,  // listed, but it resolves only to special addresses that no entry lists
  kUnresolved,      // a failure, not a denial: listed, but the name does not resolve
  kUnreachable,     // a failure, not a denial: listed, but connecting failed with `error`
};
[[nodiscard]] constexpr bool is_denial(Reason reason) {
  return reason == Reason::kNotListed || reason == Reason::kPrivateAddress;
}

inline constexpr std::size_t kLargestReport = 512;      // bytes
inline constexpr std::size_t kLongestReportHost = 255;  // bytes

struct Report {
  ReportKind kind = ReportKind::kConnect;
  Reason reason = Reason::kNotListed;
  std::uint16_t port = 0;  // 0 when nobody named one
  int error = 0;           // an errno
  std::string host{};      // as the program asked for it; not to be believed
  friend bool operator==(const Report&, const Report&) = default;
};

// "connect not-listed PORT ERRNO HOST". The host is cut, and what isn't printable ASCII becomes
// '?'; an empty one is written as "?".
[[nodiscard]] std::string report_text(const Report& report);
// None when it isn't what report_text writes.
[[nodiscard]] std::optional<Report> parse_report(std::string_view text);

}  // namespace sandpit::egress
