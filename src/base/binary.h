// Structures in a plain binary form, for messages between processes built from the same sources.
// Every length is checked: the other side may be hostile. A structure takes part by a function
// `describe(stream, value)`, found by argument, that calls `stream(field, …)`.
#pragma once

#include <linux/filter.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "sandpit/units.h"

namespace sandpit::binary {

// Constrains a describe() to one structure, const when it is written and not when it is read:
//   template <class Archive, binary::Is<Point> T> void describe(Archive& a, T& v) { a(v.x, v.y); }
template <class A, class T>
concept Is = std::is_same_v<std::remove_const_t<A>, T>;

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
  // Thousands of them in each Plan.
  void put(const std::vector<sock_filter>& program) {
    static_assert(sizeof(sock_filter) == 8);
    put(static_cast<std::uint64_t>(program.size()));
    const std::size_t size = program.size() * sizeof(sock_filter);
    out_.append(reinterpret_cast<const char*>(program.data()), size);  // NOLINT(*-reinterpret-cast)
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
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
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
  // Any byte but 0 is true: copying another value into a bool would be undefined.
  void get(bool& value) {
    std::uint8_t byte = 0;
    get(byte);
    value = byte != 0;
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
  void get(std::vector<sock_filter>& program) {
    std::uint64_t n = length();
    if (n > in_.size() / sizeof(sock_filter)) {
      ok_ = false;
      in_ = {};
      n = 0;
    }
    program.resize(n);
    if (n == 0) return;
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): its size was checked above
    std::memcpy(program.data(), in_.data(), n * sizeof(sock_filter));
    in_.remove_prefix(n * sizeof(sock_filter));
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
  void get(std::optional<T>& value) {
    bool there = false;
    get(there);
    value.reset();
    if (there && ok_) get(value.emplace());
  }
  template <class T>
    requires requires(Reader& reader, T& value) { describe(reader, value); }
  void get(T& value) {
    describe(*this, value);
  }
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace sandpit::binary
