#include "cli/progress_console.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/write_all.h"
#include "sandpit/error.h"

namespace sandpit::cli {
namespace {

constexpr std::size_t kUsualColumns = 80;
constexpr std::string_view kClearLine = "\r\x1b[K";

bool is_terminal(int descriptor) {
  // Asked once, while this process has one thread.
  const char* const name = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe)
  return ::isatty(descriptor) == 1 && name != nullptr && std::string_view(name) != "dumb";
}

}  // namespace

ProgressConsole::ProgressConsole(int descriptor, Log& log, Progress progress)
    : descriptor_(descriptor),
      log_(log),
      shows_(progress == Progress::kIfTerminal && is_terminal(descriptor)) {}

std::size_t ProgressConsole::columns() const {
  winsize size{};
  if (::ioctl(descriptor_, TIOCGWINSZ, &size) < 0 || size.ws_col == 0) return kUsualColumns;
  // The last column would make some terminals wrap.
  return size.ws_col - std::size_t{1};
}

void ProgressConsole::clear_locked() {
  if (drawn_) (void)write_all(descriptor_, kClearLine);
  drawn_ = false;
}

void ProgressConsole::draw(const std::string& line) {
  if (!shows_) return;
  const std::scoped_lock lock(mutex_);
  (void)write_all(descriptor_, "\r" + line + "\x1b[K");
  drawn_ = true;
}

void ProgressConsole::clear() {
  const std::scoped_lock lock(mutex_);
  clear_locked();
}

void ProgressConsole::warning(std::string_view message) {
  const std::scoped_lock lock(mutex_);
  clear_locked();
  log_.warning(message);
}

void ProgressConsole::error(const Error& error) {
  const std::scoped_lock lock(mutex_);
  clear_locked();
  log_.error(error);
}

}  // namespace sandpit::cli
