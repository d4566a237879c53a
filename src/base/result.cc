#include "base/result.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/errno_text.h"

namespace sandpit {

std::string Error::to_string() const {
  std::string text = where.empty() ? message : fmt::format("{}: {}", where, message);
  if (!hint.empty()) text += fmt::format(" ({})", hint);
  for (const Error& other : others) text += "\n" + other.to_string();
  return text;
}

Error errno_error(std::string_view what, int errno_value, ErrorCode code) {
  return Error{.code = code,
               .message = fmt::format("{}: {}", what, errno_text(errno_value)),
               .where = {},
               .hint = {},
               .errno_value = errno_value};
}

Error with_context(Error error, std::string_view context) {
  error.message = fmt::format("{}: {}", context, error.message);
  return error;
}

}  // namespace sandpit
