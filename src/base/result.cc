#include "base/result.h"

#include <fmt/format.h>
#include <string.h>

#include <cstring>
#include <string>
#include <string_view>

namespace sandpit {

std::string Error::to_string() const {
  std::string text = where.empty() ? message : fmt::format("{}: {}", where, message);
  if (!hint.empty()) text += fmt::format(" ({})", hint);
  for (const Error& other : others) text += "\n" + other.to_string();
  return text;
}

Error errno_error(std::string_view what, int errno_value, ErrorCode code) {
  // strerrordesc_np is thread-safe and untranslated (glibc 2.32).
  const char* description = ::strerrordesc_np(errno_value);
  return Error{.code = code,
               .message = fmt::format("{}: {}", what, description ? description : "unknown error"),
               .where = {},
               .hint = {},
               .errno_value = errno_value};
}

Error with_context(Error error, std::string_view context) {
  error.message = fmt::format("{}: {}", context, error.message);
  return error;
}

}  // namespace sandpit
