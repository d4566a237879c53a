#include "batch/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "sandpit/error.h"

namespace sandpit::batch {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10U;

}  // namespace

LineReader::LineReader(int descriptor, std::size_t longest, int stop)
    : descriptor_(descriptor), stop_(stop), longest_(longest) {}

Result<bool> LineReader::wait() {
  // A regular file is always ready; a pipe may stay silent for hours.
  std::array<pollfd, 2> waiting{pollfd{.fd = descriptor_, .events = POLLIN, .revents = 0},
                                pollfd{.fd = stop_, .events = POLLIN, .revents = 0}};
  while (::poll(waiting.data(), waiting.size(), -1) < 0) {
    if (errno != EINTR) return fail(errno_error("poll", errno));
  }
  return waiting[1].revents == 0;
}

Result<bool> LineReader::fill() {
  buffer_.clear();
  used_ = 0;
  if (ended_) return false;
  buffer_.resize(kChunk);
  while (true) {
    SP_TRY(const bool go_on, wait());
    const ssize_t got = go_on ? ::read(descriptor_, buffer_.data(), buffer_.size()) : 0;
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    const int error = errno;
    ended_ = got <= 0;
    buffer_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (got < 0) return fail(errno_error("cannot read", error));
    return got > 0;
  }
}

void LineReader::take(std::string_view part, Line& line) const {
  line.bytes += part.size();
  if (line.too_long) return;
  if (line.text.size() + part.size() > longest_) {
    line.too_long = true;
    line.text = {};
    return;
  }
  line.text += part;
}

Result<std::optional<Line>> LineReader::next() {
  Line line{.text = {}, .number = number_ + 1, .offset = offset_, .ended = false};
  while (!line.ended) {
    if (used_ == buffer_.size()) {
      SP_TRY(const bool more, fill());
      if (!more) break;
    }
    const std::string_view rest = std::string_view(buffer_).substr(used_);
    const std::size_t newline = rest.find('\n');
    const std::size_t size = std::min(newline, rest.size());
    take(rest.substr(0, size), line);
    used_ += size;
    if (newline == std::string_view::npos) continue;
    ++used_;
    ++line.bytes;
    line.ended = true;
  }
  if (line.bytes == 0) return std::nullopt;
  ++number_;
  offset_ += line.bytes;
  return line;
}

}  // namespace sandpit::batch
