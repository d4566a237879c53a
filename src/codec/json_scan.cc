#include "codec/json_scan.h"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/utf8.h"
#include "sandpit/error.h"

namespace sandpit::codec {
namespace {

using boost::json::error_code;

// What boost::json::basic_parser calls. Every function answers "go on".
class Handler {
 public:
  // NOLINTBEGIN(readability-identifier-naming): the parser asks for these names
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  // NOLINTEND(readability-identifier-naming)

  bool on_document_begin(error_code& /*error*/) { return true; }
  bool on_document_end(error_code& /*error*/) { return true; }
  bool on_object_begin(error_code& /*error*/) {
    if (levels_.empty()) found_.is_object = true;
    levels_.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t /*n*/, error_code& /*error*/) { return leave(); }
  bool on_array_begin(error_code& /*error*/) {
    levels_.emplace_back();
    return true;
  }
  bool on_array_end(std::size_t /*n*/, error_code& /*error*/) { return leave(); }
  bool on_key_part(boost::json::string_view part, std::size_t /*n*/, error_code& /*error*/) {
    text_ += std::string_view(part.data(), part.size());
    return true;
  }
  bool on_key(boost::json::string_view part, std::size_t /*n*/, error_code& /*error*/) {
    text_ += std::string_view(part.data(), part.size());
    Level& level = levels_.back();
    if (!level.keys.insert(text_).second && found_.duplicate.empty()) {
      found_.duplicate = path() + text_;
    }
    level.key = std::exchange(text_, {});
    if (levels_.size() == 1 && level.key == "status") found_.has_status = true;
    return true;
  }
  bool on_string_part(boost::json::string_view part, std::size_t /*n*/, error_code& /*error*/) {
    if (at_id()) text_ += std::string_view(part.data(), part.size());
    return true;
  }
  bool on_string(boost::json::string_view part, std::size_t /*n*/, error_code& /*error*/) {
    if (!at_id()) return true;
    text_ += std::string_view(part.data(), part.size());
    found_.id = boost::json::serialize(boost::json::string(std::exchange(text_, {})));
    return true;
  }
  bool on_number_part(boost::json::string_view /*part*/, error_code& /*error*/) { return true; }
  bool on_int64(std::int64_t number, boost::json::string_view /*part*/, error_code& /*error*/) {
    if (at_id()) found_.id = fmt::format("{}", number);
    return true;
  }
  bool on_uint64(std::uint64_t number, boost::json::string_view /*part*/, error_code& /*error*/) {
    if (at_id()) found_.id = fmt::format("{}", number);
    return true;
  }
  bool on_double(double /*number*/, boost::json::string_view /*part*/, error_code& /*error*/) {
    return true;
  }
  bool on_bool(bool /*value*/, error_code& /*error*/) { return true; }
  bool on_null(error_code& /*error*/) { return true; }
  bool on_comment_part(boost::json::string_view /*part*/, error_code& /*error*/) { return true; }
  bool on_comment(boost::json::string_view /*part*/, error_code& /*error*/) { return true; }

  JsonScan take() { return std::move(found_); }

 private:
  struct Level {
    std::string key;
    std::unordered_set<std::string> keys;
  };

  bool leave() {
    levels_.pop_back();
    return true;
  }
  [[nodiscard]] bool at_id() const { return levels_.size() == 1 && levels_.back().key == "id"; }
  [[nodiscard]] std::string path() const {
    std::string path;
    for (std::size_t i = 0; i + 1 < levels_.size(); ++i) path += levels_[i].key + ".";
    return path;
  }

  std::vector<Level> levels_;
  std::string text_;
  JsonScan found_;
};

Error at_column(std::size_t offset, std::string message, std::string hint) {
  return Error{.code = ErrorCode::kUsage,
               .message = std::move(message),
               .where = fmt::format("column {}", offset + 1),
               .hint = std::move(hint)};
}

Error not_utf8(std::string_view text) {
  std::size_t offset = 0;
  while (offset < text.size()) {
    const std::size_t length = utf8_sequence_length(text.substr(offset));
    if (length == 0) break;
    offset += length;
  }
  const auto byte = static_cast<unsigned>(static_cast<unsigned char>(text[offset]));
  return at_column(offset, fmt::format("byte 0x{:02x} is not UTF-8", byte),
                   "JSON is UTF-8; a source in another encoding goes into a file of its own");
}

}  // namespace

Result<JsonScan> scan_json(std::string_view text) {
  if (!is_valid_utf8(text)) return fail(not_utf8(text));
  boost::json::basic_parser<Handler> parser{boost::json::parse_options{}};
  error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (error) {
    const bool ended = error == boost::json::error::incomplete;
    return fail(at_column(ended ? text.size() : used,
                          ended ? "the line ends in the middle of a JSON value"
                                : fmt::format("not JSON: {}", error.message()),
                          {}));
  }
  const std::size_t more = text.find_first_not_of(" \t\r\n", used);
  if (more != std::string_view::npos) {
    return fail(at_column(more, "something follows the JSON value",
                          "one value in each line, and nothing else"));
  }
  return parser.handler().take();
}

}  // namespace sandpit::codec
