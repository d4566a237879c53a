#include "cli/descriptors.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "base/write_all.h"
#include "sandpit/error.h"

namespace sandpit::cli {
namespace {

Result<void> write_to(int descriptor, const std::string& path, std::string_view content) {
  if (const int error = write_all(descriptor, content); error != 0) {
    return fail(errno_error(fmt::format("cannot write {}", path), error));
  }
  return {};
}

}  // namespace

Result<void> fill_standard_descriptors() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this one: those below it are open by now.
    const int opened = ::open("/dev/null", O_RDONLY);
    if (opened != descriptor)
      return fail(errno_error("cannot open /dev/null", opened < 0 ? errno : EBADF));
  }
  return {};
}

Result<std::string> read_all(int descriptor, std::size_t limit) {
  std::string content;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got == 0) return content;
    if (got > 0) {
      content.append(buffer.data(), static_cast<std::size_t>(got));
      if (content.size() > limit) {
        return fail(
            Error{.code = ErrorCode::kUsage,
                  .message = fmt::format("standard input holds more than {} bytes", limit)});
      }
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN)
      return fail(errno_error("cannot read standard input", errno, ErrorCode::kUsage));
    struct pollfd waiting{.fd = descriptor, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, -1) < 0 && errno != EINTR) return fail(errno_error("poll", errno));
  }
}

// Not by opening it: the writer of a FIFO would take that for its reader.
Result<void> check_readable(std::string_view option, const std::string& path) {
  const std::string what = fmt::format("{} {}", option, printable(path));
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 ||
      ::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0) {
    return fail(errno_error(what, errno, ErrorCode::kUsage));
  }
  if (S_ISDIR(status.st_mode)) return fail(errno_error(what, EISDIR, ErrorCode::kUsage));
  return {};
}

Result<void> create_file(const std::string& path, std::string_view content) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file.valid()) {
    Error error = errno_error(fmt::format("cannot make {}", path), errno, ErrorCode::kUsage);
    if (error.errno_value == EEXIST) error.hint = "it is left as it is; name another path";
    return fail(std::move(error));
  }
  return write_to(file.get(), path, content);
}

Result<UniqueFd> interrupt_descriptor() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction current{};
    if (::sigaction(signal, nullptr, &current) == 0 && current.sa_handler == SIG_IGN) continue;
    ::sigaddset(&signals, signal);
  }
  if (::sigprocmask(SIG_BLOCK, &signals, nullptr) != 0)
    return fail(errno_error("sigprocmask", errno));
  UniqueFd descriptor(::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!descriptor.valid()) return fail(errno_error("signalfd", errno));
  return descriptor;
}

int read_interrupt(int descriptor) {
  signalfd_siginfo info{};
  const ssize_t got = ::read(descriptor, &info, sizeof info);
  return got == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace sandpit::cli
