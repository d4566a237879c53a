#include "base/log.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "sandpit/error.h"

namespace sandpit {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

const char* colour_of(spdlog::level::level_enum level) {
  if (level == spdlog::level::err) return "\033[1;31m";
  if (level == spdlog::level::warn) return "\033[33m";
  return "\033[36m";
}

// spdlog's own colour sinks write through stdio; ours must never lose the order with write(2) on
// the same descriptor.
class DescriptorSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  DescriptorSink(int descriptor, Colour colour) : descriptor_(descriptor), colour_(colour) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t buffer;
    formatter_->format(message, buffer);
    std::string line(buffer.data(), buffer.size());
    if (colour_ == Colour::kAlways && message.color_range_end > message.color_range_start) {
      line.insert(message.color_range_end, "\033[0m");
      line.insert(message.color_range_start, colour_of(message.level));
    }
    std::string_view rest = line;
    while (!rest.empty()) {
      const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;  // nobody is left to be told
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void flush_() override {}

 private:
  int descriptor_;
  Colour colour_;
};

}  // namespace

struct Log::Backend {
  Backend(int descriptor, Colour colour)
      : logger("sandpit", std::make_shared<DescriptorSink>(descriptor, colour)) {
    logger.set_level(spdlog::level::trace);
    logger.set_pattern("%^sandpit:%$ %v");
  }
  spdlog::logger logger;
};

LogLevel log_level_of(std::string_view word) {
  if (word == "trace") return LogLevel::kTrace;
  if (word == "debug") return LogLevel::kDebug;
  if (word == "info") return LogLevel::kInfo;
  if (word == "error") return LogLevel::kError;
  if (word == "off") return LogLevel::kOff;
  return LogLevel::kWarning;
}

Colour colour_for(int descriptor) {
  const char* no_color = ::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return Colour::kNever;
  const char* terminal = ::getenv("TERM");
  if (terminal != nullptr && std::string_view(terminal) == "dumb") return Colour::kNever;
  return ::isatty(descriptor) == 1 ? Colour::kAlways : Colour::kNever;
}

Log::Log(int descriptor, LogLevel level) : descriptor_(descriptor), level_(level) {}
Log::~Log() = default;

void Log::set_level(LogLevel level) { level_ = level; }

void Log::error(const Error& error) {
  Error first = error;
  first.others.clear();
  write(LogLevel::kError, first.to_string());
  for (const Error& other : error.others) this->error(other);
}

void Log::write(LogLevel level, std::string_view message) {
  if (level < level_) return;
  if (!backend_) backend_ = std::make_unique<Backend>(descriptor_, colour_for(descriptor_));
  backend_->logger.log(to_spdlog(level), "{}", printable(message));
}

}  // namespace sandpit
