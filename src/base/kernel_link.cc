#include "base/kernel_link.h"

#include <fmt/format.h>

#include <string_view>

#include "sandpit/error.h"

namespace sandpit {

Error link_not_followed(std::string_view path) {
  return {.code = ErrorCode::kUsage,
          .message = fmt::format("cannot write {}: it is a symbolic link; a program that could "
                                 "write there may have laid it, so it is not followed",
                                 path),
          .where = {},
          .hint = "name the file that it leads to"};
}

}  // namespace sandpit
