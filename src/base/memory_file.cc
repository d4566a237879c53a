#include "base/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sandpit {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

}  // namespace

Result<UniqueFd> memory_file(const char* name) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return fail(errno_error("memfd_create", errno));
  return fd;
}

Result<UniqueFd> sealed_memory_file(const char* name, std::string_view bytes) {
  SP_TRY(UniqueFd fd, memory_file(name));
  for (std::size_t written = 0; written < bytes.size();) {
    const ssize_t n = ::pwrite(fd.get(), bytes.data() + written, bytes.size() - written,
                               static_cast<off_t>(written));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(errno_error("write to a memory file", errno));
    written += static_cast<std::size_t>(n);
  }
  SP_TRY_VOID(seal(fd.get()));
  return fd;
}

Result<void> seal(int fd) {
  if (::fcntl(fd, F_ADD_SEALS, kSeals) != 0) return fail(errno_error("seal a memory file", errno));
  return {};
}

bool is_sealed(int fd) {
  const int seals = ::fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & kSeals) == kSeals;
}

std::uint64_t size_of_file(int fd) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

Result<FileView> FileView::map(int fd, std::size_t size) {
  if (size == 0) return FileView(nullptr, 0);
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) return fail(errno_error("mmap", errno));
  return FileView(address, size);
}

FileView::FileView(FileView&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)), size_(std::exchange(other.size_, 0)) {}

FileView::~FileView() {
  if (address_ != nullptr) (void)::munmap(address_, size_);
}

}  // namespace sandpit
