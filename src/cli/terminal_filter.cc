#include "cli/terminal_filter.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "base/write_all.h"

namespace sandpit::cli {
namespace {

constexpr char kEscape = '\x1b';
// Far above a colour of three numbers and its neighbours; a longer sequence is text.
constexpr std::size_t kLongestSequence = 128;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Bell, backspace, tab, the line ends. Not ENQ, which a terminal may answer, nor what changes the
// character set.
bool is_harmless_control(char c) { return c >= '\a' && c <= '\r'; }

bool is_plain(char c) { return c >= ' ' && c < '\x7f'; }

// In a control sequence, ECMA-48 5.4.
bool is_parameter(char c) { return c >= '0' && c <= '?'; }
bool is_intermediate(char c) { return c >= ' ' && c <= '/'; }
bool is_final(char c) { return c >= '@' && c <= '~'; }

// More bytes may make it a character.
bool is_unfinished_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (text.size() == 1) return lead >= 0xC2 && lead <= 0xF4;
  return text.size() < 4 && utf8_sequence_length(std::string(text) + "\x80\x80") > text.size();
}

// U+0080 to U+009F: some terminals take them for the beginning of a sequence.
bool is_eight_bit_control(std::string_view character) {
  return character.size() == 2 && character[0] == '\xC2' &&
         static_cast<unsigned char>(character[1]) < 0xA0;
}

// Of 'm': what a colour follows.
constexpr std::size_t kForeground = 38;
constexpr std::size_t kBackground = 48;
constexpr std::size_t kUnderline = 58;

// 0 of no digits, as in a terminal.
std::size_t number_of(std::string_view digits) {
  std::size_t value = 0;
  for (const char c : digits) value = value * 10 + static_cast<std::size_t>(c - '0');
  return value;
}

// 10 to 20, of 'm'.
bool is_font(std::size_t number) { return number >= 10 && number <= 20; }

// A style in parts, such as 4:3 and 38:2::R:G:B.
bool is_style_of_parts(std::string_view group) {
  const std::size_t first = number_of(group.substr(0, group.find(':')));
  if (first == kForeground || first == kBackground || first == kUnderline) return true;
  while (true) {
    const std::size_t end = group.find(':');
    if (is_font(number_of(group.substr(0, end)))) return false;
    if (end == std::string_view::npos) return true;
    group.remove_prefix(end + 1);
  }
}

// The numbers of 'm'. 10 to 20 choose a font: on a Linux console 11 and 12 are its character set,
// in which control characters are signs, and which nothing at the end of the run would set back.
// The same numbers within a colour (38;5;N and 38;2;R;G;B) are shades; that console knows no 58. A
// number that no colour has may be another one to a terminal that keeps eight or sixteen bits.
bool is_style(std::string_view parameters) {
  constexpr std::size_t kLargest = 255;
  enum class In : std::uint8_t { kStyle, kColour, kShades } in = In::kStyle;
  std::size_t shades = 0;
  while (true) {
    const std::size_t end = parameters.find(';');
    const std::string_view group = parameters.substr(0, end);
    const std::size_t number = number_of(group.substr(0, group.find(':')));
    if (number > kLargest) return false;
    if (group.contains(':')) {
      if (in != In::kStyle || !is_style_of_parts(group)) return false;
    } else if (in == In::kColour) {
      if (number != 5 && number != 2) return false;
      shades = number == 5 ? 1 : 3;
      in = In::kShades;
    } else if (in == In::kShades) {
      if (--shades == 0) in = In::kStyle;
    } else if (number == kForeground || number == kBackground) {
      in = In::kColour;
    } else if (is_font(number)) {
      return false;
    }
    if (end == std::string_view::npos) return true;
    parameters.remove_prefix(end + 1);
  }
}

// Of sequences without a private mark: the cursor, erasing, scrolling, lines and characters, and
// 'm', colours and styles without fonts. Not among them: 'c' and 'n' (answers), 't' (window,
// title), 'i' (printer), 'r', 'g', 'h', 'l' (modes that stay), 'J' with 3, which erases what was
// before the program, and numbers that no screen needs, on which terminals have been stuck.
bool is_allowed(std::string_view parameters, char final) {
  constexpr std::string_view kAllowed = "@ABCDEFGHIJKLMPSXZ`adefmsu";
  constexpr std::size_t kMostDigits = 5;
  if (kAllowed.find(final) == std::string_view::npos) return false;
  if (final == 'J')
    return parameters.empty() || parameters.find_first_not_of("012") == parameters.npos;
  std::size_t digits = 0;
  for (const char c : parameters) {
    if (c >= '<') return false;  // a private mark
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits > kMostDigits) return false;
  }
  return final != 'm' || is_style(parameters);
}

// One ECMA-48 sequence of two bytes: save and restore the cursor, index, next line, reverse index.
bool is_allowed_pair(char second) {
  return std::string_view("78DEM").find(second) != std::string_view::npos;
}

// Operating system command, device control, start of string, privacy message, application program
// command; and screen's title.
bool begins_string(char second) {
  return std::string_view("]PX^_k").find(second) != std::string_view::npos;
}

}  // namespace

std::string TerminalFilter::pass(std::string_view bytes) {
  std::string text = std::move(held_);
  held_.clear();
  text += bytes;
  std::string out;
  out.reserve(text.size());
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t taken = take(rest, out);
    if (taken == 0) break;
    rest.remove_prefix(taken);
  }
  held_ = rest;
  return out;
}

std::size_t TerminalFilter::take(std::string_view text, std::string& out) {
  if (in_string_) {
    const std::size_t skipped = skip_string(text);
    if (skipped > 0 || in_string_) return skipped;
  }
  const auto end = std::ranges::find_if_not(text, is_plain);
  if (const auto plain = static_cast<std::size_t>(end - text.begin()); plain > 0) {
    out += text.substr(0, plain);
    return plain;
  }
  if (text[0] == kEscape) return take_escape(text, out);
  return take_character(text, out);
}

std::size_t TerminalFilter::take_character(std::string_view text, std::string& out) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) {
    if (is_harmless_control(text[0])) {
      out += text[0];
    } else if (text[0] != '\0' && text[0] != '\x7f') {
      ++withheld_;
    }
    return 1;
  }
  const std::size_t length = utf8_sequence_length(text);
  if (length == 0) {
    if (is_unfinished_character(text)) return 0;
    out += kReplacement;
    return 1;
  }
  if (is_eight_bit_control(text.substr(0, length))) {
    ++withheld_;
  } else {
    out += text.substr(0, length);
  }
  return length;
}

std::size_t TerminalFilter::take_escape(std::string_view text, std::string& out) {
  if (text.size() < 2) return 0;
  const char second = text[1];
  if (second == '[') return take_control_sequence(text, out);
  if (begins_string(second)) {
    in_string_ = true;
    ++withheld_;
    return 2;
  }
  if (is_intermediate(second)) {
    // A character set, of which programs reset what they never changed (tput sgr0): left out and
    // not told.
    const auto end = std::find_if_not(text.begin() + 2, text.end(), is_intermediate);
    const auto length = static_cast<std::size_t>(end - text.begin());
    if (length > kLongestSequence) return 1;
    if (end == text.end()) return 0;
    return is_plain(*end) ? length + 1 : length;
  }
  if (is_allowed_pair(second)) {
    if (second == '8') styled_ = true;  // colours are saved and restored with the cursor (DECRC)
    out += text.substr(0, 2);
    return 2;
  }
  ++withheld_;
  // What is no sequence (another escape, a line end, a character) is looked at by itself.
  return is_plain(second) ? 2 : 1;
}

std::size_t TerminalFilter::take_control_sequence(std::string_view text, std::string& out) {
  constexpr std::size_t kIntroducer = 2;
  const auto intermediates = std::find_if_not(text.begin() + kIntroducer, text.end(), is_parameter);
  const auto end = std::find_if_not(intermediates, text.end(), is_intermediate);
  const auto length = static_cast<std::size_t>(end - text.begin());
  if (length > kLongestSequence) {
    ++withheld_;
    return kIntroducer;
  }
  if (end == text.end()) return 0;
  if (!is_final(*end)) {
    // Cut off by something else: a terminal would do that in the midst of the sequence.
    ++withheld_;
    return length;
  }
  const std::string_view parameters(text.begin() + kIntroducer, intermediates);
  const std::string_view sequence = text.substr(0, length + 1);
  const bool cursor = parameters == "?25" && intermediates == end && (*end == 'h' || *end == 'l');
  if (intermediates == end && is_allowed(parameters, *end)) {
    if (*end == 'm') styled_ = !(parameters.empty() || parameters == "0");
    if (*end == 'u') styled_ = true;  // as ESC 8
    out += sequence;
  } else if (cursor) {
    cursor_hidden_ = *end == 'l';
    out += sequence;
  } else {
    ++withheld_;
  }
  return length + 1;
}

// To BEL or ESC \, CAN or SUB. Any other escape ends the string too, as in a terminal, and begins a
// sequence: that is not skipped.
std::size_t TerminalFilter::skip_string(std::string_view text) {
  const std::size_t end = text.find_first_of("\a\x18\x1a\x1b");
  if (end == std::string_view::npos) return text.size();
  if (text[end] != kEscape) {
    in_string_ = false;
    return end + 1;
  }
  if (end > 0) return end;
  if (text.size() < 2) return 0;
  in_string_ = false;
  return text[1] == '\\' ? 2 : 0;
}

std::string TerminalFilter::finish() {
  held_.clear();
  in_string_ = false;
  std::string out;
  if (styled_) out += "\x1b[0m";
  if (cursor_hidden_) out += "\x1b[?25h";
  styled_ = false;
  cursor_hidden_ = false;
  return out;
}

bool needs_filter(int descriptor, TerminalOutput mode) {
  return mode == TerminalOutput::kGuarded && ::isatty(descriptor) == 1;
}

int write_guarded(int descriptor, std::string_view text, TerminalOutput mode) {
  if (!needs_filter(descriptor, mode)) return write_all(descriptor, text);
  TerminalFilter filter;
  std::string out = filter.pass(text);
  out += filter.finish();
  return write_all(descriptor, out);
}

}  // namespace sandpit::cli
