// Descriptors of the command line: the standard three, passing bytes through, files written at
// once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sandpit::cli {

// Opens /dev/null for each of descriptors 0 to 2 that is closed, so that none of them is taken by a
// file that we open later. Read-only for all three: a write to a closed stdout then still fails
// (EBADF), as the caller's plain program would see it, and goes unnoticed when there is nothing to
// write.
[[nodiscard]] Result<void> fill_standard_descriptors();

// Until end of file. kUsage when there is more than `limit` bytes.
[[nodiscard]] Result<std::string> read_all(int descriptor, std::size_t limit);

// Can `path` be read as standard input? A name that is wrong is a mistake of usage, not of the run.
[[nodiscard]] Result<void> check_readable(std::string_view option, const std::string& path);

// Makes a new file; kUsage when the name is taken already.
[[nodiscard]] Result<void> create_file(const std::string& path, std::string_view content);

// SIGINT, SIGTERM and SIGHUP, blocked in this process and readable here. Non-blocking,
// close-on-exec. A signal that was ignored when we started (nohup) stays ignored.
[[nodiscard]] Result<UniqueFd> interrupt_descriptor();
// The signal that arrived there; 0 when none did.
[[nodiscard]] int read_interrupt(int descriptor);

}  // namespace sandpit::cli
