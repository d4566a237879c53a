#include "learn/profile_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "learn/need.h"
#include "sandpit/request.h"

namespace sandpit::learn {
namespace {

constexpr std::size_t kMostTold = 40;
// Nobody has this name (RFC 6761).
constexpr std::string_view kNobody = "nobody.invalid:1";
// With one port listed, the name resolves, and what tries another port is denied by its number.
constexpr std::string_view kFirstPort = ":1";

std::vector<const Need*> of_kinds(const std::vector<Need>& needs, State state,
                                  std::vector<NeedKind> kinds) {
  std::vector<const Need*> found;
  for (const Need& need : needs) {
    const bool wanted = std::ranges::find(kinds, need.kind) != kinds.end();
    if (wanted && need.state == state) found.push_back(&need);
  }
  return found;
}

std::string comment_of(const Need& need) {
  const std::string times = need.count > 1 ? fmt::format(", {}x", need.count) : "";
  return fmt::format("  # {}{}{}", printable(need.asked), times,
                     need.untried ? "; not found out whether it can do without" : "");
}

std::string grant_line(const Need& need) {
  const PathGrant& grant = need.grant;
  std::string line = fmt::format("{{ path = {}", toml_string(grant.host));
  if (grant.inside != grant.host) line += fmt::format(", inside = {}", toml_string(grant.inside));
  if (grant.access == Access::kReadWrite) line += ", access = \"rw\"";
  return line + " },";
}

std::string line_of(const Need& need) {
  switch (need.kind) {
    case NeedKind::kLimit:
      return fmt::format("{} = {}", need.name, need.value);
    case NeedKind::kRead:
    case NeedKind::kWrite:
      return grant_line(need);
    case NeedKind::kLoopback:
      return "network = { mode = \"loopback\" }";
    case NeedKind::kHost:
      return toml_string(need.any_port ? need.name : fmt::format("{}{}", need.name, kFirstPort)) +
             ",";
    case NeedKind::kSyscall:
      return toml_string(need.name) + ",";
    case NeedKind::kJit:
      return "profile = \"jit\"";
  }
  return {};
}

void add_lines(const std::vector<const Need*>& needs, std::string_view indent, std::string& text) {
  for (const Need* need : needs) {
    text += fmt::format("{}{}{}\n", indent, line_of(*need), comment_of(*need));
  }
}

void add_network(const ProfileText& profile, std::string& text) {
  const auto hosts = of_kinds(profile.needs, State::kGranted, {NeedKind::kHost});
  const auto loopback = of_kinds(profile.needs, State::kGranted, {NeedKind::kLoopback});
  if (!hosts.empty()) {
    // One list for all: a private loopback comes with it.
    text += "network = { mode = \"allow\", hosts = [\n";
    add_lines(hosts, "  ", text);
    text += "] }\n";
  } else if (profile.observe_network) {
    text += fmt::format("network = {{ mode = \"allow\", hosts = [{}] }}\n", toml_string(kNobody));
  } else {
    add_lines(loopback, "", text);
  }
}

void add_list(std::string_view key, const std::vector<const Need*>& needs, std::string& text) {
  if (needs.empty()) return;
  text += fmt::format("{} = [\n", key);
  add_lines(needs, "  ", text);
  text += "]\n";
}

// Comments hold what can be shown, and no line's end.
void add_told(std::string_view title, const std::vector<std::string>& lines, std::string& text) {
  if (lines.empty()) return;
  text += fmt::format("\n# {}\n", title);
  for (std::size_t i = 0; i < std::min(lines.size(), kMostTold); ++i) {
    text += fmt::format("#   {}\n", printable(lines[i]));
  }
  if (lines.size() > kMostTold) text += fmt::format("#   and {} more\n", lines.size() - kMostTold);
}

std::string told(const Need& need) {
  std::string line = line_of(need);
  if (need.state == State::kRefused) return fmt::format("{}  # {}: {}", line, need.asked, need.why);
  return fmt::format("{}  # {}", line, need.asked);
}

std::vector<std::string> told_of(const std::vector<Need>& needs, State state) {
  std::vector<std::string> lines;
  for (const Need& need : needs) {
    if (need.state == state) lines.push_back(told(need));
  }
  return lines;
}

}  // namespace

std::string toml_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\u{:04x}", byte);
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string to_toml(const ProfileText& profile) {
  std::string text;
  if (!profile.verdict.empty()) {
    text += fmt::format(
        "# Learned by `sandpit learn` from {}.\n# {}\n"
        "# Each line below gives the program something: take away what it should not have, then "
        "run\n"
        "#   sandpit run --config THIS-FILE --profile {} PROGRAM\n",
        printable(profile.program), printable(profile.verdict), profile.name);
  }
  text +=
      fmt::format("[profiles.{}]\ninherits = {}\n", profile.name, toml_string(profile.inherits));
  const auto limits = of_kinds(profile.needs, State::kGranted, {NeedKind::kLimit});
  if (!limits.empty()) {
    text += fmt::format("\n[profiles.{}.resource_limits]\n", profile.name);
    add_lines(limits, "", text);
  }
  std::string security;
  add_list("allowed_paths",
           of_kinds(profile.needs, State::kGranted, {NeedKind::kRead, NeedKind::kWrite}), security);
  add_network(profile, security);
  add_lines(of_kinds(profile.needs, State::kGranted, {NeedKind::kJit}), "", security);
  add_list("allow_syscalls", of_kinds(profile.needs, State::kGranted, {NeedKind::kSyscall}),
           security);
  if (!security.empty()) {
    text += fmt::format("\n[profiles.{}.security]\n{}", profile.name, security);
  }
  if (profile.verdict.empty()) return text;
  add_told("NOT GRANTED, though the program asked for it:", told_of(profile.needs, State::kRefused),
           text);
  add_told("Denied, and no setting allows it:", profile.hopeless, text);
  add_told("Asked for, and the program does the same without:",
           told_of(profile.needs, State::kUnneeded), text);
  return text;
}

}  // namespace sandpit::learn
