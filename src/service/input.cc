#include "service/input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string>
#include <variant>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "supervisor/supervisor.h"

namespace sandpit {
namespace {

Result<UniqueFd> memory_file(const std::string& bytes) {
  UniqueFd fd(::memfd_create("sandpit-stdin", MFD_CLOEXEC));
  if (!fd.valid()) return fail(errno_error("memfd_create", errno));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error("standard input", errno));
    done += static_cast<std::size_t>(n);
  }
  if (::lseek(fd.get(), 0, SEEK_SET) < 0) return fail(errno_error("lseek", errno));
  return fd;
}

Result<UniqueFd> host_file(const std::string& path) {
  // O_NONBLOCK so that opening a FIFO without a writer does not hang; the pump reads by readiness
  // anyway.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid())
    return fail(errno_error(fmt::format("--stdin {}", path), errno, ErrorCode::kUsage));
  struct stat status{};
  if (::fstat(fd.get(), &status) < 0) return fail(errno_error(path, errno, ErrorCode::kUsage));
  if (S_ISDIR(status.st_mode)) {
    return fail(
        {.code = ErrorCode::kUsage, .message = fmt::format("--stdin {}: is a directory", path)});
  }
  return fd;
}

}  // namespace

Result<RunInput> open_input(const Stdin& input) {
  RunInput result;
  if (const auto* bytes = std::get_if<StdinBytes>(&input)) {
    if (bytes->bytes.empty()) return result;
    SP_TRY(result.pumped, memory_file(bytes->bytes));
  } else if (const auto* file = std::get_if<StdinFile>(&input)) {
    SP_TRY(result.pumped, host_file(file->path));
  } else if (const auto* descriptor = std::get_if<StdinDescriptor>(&input)) {
    result.pumped = UniqueFd(::fcntl(descriptor->fd, F_DUPFD_CLOEXEC, 3));
    // A closed standard input reads as empty.
    if (!result.pumped.valid() && errno != EBADF) return fail(errno_error("standard input", errno));
  }
  return result;
}

}  // namespace sandpit
