// The user's source as a descriptor that can be copied into a jail: opened without side effects,
// checked, named. For pipeline.cc.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/request.h"

namespace sandpit {

struct SourceInput {
  UniqueFd fd;          // a regular file, positioned at 0
  std::string name;     // one path component; empty: the runtime's default
  std::string display;  // as the user named it, fit for a terminal
  std::uint64_t size = 0;
};

// Error kUsage that says what it is (missing, a directory, a FIFO …). Never blocks, never opens
// what is no regular file.
[[nodiscard]] Result<SourceInput> open_source_file(const SourceFile& source);

// The text in a sealed memfd, or in an unnamed file in `tmp_dir` when it is large.
[[nodiscard]] Result<SourceInput> store_source_text(const SourceText& source,
                                                    const std::string& tmp_dir);

// A copy in a sealed memory file, and its SHA-256 in hexadecimal.
struct StoredModule {
  UniqueFd fd;
  std::string digest;
};
[[nodiscard]] Result<StoredModule> store_module(const SourceInput& source);

// At most `most` bytes from the beginning; the position stays at 0.
[[nodiscard]] Result<std::string> read_beginning(const SourceInput& source, std::size_t most);

}  // namespace sandpit
