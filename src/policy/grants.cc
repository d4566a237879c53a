#include "policy/grants.h"

#include <dirent.h>
#include <fmt/format.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): POSIX's realpath
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/utf8.h"
#include "policy/inside_path.h"
#include "sandpit/request.h"

namespace sandpit {
namespace {

// A directory with more entries than this is not searched to its end for sockets.
constexpr int kMostEntries = 4096;

Result<std::string> canonical(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    return fail(
        {.code = ErrorCode::kUsage, .message = "a granted path must not be empty or hold a NUL"});
  }
  std::array<char, PATH_MAX> resolved{};
  if (::realpath(path.c_str(), resolved.data()) == nullptr) {
    return fail(
        errno_error(fmt::format("can't grant '{}'", printable(path)), errno, ErrorCode::kUsage));
  }
  return std::string(resolved.data());
}

// "At the same path" is the path as the user wrote it, not what its links lead to.
std::string absolute_lexically(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  std::string text = absolute.lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

Result<PathGrant> resolve_one(const PathGrant& grant, std::string_view working_dir, JailRoot root) {
  SP_TRY(std::string host, canonical(grant.host));
  const std::string wanted = grant.inside.empty() ? absolute_lexically(grant.host) : grant.inside;
  const std::optional<std::string> inside = normalised_inside(wanted);
  if (!inside) {
    return fail(
        {.code = ErrorCode::kUsage,
         .message = fmt::format(
             "'{}' must be an absolute path without '..', for it names a place inside the jail",
             printable(wanted)),
         .where = {},
         .hint = {}});
  }
  if (const std::string why = why_not_mountable(*inside, working_dir); !why.empty()) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("can't mount '{}' at '{}' inside: {}",
                                        printable(grant.host), printable(*inside), why),
                 .where = {},
                 .hint = "give another place inside, e.g. PATH:/data"});
  }
  struct stat status{};
  if (::stat(host.c_str(), &status) != 0) {
    return fail(
        errno_error(fmt::format("can't grant '{}'", printable(host)), errno, ErrorCode::kUsage));
  }
  if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) {
    return fail(
        {.code = ErrorCode::kUsage,
         .message = fmt::format("can't grant '{}': only files and directories can be granted",
                                printable(host))});
  }
  if (root == JailRoot::kBare && S_ISREG(status.st_mode) && inside->rfind('/') == 0) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("can't mount '{}' at '{}' inside: a module opens a file by "
                                        "its directory, and that would be the root",
                                        printable(grant.host), printable(*inside)),
                 .where = {},
                 .hint = fmt::format("give a place in a directory, e.g. PATH:/data{}",
                                     printable(*inside))});
  }
  return PathGrant{.host = std::move(host), .inside = *inside, .access = grant.access};
}

// A read grant of something in /usr, at its own place: it is visible anyway.
bool is_visible_anyway(const PathGrant& grant) {
  if (grant.access != Access::kRead || !grant.inside.empty()) return false;
  const Result<std::string> host = canonical(grant.host);
  return host && is_within(*host, "/usr") && absolute_lexically(grant.host) == *host;
}

}  // namespace

ResolvedGrants resolve_grants(const std::vector<PathGrant>& grants, std::string_view working_dir,
                              JailRoot root) {
  ResolvedGrants resolved;
  for (const PathGrant& grant : grants) {
    if (root == JailRoot::kSystem && is_visible_anyway(grant)) continue;
    Result<PathGrant> one = resolve_one(grant, working_dir, root);
    if (!one) {
      resolved.problems.push_back(std::move(one.error()));
      continue;
    }
    const auto same =
        std::find_if(resolved.paths.begin(), resolved.paths.end(),
                     [&](const PathGrant& other) { return other.inside == one->inside; });
    if (same == resolved.paths.end()) {
      resolved.order.push_back(one->inside);
      resolved.paths.push_back(std::move(*one));
    } else if (same->host == one->host) {
      *same = std::move(*one);
    } else {
      resolved.problems.push_back(
          {.code = ErrorCode::kUsage,
           .message =
               fmt::format("two paths for '{}' inside: '{}' and '{}'", printable(one->inside),
                           printable(same->host), printable(one->host))});
    }
  }
  std::sort(resolved.paths.begin(), resolved.paths.end(),
            [](const PathGrant& a, const PathGrant& b) { return a.inside < b.inside; });
  for (const PathGrant& grant : resolved.paths) {
    if (std::string warning = socket_warning(grant); !warning.empty())
      resolved.warnings.push_back(std::move(warning));
  }
  return resolved;
}

Result<std::string> resolve_directory(const std::string& path, std::string_view where) {
  Result<std::string> host = canonical(path);
  if (!host) {
    host.error().where = where;
    return host;
  }
  std::error_code error;
  if (!std::filesystem::is_directory(*host, error)) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("'{}' is not a directory", printable(path)),
                 .where = std::string(where)});
  }
  return host;
}

std::string socket_warning(const PathGrant& grant) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(grant.host.c_str()), &::closedir);
  if (!directory) return {};
  for (int count = 0; count < kMostEntries; ++count) {
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    if (entry->d_type != DT_SOCK) continue;
    return fmt::format(
        "the granted directory {} holds the unix socket '{}': the program can connect to it, "
        "read-only or not",
        printable(grant.host), printable(entry->d_name));
  }
  return {};
}

}  // namespace sandpit
