#include "service/source_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/memory_file.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"

namespace sandpit {
namespace {

// What is larger goes to a file: memory that is not charged to the run should stay small.
constexpr std::size_t kMostInMemory = 1UL << 20U;

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "no regular file";
}

Error source_error(const std::string& display, int error) {
  return errno_error(fmt::format("can't read '{}'", display), error, ErrorCode::kUsage);
}

// O_PATH first: opening a device or a FIFO can have effects of its own, and the descriptor pins the
// file that was looked at.
Result<UniqueFd> open_regular(const std::string& path, const std::string& display,
                              struct stat& status) {
  const UniqueFd found(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!found.valid()) return fail(source_error(display, errno));
  if (::fstat(found.get(), &status) != 0) return fail(source_error(display, errno));
  if (!S_ISREG(status.st_mode)) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("'{}' is {}; a source must be a regular file", display,
                                        kind_of(status.st_mode))});
  }
  // O_NONBLOCK: a lease on the file (fcntl(2)) would make us wait for its holder.
  UniqueFd fd(::open(fmt::format("/proc/self/fd/{}", found.get()).c_str(),
                     O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return fail(source_error(display, errno));
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags & ~O_NONBLOCK) != 0)
    return fail(source_error(display, errno));
  return fd;
}

Result<UniqueFd> new_store(std::size_t size, const std::string& tmp_dir) {
  if (size <= kMostInMemory) {
    return memory_file("sandpit-source");
  }
  UniqueFd fd(::open(tmp_dir.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd.valid()) {
    return fail(errno_error(
        fmt::format("can't make a temporary file in {} (general.tmp_dir)", printable(tmp_dir)),
        errno));
  }
  return fd;
}

}  // namespace

bool is_component(std::string_view name) {
  return !name.empty() && name.size() <= NAME_MAX && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

Result<void> check_size(std::string_view display, std::uint64_t size, const Limits& limits) {
  if (size <= limits.disk.count()) return {};
  return fail(
      {.code = ErrorCode::kRefused,
       .message = fmt::format("'{}' has {} bytes; the disk limit, into which it is copied, is {}",
                              display, size, limits.disk.count()),
       .where = {},
       .hint = "raise it with --disk and --memory"});
}

Result<SourceInput> open_source_file(const SourceFile& source) {
  SourceInput input;
  input.display = printable(source.path);
  if (source.path.empty() || source.path.find('\0') != std::string::npos) {
    return fail(
        {.code = ErrorCode::kUsage, .message = "the source's path is empty or holds a NUL"});
  }
  struct stat status{};
  SP_TRY(input.fd, open_regular(source.path, input.display, status));
  input.name = source.path.substr(source.path.rfind('/') + 1);
  input.size = static_cast<std::uint64_t>(status.st_size);
  return input;
}

Result<SourceInput> store_source_text(const SourceText& source, const std::string& tmp_dir) {
  if (!source.name.empty() && !is_component(source.name)) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("'{}' can't be the source's name: it must be one file name",
                                        printable(source.name))});
  }
  SourceInput input;
  input.name = source.name;
  input.display = source.name.empty() ? "the source text" : printable(source.name);
  input.size = source.text.size();
  SP_TRY(input.fd, new_store(source.text.size(), tmp_dir));
  for (std::size_t written = 0; written < source.text.size();) {
    const ssize_t count = ::pwrite(input.fd.get(), source.text.data() + written,
                                   source.text.size() - written, static_cast<off_t>(written));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      Error error = errno_error(
          fmt::format("can't store the source in {} (general.tmp_dir)", printable(tmp_dir)), errno);
      if (error.errno_value == ENOSPC)
        error.hint = "free some space there, or set general.tmp_dir to another directory";
      return fail(std::move(error));
    }
    written += static_cast<std::size_t>(count);
  }
  // Sealed, so that what was linted is what runs. Unnamed files can't be sealed and need not be:
  // nobody else has them.
  if (source.text.size() <= kMostInMemory) SP_TRY_VOID(seal(input.fd.get()));
  return input;
}

Result<std::string> read_beginning(const SourceInput& source, std::size_t most) {
  std::string text(static_cast<std::size_t>(std::min<std::uint64_t>(source.size, most)), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t count = ::pread(source.fd.get(), text.data() + filled, text.size() - filled,
                                  static_cast<off_t>(filled));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(source_error(source.display, errno));
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  text.resize(filled);
  return text;
}

Result<StoredModule> store_module(const SourceInput& source) {
  SP_TRY(const std::string bytes, read_beginning(source, static_cast<std::size_t>(source.size)));
  StoredModule module;
  module.digest = sha256_hex(bytes);
  SP_TRY(module.fd, sealed_memory_file("sandpit-module", bytes));
  return module;
}

}  // namespace sandpit
