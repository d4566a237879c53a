// The values of options: text to types. Pure; every error says what is accepted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sandpit/request.h"
#include "sandpit/units.h"

namespace sandpit::cli {

// "64" (MiB), "1.5GiB", "512 KiB", "4096B": see config/units.h. At least one byte.
[[nodiscard]] Result<ByteCount> parse_size(std::string_view text);

// "2" (seconds), "1.5", "250ms", "1m", "1h". At least one millisecond.
[[nodiscard]] Result<Milliseconds> parse_time(std::string_view text);

// A whole number from `min` up.
[[nodiscard]] Result<std::uint32_t> parse_count(std::string_view text, std::uint32_t min);

// "PATH" or "PATH:NAME"; NAME is relative to the work directory, by default PATH's last component.
// "\:" as below.
[[nodiscard]] Result<ExtraFile> parse_extra_file(std::string_view text);

// "PATH" or "PATH:INSIDE"; "\:" and "\\" stand for ':' and '\' themselves. INSIDE must be absolute.
// A relative PATH is taken from `current_directory`; without INSIDE it appears under its absolute
// name.
[[nodiscard]] Result<PathGrant> parse_grant(std::string_view text, Access access,
                                            const std::string& current_directory);

// "NAME=VALUE"; the value may be empty, the name not.
[[nodiscard]] Result<std::pair<std::string, std::string>> parse_env(std::string_view text);

// What --net says, once or several times.
struct NetworkChoice {
  std::optional<NetworkMode> mode;
  std::vector<std::string> hosts;  // with kAllow
};

// Modes (the last one wins), or lists of entries with commas between them (they add up).
[[nodiscard]] Result<NetworkChoice> parse_network(const std::vector<std::string>& texts);
[[nodiscard]] Result<LintLevel> parse_lint(std::string_view text);

}  // namespace sandpit::cli
