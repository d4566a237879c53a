#include "sys/process_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "base/unique_fd.h"

namespace sandpit::sys {
namespace {

constexpr std::size_t kPage = 4096;

// pidfd_open(2) takes the thread's process, not the thread (before PIDFD_THREAD, Linux 6.9).
pid_t process_of(pid_t thread) {
  const UniqueFd status(
      ::open(fmt::format("/proc/{}/status", thread).c_str(), O_RDONLY | O_CLOEXEC));
  char text[512] = {};
  if (!status.valid() || ::read(status.get(), text, sizeof text - 1) < 0) return -1;
  const char* line = std::strstr(text, "\nTgid:");
  return line == nullptr ? -1 : std::atoi(line + 6);
}

}  // namespace

std::string read_memory(pid_t thread, std::uint64_t address, std::size_t most) {
  std::string bytes(std::min(most, kPage), '\0');
  iovec here{.iov_base = bytes.data(), .iov_len = bytes.size()};
  // Two pieces, cut at the page: what is transferred are whole pieces (process_vm_readv(2)), and
  // the second page may not be there.
  const std::size_t first =
      std::min(bytes.size(), kPage - static_cast<std::size_t>(address % kPage));
  // NOLINTBEGIN(*-reinterpret-cast,performance-no-int-to-ptr): addresses of the other process
  const iovec there[2] = {
      {.iov_base = reinterpret_cast<void*>(address), .iov_len = first},
      {.iov_base = reinterpret_cast<void*>(address + first), .iov_len = bytes.size() - first}};
  // NOLINTEND(*-reinterpret-cast,performance-no-int-to-ptr)
  const unsigned long pieces = there[1].iov_len > 0 ? 2 : 1;
  const ssize_t n = ::process_vm_readv(thread, &here, 1, there, pieces, 0);
  bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return bytes;
}

std::optional<int> socket_type(pid_t thread, int descriptor) {
  const auto open_process = [](pid_t pid) {
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  };
  UniqueFd process = open_process(thread);
  if (!process.valid()) process = open_process(process_of(thread));
  if (!process.valid()) return std::nullopt;
  const UniqueFd copy(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), descriptor, 0)));
  int type = 0;
  socklen_t size = sizeof type;
  if (!copy.valid() || ::getsockopt(copy.get(), SOL_SOCKET, SO_TYPE, &type, &size) < 0) {
    return std::nullopt;
  }
  return type;
}

}  // namespace sandpit::sys
