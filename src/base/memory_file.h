// Memory files (memfd_create(2)), for handing bytes to another process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sandpit {

// An empty one that may be sealed, positioned at 0.
[[nodiscard]] Result<UniqueFd> memory_file(const char* name);
// One that holds `bytes` and can't be changed any more, positioned at 0.
[[nodiscard]] Result<UniqueFd> sealed_memory_file(const char* name, std::string_view bytes);
// Nobody can change it from now on: F_SEAL_WRITE, SHRINK, GROW, SEAL.
[[nodiscard]] Result<void> seal(int fd);
[[nodiscard]] bool is_sealed(int fd);
// Bytes; 0 when it can't be told.
[[nodiscard]] std::uint64_t size_of_file(int fd);

// A file's bytes mapped for reading. Only for files that can't shrink meanwhile (sealed ones, our
// own): else reading may end in SIGBUS.
class FileView {
 public:
  [[nodiscard]] static Result<FileView> map(int fd, std::size_t size);
  FileView(FileView&& other) noexcept;
  FileView& operator=(FileView&&) = delete;
  FileView(const FileView&) = delete;
  FileView& operator=(const FileView&) = delete;
  ~FileView();
  [[nodiscard]] std::string_view bytes() const {
    return {static_cast<const char*>(address_), size_};
  }

 private:
  FileView(void* address, std::size_t size) : address_(address), size_(size) {}
  void* address_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sandpit
