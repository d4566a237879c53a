// SP_TRY and helpers around Result. Everyone may include it.
//
// -Wpedantic rejects GNU statement expressions, so SP_TRY is a statement that declares:
//   SP_TRY(const UniqueFd dir, sys::open(path, O_PATH));   // declares dir, or returns the error
//   SP_TRY_VOID(sys::mkdirat(dir.get(), "tmp", 0755));
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandpit/error.h"  // IWYU pragma: export

namespace sandpit {

// "what: strerror(errno)", code kSystem unless told.
[[nodiscard]] Error errno_error(std::string_view what, int errno_value,
                                ErrorCode code = ErrorCode::kSystem);

// Puts "context: " before the message.
[[nodiscard]] Error with_context(Error error, std::string_view context);

// All of them as one: the first, with the others in it. There must be one.
[[nodiscard]] Error first_with_others(std::vector<Error> problems);

}  // namespace sandpit

#define SP_CONCAT_INNER(a, b) a##b
#define SP_CONCAT(a, b) SP_CONCAT_INNER(a, b)
#define SP_TRY_IMPL(result, declaration, expression)              \
  auto result = (expression);                                     \
  if (!result) return ::sandpit::fail(std::move(result).error()); \
  declaration = std::move(result).value()
#define SP_TRY(declaration, expression) \
  SP_TRY_IMPL(SP_CONCAT(sp_try_, __LINE__), declaration, expression)
#define SP_TRY_VOID(expression)                             \
  do {                                                      \
    if (auto sp_result = (expression); !sp_result)          \
      return ::sandpit::fail(std::move(sp_result).error()); \
  } while (false)
