// The names in a directory given by descriptor. Only sys/cgroup*.cc use it.
#pragma once

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sandpit::sys {

// Without "." and "..". `dir` may be O_PATH; its own position is not touched.
[[nodiscard]] inline Result<std::vector<std::string>> directory_names(int dir) {
  UniqueFd fd(::openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fail(errno_error("open directory", errno));
  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  const std::unique_ptr<DIR, Close> stream(::fdopendir(fd.get()));
  if (!stream) return fail(errno_error("fdopendir", errno));
  (void)fd.release();  // closedir closes it
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

}  // namespace sandpit::sys
