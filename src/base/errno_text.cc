#include "base/errno_text.h"

#include <fmt/format.h>
#include <string.h>

#include <cstring>
#include <string>

namespace sandpit {

std::string errno_text(int errno_value) {
  // strerrordesc_np is of glibc 2.32.
  const char* text = ::strerrordesc_np(errno_value);
  return text != nullptr ? text : fmt::format("error {}", errno_value);
}

}  // namespace sandpit
