// Errors as values. Public: every fallible call of the library returns a Result.
//
//   if (auto outcome = sandbox.run(request)) use(*outcome); else
//   print(outcome.error().to_string());
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "sandpit/export.h"

namespace sandpit {

// What kind of thing went wrong. The command line maps it to an exit status (DESIGN.md section 7).
enum class ErrorCode : std::uint8_t {
  kUsage,      // bad option, bad configuration, source missing or not a regular file: exit 2
  kNoRuntime,  // no such runtime, or its interpreter is not installed: exit 127
  kRefused,    // lint, validation or policy said no; nothing ran: exit 126
  kSandbox,    // the sandbox could not be set up; nothing ran: exit 125
  kSystem,     // a system call failed outside the launch of a run: exit 125
  kCancelled,  // the caller cancelled
};

// One problem. `where` is "file:line:column" or a field path such as "resource_limits.timeout_s";
// `hint` says what mends it. Either may be empty.
struct SANDPIT_API Error {
  ErrorCode code = ErrorCode::kSystem;
  std::string message;
  std::string where;
  std::string hint;
  int errno_value = 0;  // the errno behind it, 0 when there is none
  std::vector<Error>
      others{};  // further problems of the same call (a configuration reports them all)

  // "where: message (hint)", one problem per line, the others after the first.
  [[nodiscard]] std::string to_string() const;
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(std::move(error));
}

}  // namespace sandpit
