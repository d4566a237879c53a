#include "lint/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "lint/job.h"
#include "lint/rules.h"
#include "policy/inside_path.h"
#include "policy/policy.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"

namespace sandpit::lint {
namespace {

constexpr std::size_t kMostShown = 60;     // of a captured text in a message
constexpr std::size_t kMostExcerpt = 160;  // of a line

// Writable in every run, besides its working directory.
constexpr std::array<std::string_view, 2> kWritableTrees{"/tmp", "/dev/shm"};
constexpr std::array<std::string_view, 6> kWritableFiles{
    "/dev/null", "/dev/zero", "/dev/full", "/dev/stdin", "/dev/stdout", "/dev/stderr"};
// Set for every run (engine/jail).
constexpr std::array<std::string_view, 6> kVariables{"PATH", "HOME", "LANG", "TMPDIR", "TZ", "PWD"};

template <class Range>
bool contains(const Range& range, std::string_view item) {
  return std::ranges::find(range, item) != range.end();
}

// The path as the program would write it, when that can be told from the text of the source.
std::optional<std::string> literal_path(std::string_view literal) {
  // An escape, an interpolation, a pattern: what the path will be is not known.
  if (literal.find_first_of("\\$%{}*?~`\"'") != std::string_view::npos) return std::nullopt;
  return normalised_inside(literal);
}

bool may_write(const Policy& policy, std::string_view literal) {
  const std::optional<std::string> path = literal_path(literal);
  if (!path) return true;
  const auto within = [&](std::string_view tree) { return is_within(*path, tree); };
  if (within(policy.working_dir) || std::ranges::any_of(kWritableTrees, within)) return true;
  if (contains(kWritableFiles, *path) || path->starts_with("/dev/fd/") ||
      path->starts_with("/proc/")) {
    return true;
  }
  return std::ranges::any_of(policy.paths, [&](const PathGrant& grant) {
    return grant.access == Access::kReadWrite && within(grant.inside);
  });
}

bool is_allowed(const Rule& rule, std::string_view literal, const Policy& policy) {
  switch (rule.capability) {
    case Capability::kNetwork:
      return policy.network != NetworkMode::kNone;
    case Capability::kSubprocess:
      return policy.limits.processes >= 2;
    case Capability::kFilesystemWrite:
      return may_write(policy, literal);
    case Capability::kEnvironment:
      return contains(kVariables, literal) || policy.env.contains(std::string(literal));
    case Capability::kNativeCode:
    case Capability::kDynamicCode:
      return false;
  }
  return true;
}

// What the run lacks, and the option that gives it.
std::string_view ending_of(Capability capability) {
  switch (capability) {
    case Capability::kNetwork:
      return ", which this run does not have (--net host)";
    case Capability::kSubprocess:
      return ", and this run may have no second process (--processes)";
    case Capability::kFilesystemWrite:
      return ", where this run may not write (--write)";
    case Capability::kEnvironment:
      return ", which this run does not have (--env)";
    case Capability::kNativeCode:
    case Capability::kDynamicCode:
      break;
  }
  return "";
}

// On one line, and not too long of it.
std::string shown(std::string_view text) {
  std::string result;
  for (const char byte : text.substr(0, kMostShown)) {
    const bool space = byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
    if (!space) {
      result += byte;
    } else if (!result.empty() && result.back() != ' ') {
      result += ' ';
    }
  }
  // Don't show half a character where the text was cut.
  std::size_t start = result.size();
  while (start > 0 && (static_cast<unsigned char>(result[start - 1]) & 0xC0U) == 0x80U) --start;
  if (start > 0 && static_cast<unsigned char>(result[start - 1]) >= 0xC0U) --start;
  if (text.size() > kMostShown && utf8_sequence_length(std::string_view(result).substr(start)) == 0)
    result.resize(start);
  return printable(result) + (text.size() > kMostShown ? "…" : "");
}

std::string filled(std::string_view message, std::string_view what, std::string_view literal) {
  std::string result;
  while (!message.empty()) {
    if (message.starts_with("{what}")) {
      result += shown(what);
      message.remove_prefix(6);
    } else if (message.starts_with("{literal}")) {
      result += shown(literal);
      message.remove_prefix(9);
    } else {
      result += message.front();
      message.remove_prefix(1);
    }
  }
  return result;
}

struct Place {
  unsigned line = 1;
  unsigned column = 1;
  std::size_t line_start = 0;
};

Place place_of(std::string_view source, std::size_t offset) {
  const std::string_view before = source.substr(0, offset);
  const std::size_t newline = before.rfind('\n');
  const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
  return {.line = static_cast<unsigned>(std::ranges::count(before, '\n') + 1),
          .column = static_cast<unsigned>(offset - start + 1),
          .line_start = start};
}

// The line of the finding; of a long one what is around it.
void add_excerpt(LintFinding& finding, std::string_view source, std::size_t line_start,
                 std::size_t offset) {
  std::string_view line = source.substr(line_start);
  line = line.substr(0, line.find_first_of("\r\n"));
  const std::size_t before = offset - line_start;
  const std::size_t cut =
      before > kMostExcerpt / 2 && line.size() > kMostExcerpt ? before - kMostExcerpt / 4 : 0;
  finding.excerpt = line.substr(std::min(cut, line.size()), kMostExcerpt);
  finding.excerpt_column = static_cast<unsigned>(cut + 1);
}

}  // namespace

bool may_matter(const Rule& rule, const Policy& policy, Audience audience) {
  if (audience == Audience::kRun && rule.severity == Severity::kInfo) return false;
  switch (rule.capability) {
    case Capability::kNetwork:
    case Capability::kSubprocess:
      return !is_allowed(rule, {}, policy);
    case Capability::kFilesystemWrite:
    case Capability::kNativeCode:
    case Capability::kDynamicCode:
    case Capability::kEnvironment:
      return true;
  }
  return true;
}

bool may_match(const Rule& rule, std::string_view source) {
  return std::ranges::any_of(rule.names, [&](const std::string& name) {
    return source.find(name) != std::string_view::npos;
  });
}

bool is_plausible(const RawFinding& raw, std::size_t rules, std::size_t source) {
  const auto is_range = [&](std::uint32_t start, std::uint32_t end) {
    return start <= end && end <= source;
  };
  return raw.rule < rules && is_range(raw.start, raw.end) &&
         is_range(raw.what_start, raw.what_end) && is_range(raw.literal_start, raw.literal_end);
}

std::optional<LintFinding> judge(const Rule& rule, const RawFinding& raw, std::string_view source,
                                 const Policy& policy) {
  const std::string_view literal =
      source.substr(raw.literal_start, raw.literal_end - raw.literal_start);
  if (is_allowed(rule, literal, policy)) return std::nullopt;
  std::string_view what = source.substr(raw.what_start, raw.what_end - raw.what_start);
  // A call that was captured as a whole is named by what stands before its arguments.
  if (raw.what_start == raw.start && raw.what_end == raw.end) what = what.substr(0, what.find('('));
  const Place begin = place_of(source, raw.start);
  const Place end = place_of(source, raw.end);
  LintFinding finding{.rule = rule.id,
                      .severity = rule.severity,
                      .message = filled(rule.message, what, literal),
                      .line = begin.line,
                      .column = begin.column,
                      .end_line = end.line,
                      .end_column = end.column};
  finding.message += ending_of(rule.capability);
  add_excerpt(finding, source, begin.line_start, raw.start);
  return finding;
}

}  // namespace sandpit::lint
