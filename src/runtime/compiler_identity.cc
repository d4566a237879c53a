#include "runtime/compiler_identity.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/interpreter.h"

namespace sandpit {
namespace {

// Go's tree holds 530 entries in two levels, Rust's 26; a microsecond each.
constexpr std::size_t kMostEntries = 1024;

// The time of the last change of its inode is in it too: npm gives every file the same time of
// writing.
std::string stamp_of(std::string_view path, const struct stat& status) {
  return fmt::format("{} {} {} {}.{:09} {}.{:09}\n", path, status.st_ino, status.st_size,
                     status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                     status.st_ctim.tv_nsec);
}

// What lies in `directory` and `levels` - 1 below it, the upper ones first.
void add_tree(const std::string& directory, int levels, std::vector<std::string>& stamps) {
  std::vector<std::string> level{directory};
  for (; levels > 0 && !level.empty(); --levels) {
    std::vector<std::string> below;
    for (const std::string& parent : level) {
      const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(parent.c_str()), &::closedir);
      if (!stream) continue;
      while (const dirent* entry = ::readdir(stream.get())) {
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        if (stamps.size() >= kMostEntries) return;
        struct stat status{};
        const int found =
            ::fstatat(::dirfd(stream.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW);
        if (found != 0) continue;
        std::string path = fmt::format("{}/{}", parent, name);
        stamps.push_back(stamp_of(path, status));
        if (S_ISDIR(status.st_mode)) below.push_back(std::move(path));
      }
    }
    level = std::move(below);
  }
}

// Where the package managers' data bases know nothing of it: the prefix, or the directory of the
// compiler. The shared ones (/usr/local, a home directory) are not its own.
std::vector<std::string> own_trees(const FoundProgram& compiler) {
  constexpr std::string_view kLocal = "/usr/local/";
  if (!compiler.real.starts_with(kLocal)) return compiler.trees;
  const std::filesystem::path directory = std::filesystem::path(compiler.real).parent_path();
  const std::string last = directory.filename().string();
  const bool in_prefix = last == "bin" || last == "sbin" || last == "libexec";
  std::string tree = (in_prefix ? directory.parent_path() : directory).string();
  if (tree.size() < kLocal.size()) return {};
  return {std::move(tree)};
}

}  // namespace

std::string stamp_of(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) < 0 ? std::string{} : stamp_of(path, status);
}

std::string identity_of(const FoundProgram& compiler) {
  std::string identity = stamp_of(compiler.real);
  for (const char* database :
       {"/var/lib/dpkg/status", "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite",
        "/lib/apk/db/installed", "/var/lib/pacman/local"}) {
    identity += stamp_of(database);
  }
  std::vector<std::string> stamps;
  add_tree("/usr/local/include", 2, stamps);
  add_tree("/usr/local/lib", 1, stamps);
  for (const std::string& tree : own_trees(compiler)) add_tree(tree, 2, stamps);
  // A directory lists what it holds in any order.
  std::ranges::sort(stamps);
  for (const std::string& stamp : stamps) identity += stamp;
  return identity;
}

}  // namespace sandpit
