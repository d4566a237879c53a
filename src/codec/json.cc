#include "codec/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/src.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "sandpit/units.h"

namespace sandpit::codec {
namespace {

// Boost.JSON prints compactly only, and every double with an exponent: this walks the tree and
// leaves just the strings to it.
class Renderer {
 public:
  explicit Renderer(Layout layout) : layout_(layout) {}

  void value(const boost::json::value& value) {
    if (const auto* object = value.if_object())
      return list(object->begin(), object->end(), '{', '}');
    if (const auto* array = value.if_array()) return list(array->begin(), array->end(), '[', ']');
    if (const auto* number = value.if_double()) {
      out_ += fmt::format("{}", *number);
    } else {
      out_ += boost::json::serialize(value);
    }
  }
  std::string take() { return std::move(out_) + "\n"; }

 private:
  void element(const boost::json::value& item) { value(item); }
  void element(const boost::json::key_value_pair& pair) {
    out_ += boost::json::serialize(pair.key());
    out_ += layout_ == Layout::kIndented ? ": " : ":";
    value(pair.value());
  }
  template <class Iterator>
  void list(Iterator begin, Iterator end, char open, char close) {
    out_ += open;
    ++depth_;
    for (auto it = begin; it != end; ++it) {
      if (it != begin) out_ += ',';
      new_line();
      element(*it);
    }
    --depth_;
    if (begin != end) new_line();
    out_ += close;
  }
  void new_line() {
    if (layout_ == Layout::kIndented) out_ += '\n' + std::string(2 * depth_, ' ');
  }

  Layout layout_;
  std::size_t depth_ = 0;
  std::string out_;
};

}  // namespace

std::string render(const boost::json::value& value, Layout layout) {
  Renderer renderer(layout);
  renderer.value(value);
  return renderer.take();
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  result.reserve((bytes.size() + 2) / 3 * 4);
  for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()))) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = (group << 8U) | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      const bool padding = i > bytes.size();
      result += padding ? '=' : kAlphabet[(group >> (18U - 6U * i)) & 0x3FU];
    }
  }
  return result;
}

boost::json::string text(std::string_view bytes) {
  if (is_valid_utf8(bytes)) return boost::json::string(bytes);
  return boost::json::string(replace_invalid_utf8(bytes));
}

void put_bytes(boost::json::object& object, std::string_view key, std::string_view bytes) {
  object[key] = text(bytes);
  if (!is_valid_utf8(bytes)) object[fmt::format("{}_base64", key)] = base64(bytes);
}

void put_bytes(boost::json::object& object, std::string_view key,
               std::span<const std::string> list) {
  object[key] = text_array(list);
  if (std::all_of(list.begin(), list.end(), [](const auto& item) { return is_valid_utf8(item); }))
    return;
  boost::json::array encoded;
  for (const std::string& item : list) encoded.emplace_back(base64(item));
  object[fmt::format("{}_base64", key)] = std::move(encoded);
}

boost::json::array text_array(std::span<const std::string> list) {
  boost::json::array array;
  array.reserve(list.size());
  for (const std::string& item : list) array.emplace_back(text(item));
  return array;
}

double milliseconds(Microseconds time) { return static_cast<double>(time.count()) / 1000.0; }

}  // namespace sandpit::codec
