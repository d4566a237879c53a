// How the library and its launcher talk: messages on seqpacket sockets, the first byte tells the
// kind, structures in a plain binary form. Both ends are built from the same sources and installed
// together: no versions, but every length is checked, since the launcher is the more privileged
// one.
//
//   control socket   library -> launcher: kChannel with one end of a new socket pair; launcher ->
//   library: kHello, once channel          library -> launcher: kStart (Plan, descriptors),
//   kCancel; launcher -> library: kStdout*, kStderr*, then kFinished or kError
//
// A channel carries one run at a time. Closing it cancels its run; closing the control socket ends
// the launcher and all its runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "sys/host_facts.h"

namespace sandpit::wire {

enum class Kind : std::uint8_t {
  kHello,
  kChannel,
  kStart,
  kCancel,
  kStdout,
  kStderr,
  kFinished,
  kError,
};

// First byte of a kStart message: which descriptors travel with it, in this order, before those of
// plan.inputs.
enum StartFlag : std::uint8_t {
  kPlanInMemory = 1,  // a memfd that holds the Plan
  kDirectInput = 2,   // the pipe that becomes standard input
  kPumpedInput = 4,   // the file that is pumped into it
  kStreaming = 8,     // no descriptor: output is wanted as it comes
  kWantsVolume = 16,  // no descriptor: kFinished shall carry the private volume
};

// Larger Plans travel in a memfd (the socket's send buffer is 208 KiB by default).
inline constexpr std::size_t kLargestInline = 96U << 10U;
inline constexpr std::size_t kLargestMessage = 160U << 10U;
inline constexpr std::size_t kOutputChunk = 64U << 10U;

class Writer {
 public:
  template <class... Fields>
  void operator()(const Fields&... fields) {
    (put(fields), ...);
  }
  [[nodiscard]] std::string take() && { return std::move(out_); }

 private:
  template <class T>
    requires(std::is_arithmetic_v<T> || std::is_enum_v<T>)
  void put(const T& value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof bytes);
  }
  void put(const std::string& text) {
    put(static_cast<std::uint64_t>(text.size()));
    out_ += text;
  }
  void put(const ByteCount& bytes) { put(bytes.count()); }
  template <class Rep, class Period>
  void put(const std::chrono::duration<Rep, Period>& time) {
    put(time.count());
  }
  void put(const sock_filter& instruction) {
    (*this)(instruction.code, instruction.jt, instruction.jf, instruction.k);
  }
  template <class T>
  void put(const std::vector<T>& items) {
    put(static_cast<std::uint64_t>(items.size()));
    for (const T& item : items) put(item);
  }
  void put(const std::map<std::string, std::string>& items) {
    put(static_cast<std::uint64_t>(items.size()));
    for (const auto& [key, value] : items) (*this)(key, value);
  }
  template <class T>
    requires requires(Writer& writer, const T& value) { describe(writer, value); }
  void put(const T& value) {
    describe(*this, value);
  }
  std::string out_;
};

// Reads what Writer wrote. After any shortage or absurd length ok() is false and everything read is
// empty.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  template <class... Fields>
  void operator()(Fields&... fields) {
    (get(fields), ...);
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool finished() const { return ok_ && in_.empty(); }

 private:
  template <class T>
    requires(std::is_arithmetic_v<T> || std::is_enum_v<T>)
  void get(T& value) {
    if (in_.size() < sizeof value) {
      ok_ = false;
      in_ = {};
      return;
    }
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): its size was checked above
    std::memcpy(&value, in_.data(), sizeof value);
    in_.remove_prefix(sizeof value);
  }
  // The number of items that follow; each takes at least one byte, so that a lie can't make us
  // allocate.
  std::uint64_t length() {
    std::uint64_t n = 0;
    get(n);
    if (n > in_.size()) {
      ok_ = false;
      in_ = {};
      return 0;
    }
    return n;
  }
  void get(std::string& text) {
    const std::uint64_t n = length();
    text.assign(in_.substr(0, n));
    in_.remove_prefix(n);
  }
  void get(ByteCount& bytes) {
    std::uint64_t n = 0;
    get(n);
    bytes = ByteCount::bytes(n);
  }
  template <class Rep, class Period>
  void get(std::chrono::duration<Rep, Period>& time) {
    Rep n = 0;
    get(n);
    time = std::chrono::duration<Rep, Period>(n);
  }
  void get(sock_filter& instruction) {
    (*this)(instruction.code, instruction.jt, instruction.jf, instruction.k);
  }
  template <class T>
  void get(std::vector<T>& items) {
    const std::uint64_t n = length();
    items.clear();
    for (std::uint64_t i = 0; i < n && ok_; ++i) get(items.emplace_back());
  }
  void get(std::map<std::string, std::string>& items) {
    const std::uint64_t n = length();
    for (std::uint64_t i = 0; i < n && ok_; ++i) {
      std::string key;
      get(key);
      get(items[key]);
    }
  }
  template <class T>
    requires requires(Reader& reader, T& value) { describe(reader, value); }
  void get(T& value) {
    describe(*this, value);
  }
  std::string_view in_;
  bool ok_ = true;
};

// ---- sockets

struct Message {
  Kind kind = Kind::kError;
  std::string body;
  std::vector<UniqueFd> descriptors;
};

// One message. `wait` false: kSystem with EAGAIN when the socket is full.
enum class Blocking : std::uint8_t { kWait, kDontWait };
[[nodiscard]] Result<void> send(int socket, Kind kind, std::string_view body,
                                std::vector<int> descriptors, Blocking blocking);
// kCancelled when the other end is gone, kSystem with EAGAIN when there is nothing and `blocking`
// is kDontWait.
[[nodiscard]] Result<Message> receive(int socket, Blocking blocking);

// ---- structures

[[nodiscard]] std::string encode(const Plan& plan);
[[nodiscard]] Result<Plan> decode_plan(std::string_view bytes);
[[nodiscard]] std::string encode(const Outcome& outcome);
[[nodiscard]] Result<Outcome> decode_outcome(std::string_view bytes);
[[nodiscard]] std::string encode(const HostFacts& facts);
[[nodiscard]] Result<HostFacts> decode_facts(std::string_view bytes);
[[nodiscard]] std::string encode(const Error& error);
[[nodiscard]] Error decode_error(std::string_view bytes);

}  // namespace sandpit::wire
