// The "#!" line of a script, as the kernel and env(1) read it. Used by runtime/ and service/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sandpit {

struct Shebang {
  std::string path;  // as written: "/usr/bin/env", "/bin/sh"
  std::string name;  // of the interpreter, without directories, env(1) seen through: "python3"
  std::vector<std::string>
      arguments;  // for the interpreter: the kernel passes one word; env -S splits
};

// `head`: the first bytes of the file. Empty when there is no "#!" line, or nothing in it.
[[nodiscard]] std::optional<Shebang> parse_shebang(std::string_view head);

// "python3.11" -> "python", "python3" -> "python"; a name without a version stays.
[[nodiscard]] std::string_view without_version(std::string_view name);

}  // namespace sandpit
