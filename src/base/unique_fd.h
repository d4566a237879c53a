// Owns one file descriptor. Anyone may use it; nothing else in the tree closes descriptors by hand
// (child.cc excepted, which runs after clone).
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace sandpit {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  // Another descriptor of the same open file; not valid, with errno, when there can't be one.
  [[nodiscard]] UniqueFd duplicate() const { return UniqueFd(::fcntl(fd_, F_DUPFD_CLOEXEC, 3)); }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset() {
    // close(2) is not retried on EINTR: on Linux the descriptor is already gone.
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace sandpit
