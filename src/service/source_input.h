// The user's source as a descriptor that can be copied into a jail: opened without side effects,
// checked, named. For pipeline.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"

namespace sandpit {

struct SourceInput {
  UniqueFd fd;          // a regular file, positioned at 0
  std::string name;     // one path component; empty: the runtime's default
  std::string display;  // as the user named it, fit for a terminal
  std::uint64_t size = 0;
};

// Can this be the name of a file: one path component?
[[nodiscard]] bool is_component(std::string_view name);

// Error kRefused when a source of this size does not fit below the disk limit; `display` is its
// name in the message.
[[nodiscard]] Result<void> check_size(std::string_view display, std::uint64_t size,
                                      const Limits& limits);

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
