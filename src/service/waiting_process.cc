#include "service/waiting_process.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/jail.h"
#include "engine/warm/run_image.h"
#include "plan/plan.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"
#include "service/last_line.h"
#include "supervisor/supervisor.h"
#include "sys/proc_sampler.h"

namespace sandpit {
namespace {

constexpr std::size_t kMostSaid = 32U << 10U;
// One that does not wait by then is ended.
constexpr std::chrono::seconds kLongestBirth{60};
// A process that waits answers within a millisecond. In ticks of a timer, which are not made up
// for: a machine that stood still is no reason to give one up.
constexpr std::chrono::milliseconds kTick{200};
constexpr unsigned kMostTicks = 5;
constexpr unsigned kMostTicksStarting = 10;  // of one that was asked before it waited

}  // namespace

WaitingProcess::WaitingProcess(Supervisor& supervisor, UniqueFd control, std::string kind)
    : supervisor_(supervisor), control_(std::move(control)), kind_(std::move(kind)) {}

WaitingProcess::~WaitingProcess() {
  if (timer_.valid()) supervisor_.forget(timer_.get());
  if (control_.valid()) supervisor_.forget(control_.get());
  if (run_ != nullptr) supervisor_.abandon(*run_);
}

Result<void> WaitingProcess::start(jail::JailEngine& engine, Plan plan,
                                   std::vector<UniqueFd> inputs) {
  SP_TRY(run_, supervisor_.start(engine, std::move(plan), std::move(inputs), {}, *this));
  return supervisor_.watch(control_.get(), EPOLLIN, [this](std::uint32_t) { on_control(); });
}

RunObserver::Verdict WaitingProcess::on_output(OutputStream stream, std::string_view bytes) {
  std::string& said = said_.at(stream == OutputStream::kStdout ? 0 : 1);
  said += bytes;
  // No run would have all of it.
  if (said.size() > kMostSaid) leave("it writes before it has a program");
  return Verdict::kTaken;
}

void WaitingProcess::on_finished(Outcome outcome, UniqueFd /*volume*/) {
  run_ = nullptr;
  std::string line = last_line(said_[1]);
  if (line.empty()) line = outcome.message;
  if (line.empty()) line = fmt::format("it ended with status {}", exit_status(outcome));
  leave(std::move(line));
}

// Its run is ended by whoever owns this, not in the middle of what may be its own event.
void WaitingProcess::leave(std::string why) {
  if (state_ == State::kGone) return;
  state_ = State::kGone;
  end_ = std::move(why);
}

void WaitingProcess::check_age(Clock::time_point now) {
  if (!came_up_ && now - born_ >= kLongestBirth) leave("it did not come up");
}

void WaitingProcess::look_at_memory(const UniqueFd& proc) {
  if (run_ == nullptr) return;
  if (const auto tree = sys::sample_tree(Supervisor::pid_of(*run_), proc)) memory_ = tree->memory;
}

Result<void> WaitingProcess::ask() {
  if (state_ == State::kGone) return fail({.code = ErrorCode::kSandbox, .message = end_});
  if (state_ == State::kWaiting &&
      ::send(control_.get(), &warm::kAsked, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
    return fail(errno_error("ask a process that waits", errno, ErrorCode::kSandbox));
  }
  asked_ = true;
  if (state_ == State::kWaiting) state_ = State::kAsked;
  timer_ = UniqueFd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  const timespec each{.tv_nsec = std::chrono::nanoseconds(kTick).count()};
  const itimerspec when{.it_interval = each, .it_value = each};
  if (!timer_.valid() || ::timerfd_settime(timer_.get(), 0, &when, nullptr) < 0) {
    return fail(errno_error("timerfd", errno));
  }
  return supervisor_.watch(timer_.get(), EPOLLIN, [this](std::uint32_t) { on_tick(); });
}

void WaitingProcess::on_tick() {
  std::uint64_t times = 0;
  if (::read(timer_.get(), &times, sizeof times) < 0) return;
  const unsigned most = came_up_ ? kMostTicks : kMostTicksStarting;
  if (state_ == State::kPresent || ++ticks_ < most) return;
  leave(came_up_ ? "it does not answer" : "it did not come up in time");
}

void WaitingProcess::on_control() {
  char byte = 0;
  const ssize_t n = ::recv(control_.get(), &byte, 1, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n != 1 || byte != warm::kHere) {
    // It has ended, then, and on_finished() is about to tell why; or it can't be asked any more.
    supervisor_.forget(control_.get());
    return;
  }
  if (state_ == State::kGone) return;
  came_up_ = true;
  since_ = Clock::now();
  state_ = asked_ ? State::kPresent : State::kWaiting;
}

Result<SupervisedRun*> WaitingProcess::hand_over(const jail::JailEngine& engine, Plan& plan,
                                                 const std::vector<UniqueFd>& inputs,
                                                 RunInput& input, RunObserver& observer) {
  if (run_ == nullptr) return fail({.code = ErrorCode::kSandbox, .message = end_});
  supervisor_.forget(control_.get());
  SP_TRY_VOID(supervisor_.hand_over(*run_, engine, control_, plan, inputs, input, observer));
  if (!said_[0].empty()) (void)observer.on_output(OutputStream::kStdout, said_[0]);
  if (!said_[1].empty()) (void)observer.on_output(OutputStream::kStderr, said_[1]);
  return std::exchange(run_, nullptr);
}

}  // namespace sandpit
