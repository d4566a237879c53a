#include "plan/root_layout.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <string>

#include "runtime/read_head.h"
#include "sandpit/request.h"

namespace sandpit {
namespace {

// A resolver's configuration is a few lines; what is longer is cut.
constexpr std::size_t kMostText = 16UL << 10U;

std::string link_target(const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : std::string();
}

}  // namespace

bool RootLayout::has(const std::string& path) const {
  return std::find(files.begin(), files.end(), path) != files.end() ||
         std::find(directories.begin(), directories.end(), path) != directories.end();
}

RootLayout RootLayout::of_this_host(NetworkMode network) {
  RootLayout layout;
  struct stat status{};
  for (const char* path : {"/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin"}) {
    if (::lstat(path, &status) == 0)
      layout.system.push_back({.path = path, .link = link_target(path)});
  }
  for (const char* path : {"/etc/ld.so.cache"}) {
    if (::stat(path, &status) == 0 && S_ISREG(status.st_mode)) layout.files.emplace_back(path);
  }
  for (const char* path : {"/etc/alternatives", "/etc/ssl/certs"}) {
    if (::stat(path, &status) == 0 && S_ISDIR(status.st_mode))
      layout.directories.emplace_back(path);
  }
  if (network == NetworkMode::kHost)
    layout.texts["/etc/resolv.conf"] = read_head("/etc/resolv.conf", kMostText);
  return layout;
}

}  // namespace sandpit
