#include "policy/inside_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sandpit {
namespace {

// System directories that the jail makes itself: nothing may be put over or into them.
constexpr std::array<std::string_view, 10> kClosed = {
    "/proc", "/dev", "/sys", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};
// Made by the jail as well, but a grant may lie beneath.
constexpr std::array<std::string_view, 2> kOpen = {"/etc", "/tmp"};

}  // namespace

std::optional<std::string> normalised_inside(std::string_view path) {
  if (!path.starts_with('/') || path.find('\0') != std::string_view::npos) return std::nullopt;
  std::string result;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part == "..") return std::nullopt;
    if (!part.empty() && part != ".") result.append("/").append(part);
    begin = end + 1;
  }
  return result.empty() ? "/" : result;
}

bool is_within(std::string_view path, std::string_view directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string why_not_mountable(std::string_view inside, std::string_view working_dir) {
  if (inside == "/") return "it would hide everything";
  for (const std::string_view closed : kClosed) {
    if (is_within(inside, closed)) return fmt::format("{} belongs to the jail", closed);
  }
  for (const std::string_view open : kOpen) {
    if (inside == open) return fmt::format("it would hide the jail's own {}", open);
  }
  if (!working_dir.empty() && is_within(working_dir, inside)) {
    return fmt::format("it would hide the working directory {}", working_dir);
  }
  return {};
}

}  // namespace sandpit
