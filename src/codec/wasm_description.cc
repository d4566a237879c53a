#include "codec/wasm_description.h"

#include <boost/json/parse.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/result.h"
#include "sandpit/error.h"

namespace sandpit {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

// Members by name. What is missing or of another type is noted and comes out empty.
class Reader {
 public:
  explicit Reader(const object& json) : json_(json) {}

  std::string text(std::string_view name) {
    const value* const found = json_.if_contains(name);
    if (found != nullptr && found->is_string()) return std::string(found->get_string());
    good_ = false;
    return {};
  }
  std::optional<std::string> text_or_null(std::string_view name) {
    return is_null(name) ? std::nullopt : std::optional(text(name));
  }
  bool flag(std::string_view name) {
    const value* const found = json_.if_contains(name);
    if (found != nullptr && found->is_bool()) return found->get_bool();
    good_ = false;
    return false;
  }
  std::uint64_t number(std::string_view name) {
    const value* const found = json_.if_contains(name);
    if (found != nullptr && found->is_uint64()) return found->get_uint64();
    if (found != nullptr && found->is_int64() && found->get_int64() >= 0) {
      return static_cast<std::uint64_t>(found->get_int64());
    }
    good_ = false;
    return 0;
  }
  std::optional<std::uint64_t> number_or_null(std::string_view name) {
    return is_null(name) ? std::nullopt : std::optional(number(name));
  }
  std::vector<std::string> texts(std::string_view name) {
    std::vector<std::string> result;
    for (const value& item : list(name)) {
      good_ = good_ && item.is_string();
      if (item.is_string()) result.emplace_back(item.get_string());
    }
    return result;
  }
  template <class T, class Read>
  std::vector<T> objects(std::string_view name, Read read) {
    std::vector<T> result;
    for (const value& item : list(name)) {
      if (!item.is_object()) {
        good_ = false;
        continue;
      }
      Reader reader(item.get_object());
      result.push_back(read(reader));
      good_ = good_ && reader.good();
    }
    return result;
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  bool is_null(std::string_view name) const {
    const value* const found = json_.if_contains(name);
    return found == nullptr || found->is_null();
  }
  const array& list(std::string_view name) {
    static const array kNone;
    const value* const found = json_.if_contains(name);
    if (found != nullptr && found->is_array()) return found->get_array();
    good_ = false;
    return kNone;
  }

  const object& json_;
  bool good_ = true;
};

WasmDescription::Import import_of(Reader& reader) {
  return {.module = reader.text("module"),
          .name = reader.text_or_null("name").value_or(""),
          .type = reader.text("type"),
          .capability = reader.text_or_null("capability").value_or(""),
          .granted = reader.flag("granted")};
}

WasmDescription::Export export_of(Reader& reader) {
  return {.name = reader.text("name"), .type = reader.text("type")};
}

WasmDescription::Memory memory_of(Reader& reader) {
  return {.min_pages = reader.number("min_pages"),
          .max_pages = reader.number_or_null("max_pages"),
          .shared = reader.flag("shared"),
          .memory64 = reader.flag("memory64")};
}

WasmDescription::Table table_of(Reader& reader) {
  return {.min = reader.number("min"),
          .max = reader.number_or_null("max"),
          .type = reader.text("type")};
}

Error unreadable() {
  return Error{.code = ErrorCode::kSandbox,
               .message = "the worker's description of the module can't be read"};
}

}  // namespace

Result<WasmDescription> parse_wasm_description(std::string_view json) {
  std::error_code error;
  const value root = boost::json::parse(json, error);
  if (error || !root.is_object()) return fail(unreadable());
  Reader reader(root.get_object());
  WasmDescription description{
      .kind = reader.text("kind"),
      .imports = reader.objects<WasmDescription::Import>("imports", import_of),
      .exports = reader.objects<WasmDescription::Export>("exports", export_of),
      .memories = reader.objects<WasmDescription::Memory>("memories", memory_of),
      .tables = reader.objects<WasmDescription::Table>("tables", table_of),
      .features = reader.texts("features"),
      .entry = reader.text_or_null("entry")};
  if (!reader.good()) return fail(unreadable());
  return description;
}

}  // namespace sandpit
