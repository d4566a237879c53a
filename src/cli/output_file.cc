#include "cli/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>  // NOLINT(modernize-deprecated-headers): renameat of POSIX
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/kernel_link.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "base/write_all.h"
#include "sandpit/error.h"

namespace sandpit::cli {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Error cannot_write(const std::string& path, int error) {
  return errno_error(fmt::format("cannot write {}", printable(path)), error, ErrorCode::kUsage);
}

}  // namespace

Result<OutputFile> OutputFile::open(const std::string& path, Existing existing) {
  OutputFile file;
  file.path_ = path;
  if (is_kernel_link(path)) {
    if (::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0)
      return fail(cannot_write(path, errno));
    file.target_ = Target::kOfKernel;
    return file;
  }
  const std::size_t slash = path.rfind('/');
  file.name_ = slash == std::string::npos ? path : path.substr(slash + 1);
  if (file.name_.empty() || file.name_ == "." || file.name_ == "..")
    return fail(cannot_write(path, EISDIR));
  file.directory_ = UniqueFd(::open(parent_of(path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!file.directory_.valid()) return fail(cannot_write(path, errno));

  struct stat status{};
  const int directory = file.directory_.get();
  const char* asked = ".";
  if (::fstatat(directory, file.name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    if (S_ISLNK(status.st_mode)) return fail(link_not_followed(printable(path)));
    if (S_ISDIR(status.st_mode)) return fail(cannot_write(path, EISDIR));
    if (!S_ISREG(status.st_mode)) {
      file.target_ = Target::kInPlace;
      asked = file.name_.c_str();
    }
  } else if (errno != ENOENT) {
    return fail(cannot_write(path, errno));
  }
  if (existing == Existing::kRefuse && file.target_ == Target::kReplaceable)
    file.target_ = Target::kNew;
  if (::faccessat(directory, asked, W_OK, AT_EACCESS) != 0) return fail(cannot_write(path, errno));
  return file;
}

Result<void> OutputFile::write(std::string_view content) const {
  int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY;
  UniqueFd file;
  switch (target_) {
    case Target::kReplaceable:
      return replace(content);
    case Target::kNew:
      file = UniqueFd(::openat(directory_.get(), name_.c_str(), flags | O_CREAT | O_EXCL, 0666));
      break;
    case Target::kInPlace:
      file = UniqueFd(::openat(directory_.get(), name_.c_str(), flags | O_NOFOLLOW));
      break;
    case Target::kOfKernel:
      // Where it is a file (a shell's redirection), after what the program wrote there.
      file = UniqueFd(::open(path_.c_str(), flags | O_APPEND));
      break;
  }
  if (!file.valid()) return fail(cannot_write(path_, errno));
  return write_to(file.get(), content);
}

Result<void> OutputFile::write_to(int descriptor, std::string_view content) const {
  if (const int error = write_all(descriptor, content); error != 0)
    return fail(errno_error(fmt::format("cannot write {}", printable(path_)), error));
  return {};
}

Result<void> OutputFile::replace(std::string_view content) const {
  const std::string temporary = fmt::format("{}.{}.tmp", name_, ::getpid());
  const int directory = directory_.get();
  const UniqueFd file(
      ::openat(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file.valid()) return fail(errno_error(fmt::format("cannot write {}", temporary), errno));
  auto written = write_to(file.get(), content);
  if (written && ::renameat(directory, temporary.c_str(), directory, name_.c_str()) != 0)
    written = fail(errno_error(fmt::format("cannot write {}", printable(path_)), errno));
  if (!written) ::unlinkat(directory, temporary.c_str(), 0);
  return written;
}

}  // namespace sandpit::cli
