// The file accesses of one traced run that failed. The filter lets all of them go on, so that
// nothing depends on what is found out here; the program's own words are hostile, and may change
// while they are read.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "supervisor/denial_text.h"
#include "sys/file_calls.h"
#include "sys/file_view.h"

namespace sandpit {

class FileTracer {
 public:
  static constexpr std::size_t kMostRows = 256;
  static constexpr std::size_t kMostBytes = std::size_t{32} << 10U;  // of their paths together

  explicit FileTracer(const Plan& plan) : plan_(plan) {}

  // `thread` made this call, and waits. Looks at its files as it sees them.
  void hear(const DeniedCall& call, pid_t thread, CallMemory& memory);
  [[nodiscard]] const FileTrace& found() const { return trace_; }

 private:
  void hear_one(const sys::FileCall& row, const DeniedCall& call, pid_t thread, CallMemory& memory);
  void count(std::string path, std::string_view access, int error);

  const Plan& plan_;
  std::optional<sys::FileView> view_;  // all processes of a run have one root, and the same ids
  FileTrace trace_;
  std::size_t bytes_ = 0;
};

// A path without "//", "/./" and "..", as text. Absolute, or empty.
[[nodiscard]] std::string normal_path(std::string_view path);

}  // namespace sandpit
