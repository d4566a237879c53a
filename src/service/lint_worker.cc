#include "service/lint_worker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/binary.h"
#include "base/memory_file.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "lint/job.h"
#include "sandpit/error.h"
#include "service/orphan.h"
#include "sys/raw.h"

namespace sandpit {
namespace {

using Clock = std::chrono::steady_clock;

Error gave_up(std::string why) { return {.code = ErrorCode::kSystem, .message = std::move(why)}; }

// Killed whatever happens: one that closed its pipe may live on.
class Worker {
 public:
  explicit Worker(UniqueFd pidfd) : pidfd_(std::move(pidfd)) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    (void)sys::raw::pidfd_send_signal(pidfd_.get(), SIGKILL);
    // Where the host is pid 1 or a subreaper, the orphan is its child now and would stay a zombie;
    // elsewhere this is ECHILD at once.
    siginfo_t info;
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0 &&
           errno == EINTR) {
    }
  }

 private:
  UniqueFd pidfd_;
};

std::optional<lint::LintAnswer> decode(std::string_view bytes) {
  lint::LintAnswer answer;
  binary::Reader reader(bytes);
  reader(answer);
  if (!reader.finished() || answer.status > lint::AnswerStatus::kFailed ||
      answer.findings.size() > lint::kMostFindings) {
    return std::nullopt;
  }
  return answer;
}

// As soon as it is whole: the pipe's end comes only after the kernel has taken the worker's memory
// apart.
Result<lint::LintAnswer> read_answer(int pipe, std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  std::string bytes;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd readable{.fd = pipe, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&readable, 1, static_cast<int>(std::max<decltype(left)>(left, 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return fail(errno_error("poll", errno));
    if (ready == 0) {
      return fail(gave_up(fmt::format("no answer after {} ms", patience.count())));
    }
    const ssize_t n = ::read(pipe, buffer.data(), buffer.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return fail(errno_error("read", errno));
    if (n == 0 && bytes.empty()) {
      return fail(gave_up("the worker ended early: it crashed or needed too much memory or time"));
    }
    if (n == 0) return fail(gave_up("its answer is not well-formed"));
    bytes.append(buffer.data(), static_cast<std::size_t>(n));
    if (bytes.size() > lint::kMostAnswer) return fail(gave_up("its answer is too long"));
    if (auto answer = decode(bytes)) return std::move(*answer);
  }
}

}  // namespace

Result<lint::LintAnswer> ask_lint_worker(const std::string& program, const lint::LintJob& job,
                                         std::chrono::milliseconds patience) {
  binary::Writer writer;
  writer(job);
  SP_TRY(const UniqueFd question, sealed_memory_file("sandpit-lint", std::move(writer).take()));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error("pipe2", errno));
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  // Only our end: the worker's write must not fail halfway.
  if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) return fail(errno_error("fcntl", errno));
  const std::array descriptors{question.get(), theirs.get()};
  std::array<char*, 1> environment{nullptr};
  SP_TRY(UniqueFd pidfd, start_orphan({.path = program,
                                       .name = "lint-worker",
                                       .descriptors = descriptors,
                                       .environment = environment.data()}));
  const Worker worker(std::move(pidfd));
  theirs.reset();
  return read_answer(ours.get(), patience);
}

}  // namespace sandpit
