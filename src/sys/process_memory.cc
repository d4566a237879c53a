#include "sys/process_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace sandpit::sys {
namespace {

constexpr std::size_t kPage = 4096;

// Of a link in /proc/PID/fd; asks no file system.
bool is_socket(const std::string& link) {
  constexpr std::string_view kSocket = "socket:[";
  std::array<char, kSocket.size()> target{};
  const ssize_t n = ::readlink(link.c_str(), target.data(), target.size());
  return n == static_cast<ssize_t>(target.size()) &&
         std::string_view(target.data(), target.size()) == kSocket;
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

std::string socket_protocol(pid_t thread, int descriptor) {
  const std::string theirs = fmt::format("/proc/{}/fd/{}", thread, descriptor);
  if (!is_socket(theirs)) return {};
  // O_PATH opens nothing: it only holds the place. Looked at once more, since a file may have taken
  // it: of that the attribute would be asked of its file system, which may take its time.
  const UniqueFd place(::open(theirs.c_str(), O_PATH | O_CLOEXEC));
  const std::string ours = fmt::format("/proc/self/fd/{}", place.get());
  if (!place.valid() || !is_socket(ours)) return {};
  std::array<char, 32> name{};
  const ssize_t size =
      ::getxattr(ours.c_str(), "system.sockprotoname", name.data(), name.size() - 1);
  return size > 0 ? std::string(name.data()) : std::string();
}

}  // namespace sandpit::sys
