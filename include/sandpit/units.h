// Units that live in types. Public.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace sandpit {

// A number of bytes. 1 KiB = 1024 bytes; the configuration's kb and mb mean KiB and MiB, as in
// ulimit(1).
class ByteCount {
 public:
  constexpr ByteCount() = default;
  [[nodiscard]] static constexpr ByteCount bytes(std::uint64_t n) { return ByteCount(n); }
  [[nodiscard]] static constexpr ByteCount kib(std::uint64_t n) { return ByteCount(n << 10U); }
  [[nodiscard]] static constexpr ByteCount mib(std::uint64_t n) { return ByteCount(n << 20U); }
  [[nodiscard]] static constexpr ByteCount gib(std::uint64_t n) { return ByteCount(n << 30U); }
  [[nodiscard]] constexpr std::uint64_t count() const { return bytes_; }
  constexpr auto operator<=>(const ByteCount&) const = default;

 private:
  constexpr explicit ByteCount(std::uint64_t n) : bytes_(n) {}
  std::uint64_t bytes_ = 0;
};

using Milliseconds = std::chrono::milliseconds;
using Microseconds = std::chrono::microseconds;

}  // namespace sandpit
