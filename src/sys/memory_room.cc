#include "sys/memory_room.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include "base/result.h"
#include "sandpit/error.h"
#include "sandpit/units.h"
#include "sys/host_facts.h"

namespace sandpit::sys {
namespace {

constexpr ByteCount kAll = ByteCount::bytes(std::numeric_limits<std::uint64_t>::max());

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// "max" and what else is no number: nothing.
std::optional<std::uint64_t> number_at(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(begin);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number;
}

// The number behind `name` at the beginning of a line.
std::optional<std::uint64_t> number_of(std::string_view text, std::string_view name) {
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view line = text.substr(at, std::min(text.find('\n', at), text.size()) - at);
    if (line.starts_with(name)) return number_at(line.substr(name.size()));
    at += line.size() + 1;
  }
  return std::nullopt;
}

std::uint64_t number_in(const std::string& path, std::uint64_t otherwise) {
  const auto text = read_text(path);
  return text ? number_at(*text).value_or(otherwise) : otherwise;
}

}  // namespace

Result<ByteCount> available_memory(const std::string& meminfo) {
  const auto kib = number_of(meminfo, "MemAvailable:");
  if (kib) return ByteCount::kib(*kib);
  return fail({.code = ErrorCode::kSystem,
               .message = "/proc/meminfo does not say how much memory is available"});
}

ByteCount group_room(const std::string& directory, CgroupVersion version) {
  const bool v2 = version == CgroupVersion::kV2;
  const std::uint64_t limit =
      number_in(directory + (v2 ? "/memory.max" : "/memory.limit_in_bytes"), kAll.count());
  // v1 has no word for "no limit": it shows the largest number of pages, about 2^63.
  if (limit >= std::uint64_t{1} << 62U) return kAll;
  const std::uint64_t used =
      number_in(directory + (v2 ? "/memory.current" : "/memory.usage_in_bytes"), 0);
  const std::string stat = read_text(directory + "/memory.stat").value_or("");
  const std::uint64_t cache =
      number_of(stat, v2 ? "inactive_file " : "total_inactive_file ").value_or(0);
  const std::uint64_t held = used - std::min(used, cache);
  return ByteCount::bytes(limit - std::min(limit, held));
}

Result<ByteCount> memory_room(const ControllerFacts& memory) {
  const auto meminfo = read_text("/proc/meminfo");
  if (!meminfo) {
    return fail({.code = ErrorCode::kSystem, .message = "/proc/meminfo can't be read"});
  }
  SP_TRY(ByteCount room, available_memory(*meminfo));
  // Above the mount point there are no such files, so that going on to "/" adds nothing.
  std::string directory = memory.directory;
  while (memory.version != CgroupVersion::kNone && directory.size() > 1) {
    room = std::min(room, group_room(directory, memory.version));
    directory.resize(directory.rfind('/') == std::string::npos ? 0 : directory.rfind('/'));
  }
  return room;
}

}  // namespace sandpit::sys
