// Sandpit's own messages: one line each on stderr, "sandpit: …", coloured on a terminal only. Made
// by main() and passed down; there is no global logger. spdlog formats and filters, but is not
// started before the first line is printed: most runs print none, and its start costs more than a
// whole parse of the command line.
//
// What is printed is made safe for a terminal first (printable()): a file name can't move the
// cursor.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "sandpit/error.h"

namespace sandpit {

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarning, kError, kOff };

// Of the words of general.log_level; an unknown word is kWarning (config/ has validated it).
[[nodiscard]] LogLevel log_level_of(std::string_view word);

enum class Colour : std::uint8_t { kNever, kAlways };

// A terminal, NO_COLOR (no-color.org) not set, and TERM is not "dumb".
[[nodiscard]] Colour colour_for(int descriptor);

class Log {
 public:
  // `descriptor` is not owned.
  explicit Log(int descriptor, LogLevel level = LogLevel::kWarning);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log();

  void set_level(LogLevel level);
  [[nodiscard]] LogLevel level() const { return level_; }

  void debug(std::string_view message) { write(LogLevel::kDebug, message); }
  void info(std::string_view message) { write(LogLevel::kInfo, message); }
  void warning(std::string_view message) { write(LogLevel::kWarning, message); }
  void error(std::string_view message) { write(LogLevel::kError, message); }
  // Each of its problems on a line of its own.
  void error(const Error& error);

 private:
  struct Backend;
  void write(LogLevel level, std::string_view message);

  int descriptor_;
  LogLevel level_;
  std::unique_ptr<Backend> backend_;
};

}  // namespace sandpit
