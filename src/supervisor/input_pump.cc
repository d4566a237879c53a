#include "supervisor/input_pump.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "supervisor/supervisor.h"

namespace sandpit {
namespace {

constexpr std::size_t kChunk = 64U << 10U;
constexpr std::uint32_t kNothing = 0;
constexpr std::uint32_t kReadable = EPOLLIN;
constexpr std::uint32_t kWritable = EPOLLOUT;

}  // namespace

InputPump::InputPump(Supervisor& supervisor, UniqueFd source, UniqueFd sink)
    : supervisor_(supervisor), source_(std::move(source)), sink_(std::move(sink)) {}

Result<std::unique_ptr<InputPump>> InputPump::start(Supervisor& supervisor, UniqueFd source,
                                                    UniqueFd sink) {
  if (::fcntl(sink.get(), F_SETFL, O_NONBLOCK) < 0) return fail(errno_error("fcntl", errno));
  auto pump =
      std::unique_ptr<InputPump>(new InputPump(supervisor, std::move(source), std::move(sink)));
  SP_TRY_VOID(pump->watch());
  return pump;
}

Result<void> InputPump::watch() {
  SP_TRY_VOID(supervisor_.watch(sink_.get(), 0, [this](std::uint32_t events) {
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
      stop();
    } else {
      pump();
    }
  }));
  // Regular files can't be watched (EPERM): they are always ready.
  source_watched_ =
      supervisor_.watch(source_.get(), EPOLLIN, [this](std::uint32_t) { pump(); }).has_value();
  if (!source_watched_) pump();
  return {};
}

void InputPump::pump() {
  bool may_read = true;
  while (sink_.valid()) {
    if (rest_.empty()) {
      if (!may_read) break;
      std::array<char, kChunk> buffer;  // NOLINT(*-member-init): filled by read
      const ssize_t n = ::read(source_.get(), buffer.data(), buffer.size());
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) break;
      if (n <= 0) {
        stop();
        return;
      }
      rest_.assign(buffer.data(), static_cast<std::size_t>(n));
      // The source may be a terminal or a blocking pipe: one read for each readiness.
      may_read = !source_watched_;
    }
    const ssize_t n = ::write(sink_.get(), rest_.data(), rest_.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) {
      stop();
      return;
    }
    if (n > 0) rest_.erase(0, static_cast<std::size_t>(n));
    if (!rest_.empty()) break;
  }
  if (!sink_.valid()) return;
  const bool full = !rest_.empty();
  (void)supervisor_.rewatch(sink_.get(), full ? kWritable : kNothing);
  if (source_watched_) (void)supervisor_.rewatch(source_.get(), full ? kNothing : kReadable);
}

void InputPump::stop() {
  if (source_watched_) supervisor_.forget(source_.get());
  source_watched_ = false;
  if (sink_.valid()) supervisor_.forget(sink_.get());
  source_.reset();
  sink_.reset();
}

}  // namespace sandpit
