// Reading, writing and removing in cgroup file systems, relative to directory descriptors. Only
// sys/cgroup*.cc use it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sandpit::sys {

// O_CLOEXEC is added.
[[nodiscard]] Result<UniqueFd> open_at(int dir, const char* name, int flags);

// One write(2): cgroup files take a value whole or not at all.
[[nodiscard]] Result<void> write_at(int dir, const char* name, std::string_view value);
[[nodiscard]] Result<void> write_number_at(int dir, const char* name, std::uint64_t value);

// Up to 64 KiB.
[[nodiscard]] Result<std::string> read_at(int dir, const char* name);
[[nodiscard]] Result<std::string> read_path(const char* path);

// The number that a file holds ("max" counts as none), from offset 0, without allocating.
[[nodiscard]] std::optional<std::uint64_t> read_number(int fd);
[[nodiscard]] std::optional<std::uint64_t> read_number_at(int dir, const char* name);

// The number behind `key` in a file of "key number" lines.
[[nodiscard]] std::optional<std::uint64_t> read_keyed(int fd, std::string_view key);
[[nodiscard]] std::optional<std::uint64_t> read_keyed_at(int dir, const char* name,
                                                         std::string_view key);
[[nodiscard]] std::optional<std::uint64_t> keyed_number(std::string_view text,
                                                        std::string_view key);

// Is `word` one of the words of a list separated by white space?
[[nodiscard]] bool has_word(std::string_view list, std::string_view word);

// SIGKILLs what cgroup.procs lists, once. Answers how many it listed. Safe against reuse of pids.
[[nodiscard]] unsigned kill_listed(int dir);

// The same until it is empty or `budget` is used up.
void kill_until_empty(int dir, std::chrono::milliseconds budget);

// rmdir; while the group is busy `kill(dir)` and a sleep that grows, about 200 ms in all. No error
// when it does not exist.
[[nodiscard]] Result<void> remove_group(int parent, const char* name,
                                        const std::function<void(int dir)>& kill);

}  // namespace sandpit::sys
