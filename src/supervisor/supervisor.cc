#include "supervisor/supervisor.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/jail.h"
#include "engine/jail/template_link.h"
#include "plan/plan.h"
#include "sandpit/error.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"
#include "supervisor/supervised_run.h"

namespace sandpit {

Result<std::unique_ptr<Supervisor>> Supervisor::create() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return fail(errno_error("epoll_create1", errno));
  return std::unique_ptr<Supervisor>(new Supervisor(std::move(epoll)));
}

Supervisor::Supervisor(UniqueFd epoll) : epoll_(std::move(epoll)) {}
Supervisor::~Supervisor() = default;

Result<SupervisedRun*> Supervisor::start(jail::JailEngine& engine, Plan plan,
                                         std::vector<UniqueFd> inputs, RunInput input,
                                         RunObserver& observer) {
  return add(SupervisedRun::start(*this, engine, {}, std::move(plan), std::move(inputs),
                                  std::move(input), observer));
}

Result<SupervisedRun*> Supervisor::fork(jail::JailEngine& engine, jail::TemplateLink& from,
                                        Plan plan, std::vector<UniqueFd> inputs, RunInput input,
                                        RunObserver& observer) {
  return add(SupervisedRun::start(*this, engine, {.from = &from}, std::move(plan),
                                  std::move(inputs), std::move(input), observer));
}

Result<SupervisedRun*> Supervisor::begin(jail::JailEngine& engine, jail::Jail waiting,
                                         jail::TemplateLink& from, Plan plan,
                                         std::vector<UniqueFd> inputs, RunInput input,
                                         RunObserver& observer) {
  return add(SupervisedRun::start(*this, engine, {.from = &from, .waiting = std::move(waiting)},
                                  std::move(plan), std::move(inputs), std::move(input), observer));
}

Result<void> Supervisor::hand_over(SupervisedRun& waiting, const jail::JailEngine& engine,
                                   UniqueFd& control, Plan& plan,
                                   const std::vector<UniqueFd>& inputs, RunInput& input,
                                   RunObserver& observer) {
  return waiting.hand_over(engine, control, plan, inputs, input, observer);
}

void Supervisor::discard(jail::Jail waiting, Plan plan) {
  // What can't be watched is waited for here, in its destructor.
  (void)add(SupervisedRun::end(*this, std::move(waiting), std::move(plan)));
}

Result<SupervisedRun*> Supervisor::add(Result<std::unique_ptr<SupervisedRun>> run) {
  if (!run) return fail(std::move(run).error());
  runs_.push_back(std::move(*run));
  return runs_.back().get();
}

void Supervisor::drop_runs() { runs_.clear(); }

pid_t Supervisor::pid_of(const SupervisedRun& run) { return run.pid(); }

void Supervisor::drop(SupervisedRun& run) {
  std::erase_if(runs_, [&run](const auto& item) { return item.get() == &run; });
}

void Supervisor::abandon(SupervisedRun& run) { run.abandon(); }

void Supervisor::cancel(SupervisedRun& run, std::string_view message) {
  run.kill(KillReason::kCancelled, message);
}

void Supervisor::resume(SupervisedRun& run, OutputStream stream) { run.resume(stream); }

void Supervisor::grant_cpu(SupervisedRun& run, Milliseconds total) { run.grant_cpu(total); }

Result<void> Supervisor::watch(int fd, std::uint32_t events, Callback callback) {
  const std::uint64_t serial = ++serial_;
  epoll_event event{};
  event.events = events;
  event.data.u64 = (serial << 32U) | static_cast<std::uint32_t>(fd);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
    return fail(errno_error("epoll_ctl", errno));
  }
  watches_[fd] = Watch{.callback = std::move(callback), .serial = serial};
  return {};
}

Result<void> Supervisor::rewatch(int fd, std::uint32_t events) {
  const auto found = watches_.find(fd);
  if (found == watches_.end()) return fail({.message = "descriptor is not watched"});
  Watch& watch = found->second;
  if (events == 0 && !watch.registered) return {};
  epoll_event event{};
  event.events = events;
  event.data.u64 = (watch.serial << 32U) | static_cast<std::uint32_t>(fd);
  int operation = watch.registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (events == 0) operation = EPOLL_CTL_DEL;
  if (::epoll_ctl(epoll_.get(), operation, fd, &event) < 0) {
    return fail(errno_error("epoll_ctl", errno));
  }
  watch.registered = events != 0;
  return {};
}

void Supervisor::forget(int fd) {
  if (watches_.erase(fd) > 0) (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

int Supervisor::timeout_ms() const {
  auto next = SupervisedRun::Clock::time_point::max();
  for (const auto& run : runs_) next = std::min(next, run->next_deadline());
  if (next == SupervisedRun::Clock::time_point::max()) return -1;
  const auto now = SupervisedRun::Clock::now();
  if (next <= now) return 0;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
  return static_cast<int>(std::min<long>(wait, 60'000));
}

Result<void> Supervisor::step() {
  std::array<epoll_event, 32> events{};
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms());
  if (count < 0 && errno != EINTR) return fail(errno_error("epoll_wait", errno));
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events.at(static_cast<std::size_t>(i));
    const int fd = static_cast<int>(event.data.u64 & 0xFFFFFFFFU);
    const auto found = watches_.find(fd);
    if (found == watches_.end() || (found->second.serial & 0xFFFFFFFFU) != event.data.u64 >> 32U)
      continue;
    // A copy: the callback may forget its own entry.
    const Callback callback = found->second.callback;
    callback(event.events);
  }
  const auto now = SupervisedRun::Clock::now();
  for (const auto& run : runs_) {
    if (run->next_deadline() <= now) run->on_deadline(now);
  }
  std::erase_if(runs_, [](const auto& run) { return run->finished(); });
  return {};
}

}  // namespace sandpit
