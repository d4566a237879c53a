#include "cli/values.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/network_entry.h"
#include "config/units.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "sandpit/units.h"

namespace sandpit::cli {
namespace {

Error bad_value(std::string message, std::string hint) {
  return Error{.code = ErrorCode::kUsage, .message = std::move(message), .hint = std::move(hint)};
}

// A plain number gets `unit`; the rest is the configuration's own syntax (config/units.h).
std::string with_unit(std::string_view text, std::string_view unit) {
  const bool plain =
      !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
  return plain ? fmt::format("{}{}", text, unit) : std::string(text);
}

// Splits at the first ':' that has no backslash before it and takes the escapes out of both parts.
std::pair<std::string, std::optional<std::string>> split_grant(std::string_view text) {
  std::array<std::string, 2> parts;
  std::size_t part = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == ':' || text[i + 1] == '\\');
    if (escaped) {
      parts.at(part) += text[++i];
    } else if (text[i] == ':' && part == 0) {
      part = 1;
    } else {
      parts.at(part) += text[i];
    }
  }
  if (part == 0) return {std::move(parts[0]), std::nullopt};
  return {std::move(parts[0]), std::move(parts[1])};
}

// Absolute and without dot components. ".." is resolved by the kernel's rules (through symbolic
// links), never by text.
std::string absolute_path(const std::string& path, const std::string& current_directory) {
  namespace fs = std::filesystem;
  const fs::path absolute = fs::path(current_directory) / path;
  bool has_parent = false;
  for (const fs::path& component : absolute) has_parent = has_parent || component == "..";
  std::string result;
  if (has_parent) {
    std::error_code error;
    const fs::path resolved = fs::weakly_canonical(absolute, error);
    result = error ? absolute.string() : resolved.string();
  } else {
    result = absolute.lexically_normal().string();
  }
  while (result.size() > 1 && result.back() == '/') result.pop_back();
  return result;
}

std::optional<NetworkMode> network_mode(std::string_view text) {
  if (text == "none") return NetworkMode::kNone;
  if (text == "loopback") return NetworkMode::kLoopback;
  if (text == "host") return NetworkMode::kHost;
  return std::nullopt;
}

Result<std::string> host_entry(std::string_view text) {
  // The configuration's word for a list; a host of that name is "allow:*".
  if (text == "allow") {
    return fail(bad_value("\"allow\" is no mode here: the list itself is", "--net HOST:PORT,…"));
  }
  return config::network_entry(text);
}

}  // namespace

Result<ByteCount> parse_size(std::string_view text) {
  constexpr const char* kHint =
      "a number of MiB, or one with a unit, such as 512KiB, 64MiB, 1.5GiB";
  const auto bytes = parse_bytes(with_unit(text, "MiB"));
  if (!bytes) return fail(bad_value(bytes.error().message, kHint));
  if (bytes->count() == 0)
    return fail(bad_value(fmt::format("\"{}\" is less than one byte", text), kHint));
  return *bytes;
}

Result<Milliseconds> parse_time(std::string_view text) {
  constexpr const char* kHint = "a number of seconds, or one with a unit, such as 250ms, 1.5s, 2m";
  const auto time = parse_duration(with_unit(text, "s"));
  if (!time) return fail(bad_value(time.error().message, kHint));
  if (time->count() == 0)
    return fail(bad_value(fmt::format("\"{}\" is less than a millisecond", text), kHint));
  // Ten years: the supervisor adds it to clocks that count nanoseconds.
  if (*time > std::chrono::hours(24 * 3652))
    return fail(bad_value(fmt::format("\"{}\" is too long", text), kHint));
  return *time;
}

Result<std::uint32_t> parse_count(std::string_view text, std::uint32_t min) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  constexpr std::uint32_t kMax = 1U << 22U;  // PID_MAX_LIMIT
  if (error != std::errc() || end != text.data() + text.size() || number < min || number > kMax) {
    return fail(bad_value(fmt::format("\"{}\" is not a usable number", text),
                          fmt::format("a whole number from {} to {}", min, kMax)));
  }
  return number;
}

Result<PathGrant> parse_grant(std::string_view text, Access access,
                              const std::string& current_directory) {
  auto [host, inside] = split_grant(text);
  const std::string hint = R"(PATH or PATH:INSIDE; write "\:" for a colon that belongs to a name)";
  if (host.empty())
    return fail(bad_value(fmt::format("\"{}\" names no path of the host", text), hint));
  if (inside && (inside->empty() || inside->front() != '/')) {
    return fail(bad_value(fmt::format("\"{}\": the path inside must be absolute", text), hint));
  }
  std::string absolute = absolute_path(host, current_directory);
  std::string target = inside ? absolute_path(*inside, "/") : absolute;
  return PathGrant{.host = std::move(absolute), .inside = std::move(target), .access = access};
}

Result<ExtraFile> parse_extra_file(std::string_view text) {
  auto [host, name] = split_grant(text);
  const std::string hint = R"(PATH or PATH:NAME; write "\:" for a colon that belongs to a name)";
  if (host.empty()) return fail(bad_value(fmt::format("\"{}\" names no file", text), hint));
  if (name && (name->empty() || name->front() == '/')) {
    return fail(bad_value(
        fmt::format("\"{}\": the name must be relative to the work directory", text), hint));
  }
  std::string own = name ? *name : host.substr(host.rfind('/') + 1);
  return ExtraFile{.name = std::move(own), .content = SourceFile{.path = std::move(host)}};
}

Result<std::pair<std::string, std::string>> parse_env(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return fail(bad_value(fmt::format("\"{}\" sets no variable", text), "NAME=VALUE"));
  }
  return std::pair{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

Result<NetworkChoice> parse_network(const std::vector<std::string>& texts) {
  NetworkChoice choice;
  std::vector<Error> problems;
  bool mixed = false;
  for (const std::string& text : texts) {
    if (const auto mode = network_mode(text)) {
      choice.mode = mode;
      continue;
    }
    for (const auto part : std::views::split(text, ',')) {
      const std::string_view word(part);
      mixed = mixed || network_mode(word);
      auto entry = host_entry(word);
      if (entry) {
        choice.hosts.push_back(*std::move(entry));
      } else {
        problems.push_back(std::move(entry).error());
      }
    }
  }
  if (mixed || (choice.mode && !choice.hosts.empty())) {
    problems.push_back(
        bad_value("a mode and a list of hosts contradict each other",
                  "none, loopback or host; or a list: pypi.org:443,10.0.0.0/8:5432"));
  }
  if (!problems.empty()) return fail(first_with_others(std::move(problems)));
  if (!choice.hosts.empty()) choice.mode = NetworkMode::kAllow;
  return choice;
}

Result<LintLevel> parse_lint(std::string_view text) {
  if (text == "off") return LintLevel::kOff;
  if (text == "warn") return LintLevel::kWarn;
  if (text == "deny") return LintLevel::kDeny;
  return fail(bad_value(fmt::format("\"{}\" is not a lint level", text), "off, warn or deny"));
}

}  // namespace sandpit::cli
