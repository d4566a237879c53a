// A progress line at the foot of a terminal, and messages above it. Safe from several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/log.h"
#include "sandpit/error.h"

namespace sandpit::cli {

class ProgressConsole {
 public:
  enum class Progress : std::uint8_t { kOff, kIfTerminal };

  // Both go to `descriptor`, which `log` writes to as well.
  ProgressConsole(int descriptor, Log& log, Progress progress);

  [[nodiscard]] bool shows_progress() const { return shows_; }
  // Of the terminal, now.
  [[nodiscard]] std::size_t columns() const;
  void draw(const std::string& line);
  void clear();
  void warning(std::string_view message);
  void error(const Error& error);

 private:
  void clear_locked();

  int descriptor_;
  Log& log_;
  bool shows_;
  std::mutex mutex_;
  bool drawn_ = false;
};

}  // namespace sandpit::cli
