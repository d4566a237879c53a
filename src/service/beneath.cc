#include "service/beneath.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/error.h"

namespace sandpit {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

UniqueFd open_beneath(int directory, const char* name, std::uint64_t flags) {
  open_how how{};
  how.flags = flags | O_NOFOLLOW | O_CLOEXEC;
  // openat2 refuses flags that mean nothing to a path descriptor.
  if ((flags & O_PATH) == 0) how.flags |= O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, directory, name, &how, sizeof how)));
}

}  // namespace

UniqueFd look_beneath(int directory, const char* name, struct stat& status) {
  UniqueFd handle = open_beneath(directory, name, O_PATH);
  if (handle.valid() && ::fstat(handle.get(), &status) < 0) handle.reset();
  return handle;
}

UniqueFd open_file_beneath(int directory, const char* name, struct stat& status) {
  UniqueFd file = open_beneath(directory, name, O_RDONLY);
  if (file.valid() && (::fstat(file.get(), &status) < 0 || !S_ISREG(status.st_mode))) file.reset();
  return file;
}

UniqueFd open_directory_beneath(int directory, const char* name) {
  return open_beneath(directory, name, O_RDONLY | O_DIRECTORY);
}

Result<std::vector<std::string>> names_in(const UniqueFd& directory, std::size_t most) {
  UniqueFd again(::fcntl(directory.get(), F_DUPFD_CLOEXEC, 3));
  const std::unique_ptr<DIR, CloseDirectory> stream(again.valid() ? ::fdopendir(again.get())
                                                                  : nullptr);
  if (!stream) return fail(errno_error("fdopendir", errno));
  (void)again.release();
  std::vector<std::string> names;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
  while (const dirent* found = ::readdir(stream.get())) {
    const std::string_view name = found->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() >= most) {
      return fail({.code = ErrorCode::kRefused,
                   .message = fmt::format("a directory holds more than {} entries", most)});
    }
    names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace sandpit
