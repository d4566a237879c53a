#include "attest/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "codec/attack_json.h"
#include "sandpit/outcome.h"

namespace sandpit::attest {
namespace {

constexpr std::size_t kLongestHow = 100;
constexpr std::size_t kMostDenialsTold = 3;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string shortened(std::string_view line) {
  std::string text(line.substr(0, kLongestHow));
  if (line.size() > kLongestHow) text += " ...";
  return text;
}

// What follows the word ESCAPED, else what the program says first that succeeded.
std::string how_escaped(std::string_view verdict, const std::vector<std::string_view>& lines) {
  const std::size_t rest = verdict.find_first_not_of(": ", std::string_view("ESCAPED").size());
  if (rest != std::string_view::npos) return shortened(verdict.substr(rest));
  const auto said = std::ranges::find_if(
      lines, [](std::string_view line) { return line.ends_with(": succeeded"); });
  return shortened(said != lines.end() ? *said : lines.front());
}

// What turned it away: the calls that were denied, the limits that were reached, else what the
// program itself says first.
std::string how_contained(const Outcome& outcome, const std::vector<std::string_view>& lines) {
  std::string how;
  const auto add = [&](const std::string& what) { how += (how.empty() ? "" : ", ") + what; };
  std::size_t told = 0;
  for (const Denial& denial : outcome.denials) {
    if (told++ == kMostDenialsTold) break;
    add(fmt::format("{}: {}", denial.what, denial.error));
  }
  if (outcome.denials.size() > kMostDenialsTold)
    add(fmt::format("{} more", outcome.denials.size() - kMostDenialsTold));
  for (const LimitReached& limit : outcome.limits_reached)
    add(fmt::format("limit of {}", limit.limit));
  if (how.empty() && lines.size() > 1) how = lines.front();
  return shortened(how);
}

}  // namespace

Judgement judge(const Attack& attack, const Outcome& outcome, const std::string& harm) {
  const std::vector<std::string_view> lines = lines_of(outcome.stdout_text);
  const auto escape = std::ranges::find_if(
      lines, [](std::string_view line) { return line.starts_with("ESCAPED"); });
  if (escape != lines.end() || !harm.empty()) {
    const std::string how = !harm.empty() ? harm : how_escaped(*escape, lines);
    if (!attack.known.empty()) return {.result = "known_risk", .how = attack.known};
    return {.result = "escaped", .how = how};
  }
  if (outcome.status == Status::kRefused)
    return {.result = "skipped", .how = shortened(outcome.message)};
  const std::string status = to_string(outcome.status);
  const bool may_end_so = std::ranges::find(attack.ends, status) != attack.ends.end();
  const bool says_so = !lines.empty() && lines.back() == "CONTAINED";
  if (outcome.status == Status::kExited && says_so)
    return {.result = "contained", .how = how_contained(outcome, lines)};
  const bool cut = outcome.stdout_truncated || outcome.stderr_truncated;
  if (may_end_so && (!attack.truncated || cut)) {
    return {.result = "contained",
            .how = outcome.message.empty() ? status : shortened(outcome.message)};
  }
  // The profile strict grants a module no standard output, so that it can't tell.
  if (outcome.status == Status::kExited && outcome.wasm && outcome.stdout_bytes == 0)
    return {.result = "skipped", .how = "this profile lets a module say nothing"};
  std::string how = status;
  if (!outcome.message.empty()) how += ": " + outcome.message;
  if (!lines.empty()) how += fmt::format("; it says {}", lines.back());
  return {.result = "unclear", .how = shortened(how)};
}

}  // namespace sandpit::attest
