// What a process said last.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sandpit {

[[nodiscard]] inline std::string last_line(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const std::size_t line = text.rfind('\n');
  return std::string(line == std::string_view::npos ? text : text.substr(line + 1));
}

}  // namespace sandpit
