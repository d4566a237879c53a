#include "config/paths.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace sandpit::config {
namespace {

// The XDG base directory specification: a relative path in these variables is to be ignored.
std::string absolute_variable(const char* name) {
  // Nothing in this library calls setenv, and a caller that does races with every getenv in its
  // process.
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value != nullptr && *value == '/' ? value : std::string{};
}

std::string xdg_file(const char* variable, std::string_view below_home, std::string_view file) {
  const std::string directory = absolute_variable(variable);
  if (!directory.empty()) return fmt::format("{}/sandpit/{}", directory, file);
  const std::string home = home_directory();
  return home.empty() ? home : fmt::format("{}/{}/sandpit/{}", home, below_home, file);
}

}  // namespace

std::string home_directory() { return absolute_variable("HOME"); }

std::string default_user_file() { return xdg_file("XDG_CONFIG_HOME", ".config", "sandbox.toml"); }

std::string default_trust_file() {
  return xdg_file("XDG_STATE_HOME", ".local/state", "trusted.toml");
}

Result<std::string> canonical(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr),
                                                             &std::free);
  if (resolved == nullptr) return fail(errno_error(path, errno, ErrorCode::kUsage));
  return std::string(resolved.get());
}

Result<std::string> absolute_path(std::string_view written, const std::string& directory,
                                  const std::string& home) {
  const auto problem = [](std::string message, std::string hint) {
    return fail(Error{.code = ErrorCode::kUsage,
                      .message = std::move(message),
                      .where = {},
                      .hint = std::move(hint)});
  };
  if (written.empty()) return problem("an empty path", {});
  std::string joined;
  if (written.front() == '/') {
    joined = written;
  } else if (written == "~" || written.starts_with("~/")) {
    if (home.empty()) return problem(fmt::format("\"{}\": HOME is not set", written), {});
    joined = home + std::string(written.substr(1));
  } else if (written.front() == '~') {
    return problem(fmt::format("\"{}\": only ~/ is expanded, not another user's home", written),
                   "write ./~… for a name that begins with ~");
  } else {
    joined = fmt::format("{}/{}", directory, written);
  }
  std::string normal = std::filesystem::path(joined).lexically_normal().string();
  // lexically_normal keeps a last slash, and two first ones.
  while (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  while (normal.starts_with("//")) normal.erase(0, 1);
  return normal;
}

bool is_clean_inside_path(std::string_view path) {
  if (path.size() < 2 || path.front() != '/') return false;
  std::string_view rest = path.substr(1);
  for (;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view component = rest.substr(0, slash);
    if (component.empty() || component == "." || component == "..") return false;
    if (slash == std::string_view::npos) return true;
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace sandpit::config
