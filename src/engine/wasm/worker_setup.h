// What the worker does to itself before it looks at a byte of the module.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace sandpit::wasm {

// The second filter: no new program, no further filter, no ptrace. The jail's own filter has to
// allow execve, since the jail starts the worker with it. Before the first thread is made.
[[nodiscard]] Result<void> deny_new_programs();

// A write beyond a limit or into a closed pipe is an errno for the guest, not the worker's end.
void ignore_write_signals();

// RLIMIT_FSIZE, for good. 0: as it is.
void limit_file_size(std::uint64_t bytes);

// RLIMIT_FSIZE while a guest runs; the worker itself writes memory files between the runs.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uint64_t bytes);
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit();

 private:
  bool set_ = false;
  std::uint64_t before_ = 0;
};

}  // namespace sandpit::wasm
