#include "config/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "base/write_all.h"

namespace sandpit::config {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20U;
constexpr mode_t kPrivateDirectory = 0700;
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

Error unreadable(const std::string& path, std::string message) {
  return Error{.code = ErrorCode::kUsage, .message = std::move(message), .where = path, .hint = {}};
}

Error unreadable(const std::string& path, int errno_value) {
  Error error = errno_error("can't be read", errno_value, ErrorCode::kUsage);
  error.where = path;
  return error;
}

Result<std::string> read_all(int fd, const std::string& path) {
  std::string text;
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(unreadable(path, errno));
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    // Checked while reading too: the file may grow after fstat.
    if (text.size() > kMostBytes) return fail(unreadable(path, "larger than 1 MiB"));
  }
}

}  // namespace

Result<std::optional<ReadFile>> read_small_file(const std::string& path) {
  // O_NONBLOCK: open(2) of a FIFO without a writer would wait for one.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    // open(2) of a socket, or of a device without a driver.
    if (errno == ENXIO || errno == ENODEV) return fail(unreadable(path, "not a regular file"));
    return fail(unreadable(path, errno));
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail(unreadable(path, errno));
  if (!S_ISREG(status.st_mode)) return fail(unreadable(path, "not a regular file"));
  if (status.st_size > static_cast<off_t>(kMostBytes)) {
    return fail(unreadable(path, "larger than 1 MiB"));
  }
  SP_TRY(std::string text, read_all(fd.get(), path));
  const bool ours = status.st_uid == ::geteuid() || status.st_uid == 0;
  return ReadFile{.text = std::move(text),
                  .private_to_us = ours && (status.st_mode & kOthersWrite) == 0};
}

Result<void> make_directories_above(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string directory = path.substr(0, slash);
    if (::mkdir(directory.c_str(), kPrivateDirectory) == 0 || errno == EEXIST) continue;
    const int mkdir_errno = errno;
    // On a read-only file system mkdir(2) may say EROFS or EACCES of a directory that exists.
    if (::access(directory.c_str(), F_OK) != 0) return fail(errno_error(directory, mkdir_errno));
  }
  return {};
}

Result<void> replace_file(const std::string& path, std::string_view text) {
  std::string temporary = path + ".XXXXXX";
  const UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
  if (!fd.valid()) return fail(errno_error(temporary, errno));
  Result<void> written;
  if (const int error = write_all(fd.get(), text); error != 0) {
    written = fail(errno_error(temporary, error));
  }
  if (written && ::fsync(fd.get()) != 0) written = fail(errno_error(temporary, errno));
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = fail(errno_error(path, errno));
  }
  if (!written) ::unlink(temporary.c_str());
  return written;
}

}  // namespace sandpit::config
