// A file that a command writes when its runs are over: --json-file, -o. It is looked up before they
// begin: what is wrong with its name is said then, and what a program does meanwhile to a directory
// that it was granted for writing (laying a link there, moving it away) leads nowhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sandpit::cli {

class OutputFile {
 public:
  enum class Existing : std::uint8_t {
    kReplace,
    kRefuse,  // by write(), where there is one
  };

  // kUsage where nothing can be written there. A path that is itself a symbolic link is refused, as
  // a program may have laid it; those of the kernel (/dev/stdout, /dev/fd, /proc) are not.
  [[nodiscard]] static Result<OutputFile> open(const std::string& path,
                                               Existing existing = Existing::kReplace);

  // A regular file is replaced at once: another process sees the old content or the new, never a
  // part. Anything else (a device, a FIFO) is written to as it is.
  [[nodiscard]] Result<void> write(std::string_view content) const;

 private:
  enum class Target : std::uint8_t { kReplaceable, kNew, kInPlace, kOfKernel };

  OutputFile() = default;
  [[nodiscard]] Result<void> replace(std::string_view content) const;
  [[nodiscard]] Result<void> write_to(int descriptor, std::string_view content) const;

  UniqueFd directory_;
  std::string path_;  // as it was named
  std::string name_;  // in directory_
  Target target_ = Target::kReplaceable;
};

}  // namespace sandpit::cli
