#include "base/result.h"

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

Error first_with_others(std::vector<Error> problems) {
  Error first = std::move(problems.front());
  first.others.assign(std::make_move_iterator(problems.begin() + 1),
                      std::make_move_iterator(problems.end()));
  return first;
}

}  // namespace sandpit
