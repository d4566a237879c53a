#include "egress/protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/result.h"
#include "egress/listener_kind.h"
#include "egress/rules.h"

namespace sandpit::egress {
namespace {

constexpr std::array<std::string_view, 2> kKindNames{"connect", "resolve"};
constexpr std::array<std::string_view, 4> kReasonNames{"not-listed", "private-address",
                                                       "unresolved", "unreachable"};

template <class Enum, std::size_t Size>
std::optional<Enum> find_name(const std::array<std::string_view, Size>& names,
                              std::string_view name) {
  const auto* const found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

template <class Enum, std::size_t Size>
std::string_view name_of(const std::array<std::string_view, Size>& names, Enum value) {
  return names.at(static_cast<std::size_t>(value));
}

// The next word, up to a space; it and the space are taken off `rest`.
std::string_view take_word(std::string_view& rest) {
  const std::size_t space = rest.find(' ');
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  return word;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_printable(char c) { return c > ' ' && c <= '~'; }

std::unexpected<Error> bad_line(std::string_view line) {
  std::string shown(line.substr(0, kLongestReportHost));
  std::ranges::replace_if(shown, [](char c) { return c != ' ' && !is_printable(c); }, '?');
  return fail(Error{.code = ErrorCode::kUsage, .message = fmt::format("bad line '{}'", shown)});
}

// Notes in `seen` which descriptors have been spoken of.
Result<Listener> parse_listener(std::string_view line, std::vector<bool>& seen) {
  std::string_view rest = line;
  const auto kind = find_name<ListenerKind>(kListenerNames, take_word(rest));
  const auto descriptor = number<std::size_t>(take_word(rest));
  if (!kind || !descriptor || *descriptor == 0 || *descriptor >= seen.size() || seen[*descriptor]) {
    return bad_line(line);
  }
  seen[*descriptor] = true;
  const bool forward = *kind == ListenerKind::kForward;
  if (forward != !rest.empty()) return bad_line(line);
  if (forward) {
    const auto authority = parse_authority(rest, 0);
    if (!authority || !parse_host(authority->host)) return bad_line(line);
  }
  return Listener{.kind = *kind, .descriptor = *descriptor, .destination = std::string(rest)};
}

}  // namespace

std::string start_text(const Start& start) {
  std::string text;
  for (const std::string& entry : start.allow) text += fmt::format("allow {}\n", entry);
  for (const Listener& listener : start.listeners) {
    text += fmt::format("{} {}", to_string(listener.kind), listener.descriptor);
    if (!listener.destination.empty()) text += " " + listener.destination;
    text += '\n';
  }
  return text;
}

Result<Start> parse_start(std::string_view text, std::size_t descriptors) {
  Start start;
  AllowList rules;
  std::vector<bool> seen(std::max<std::size_t>(descriptors, 1));
  seen[0] = true;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (end == std::string_view::npos) return bad_line(line);
    text.remove_prefix(end + 1);
    if (line.starts_with("allow ")) {
      const std::string_view entry = line.substr(std::string_view("allow ").size());
      if (!rules.add(entry)) return bad_line(line);
      start.allow.emplace_back(entry);
    } else {
      SP_TRY(Listener listener, parse_listener(line, seen));
      start.listeners.push_back(std::move(listener));
    }
  }
  if (descriptors == 0 || !std::ranges::all_of(seen, std::identity())) {
    return fail(
        Error{.code = ErrorCode::kUsage,
              .message = fmt::format("{} descriptors, and not every one has a line", descriptors)});
  }
  return start;
}

std::string report_text(const Report& report) {
  std::string host = report.host.substr(0, kLongestReportHost);
  std::ranges::replace_if(host, [](char c) { return !is_printable(c); }, '?');
  if (host.empty()) host = "?";
  return fmt::format("{} {} {} {} {}", name_of(kKindNames, report.kind),
                     name_of(kReasonNames, report.reason), report.port, report.error, host);
}

std::optional<Report> parse_report(std::string_view text) {
  if (text.size() > kLargestReport) return std::nullopt;
  const auto kind = find_name<ReportKind>(kKindNames, take_word(text));
  const auto reason = find_name<Reason>(kReasonNames, take_word(text));
  const auto port = number<std::uint16_t>(take_word(text));
  const auto error = number<int>(take_word(text));
  if (!kind || !reason || !port || !error || *error < 0) return std::nullopt;
  if (text.empty() || text.size() > kLongestReportHost ||
      !std::ranges::all_of(text, is_printable)) {
    return std::nullopt;
  }
  return Report{
      .kind = *kind, .reason = *reason, .port = *port, .error = *error, .host = std::string(text)};
}

}  // namespace sandpit::egress
