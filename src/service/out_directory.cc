#include "service/out_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): POSIX's realpath
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "sandpit/error.h"

namespace sandpit {
namespace {

constexpr int kMostLinksInRoot = 8;

// The path with its first component replaced by what that leads to, when it is a link in "/"; else
// empty.
std::string past_link_in_root(const std::string& path) {
  const std::size_t begin = path.find_first_not_of('/');
  if (path.empty() || path.front() != '/' || begin == std::string::npos) return {};
  const std::size_t end = std::min(path.find('/', begin), path.size());
  const std::string first = "/" + path.substr(begin, end - begin);
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlink(first.c_str(), target.data(), target.size() - 1);
  if (size <= 0) return {};
  const std::string_view to(target.data(), static_cast<std::size_t>(size));
  return fmt::format("{}{}{}", to.front() == '/' ? "" : "/", to, path.substr(end));
}

UniqueFd open_without_links(std::string path) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (int links = 0;; ++links) {
    UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
    if (fd.valid() || errno != ELOOP) return fd;
    path = past_link_in_root(path);
    if (path.empty() || links == kMostLinksInRoot) {
      errno = ELOOP;
      return {};
    }
  }
}

struct Split {
  std::string parent;
  std::string name;
};

Split split(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {.parent = ".", .name = std::move(path)};
  return {.parent = path.substr(0, slash + 1), .name = path.substr(slash + 1)};
}

std::string without_links(const std::string& path) {
  const std::unique_ptr<char, decltype(&::free)> real(::realpath(path.c_str(), nullptr), &::free);
  return real ? std::string(real.get()) : std::string();
}

Error error_for(const std::string& path, int error) {
  const std::string shown = printable(path);
  if (error != ELOOP)
    return errno_error(fmt::format("--out {}", shown), error, ErrorCode::kRefused);
  const std::string real = without_links(path);
  return {.code = ErrorCode::kRefused,
          .message = fmt::format("--out {}: a symbolic link is in this path; a program that could "
                                 "write there may have laid it, so it is not followed",
                                 shown),
          .where = {},
          .hint = real.empty() ? "name the directory by a path without links"
                               : fmt::format("if it is yours: --out {}", printable(real))};
}

}  // namespace

Result<UniqueFd> open_out_directory(const std::string& path) {
  if (path.find('\0') != std::string::npos)
    return fail({.code = ErrorCode::kRefused, .message = "the path of --out holds a NUL"});
  UniqueFd found = open_without_links(path);
  if (found.valid()) return found;
  if (errno != ENOENT) return fail(error_for(path, errno));
  const auto [parent, name] = split(path);
  const UniqueFd above = open_without_links(parent);
  if (!above.valid()) return fail(error_for(path, errno));
  if (::mkdirat(above.get(), name.c_str(), 0755) < 0 && errno != EEXIST)
    return fail(error_for(path, errno));
  UniqueFd made(
      ::openat(above.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made.valid()) return fail(error_for(path, errno));
  return made;
}

}  // namespace sandpit
