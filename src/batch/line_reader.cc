#include "batch/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

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

void LineReader::take(const char* begin, std::size_t size, Line& line) const {
  line.bytes += size;
  if (line.too_long) return;
  if (line.text.size() + size > longest_) {
    line.too_long = true;
    line.text = {};
    return;
  }
  line.text.append(begin, size);
}

Result<std::optional<Line>> LineReader::next() {
  Line line{.text = {}, .number = number_ + 1, .offset = offset_, .ended = false};
  while (!line.ended) {
    if (used_ == buffer_.size()) {
      SP_TRY(const bool more, fill());
      if (!more) break;
    }
    const char* const begin = buffer_.data() + used_;
    const std::size_t left = buffer_.size() - used_;
    const void* const newline = std::memchr(begin, '\n', left);
    const std::size_t size =
        newline == nullptr ? left
                           : static_cast<std::size_t>(static_cast<const char*>(newline) - begin);
    take(begin, size, line);
    used_ += size;
    if (newline == nullptr) continue;
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
