#include "service/interpreter_template.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/jail.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "sandpit/sandbox.h"
#include "service/last_line.h"
#include "supervisor/supervisor.h"
#include "sys/proc_sampler.h"

namespace sandpit {
namespace {

constexpr std::size_t kMostSaid = 4096;
// One that has not come up by then is ended.
constexpr std::chrono::seconds kLongestBirth{60};

}  // namespace

InterpreterTemplate::InterpreterTemplate(Supervisor& supervisor, UniqueFd control)
    : supervisor_(supervisor), link_(std::move(control)) {}

InterpreterTemplate::~InterpreterTemplate() {
  if (run_ == nullptr) return;
  supervisor_.forget(link_.control());
  supervisor_.drop(*run_);
}

Result<void> InterpreterTemplate::start(jail::JailEngine& engine, Plan plan,
                                        std::vector<UniqueFd> inputs) {
  SP_TRY(run_, supervisor_.start(engine, std::move(plan), std::move(inputs), {}, *this));
  return supervisor_.watch(link_.control(), EPOLLIN, [this](std::uint32_t) { on_control(); });
}

RunObserver::Verdict InterpreterTemplate::on_output(OutputStream stream, std::string_view bytes) {
  if (stream == OutputStream::kStderr && said_.size() < kMostSaid) said_ += bytes;
  return Verdict::kTaken;
}

void InterpreterTemplate::on_finished(Outcome outcome, UniqueFd /*volume*/) {
  supervisor_.forget(link_.control());
  run_ = nullptr;
  end_ = said_.empty() ? outcome.message : last_line(said_);
  if (end_.empty()) end_ = fmt::format("it ended with status {}", exit_status(outcome));
}

void InterpreterTemplate::retire() {
  retired_ = true;
  while (!waiting_.empty()) discard(waiting_.begin());
}

void InterpreterTemplate::discard(std::list<Waiting>::iterator item) {
  Waiting gone = std::move(*item);
  waiting_.erase(item);
  supervisor_.discard(std::move(gone.jail), *gone.model);
}

Result<void> InterpreterTemplate::fork_ahead(jail::JailEngine& engine, const Model& model,
                                             std::size_t wanted) {
  for (auto item = waiting_.begin(); item != waiting_.end();) {
    const auto next = std::next(item);
    if (item->model != model || is_old(*item, engine)) discard(item);
    item = next;
  }
  while (waiting_.size() < wanted) {
    SP_TRY(jail::Jail made, engine.fork_ahead(link_, *model));
    waiting_.push_back({.model = model, .jail = std::move(made), .since = Clock::now()});
  }
  return {};
}

std::unique_ptr<jail::Jail> InterpreterTemplate::take_waiting(const jail::JailEngine& engine,
                                                              const Model& model, unsigned& died) {
  while (!waiting_.empty() && waiting_.front().model == model) {
    // fork_ahead() may come to it too late: what has begun to wait for a process comes first.
    if (is_old(waiting_.front(), engine)) {
      discard(waiting_.begin());
      continue;
    }
    // Its init's end of the socket is closed when there is no init any more.
    pollfd alive{.fd = waiting_.front().jail.socket(), .events = 0, .revents = 0};
    if (::poll(&alive, 1, 0) == 0) {
      auto taken = std::make_unique<jail::Jail>(std::move(waiting_.front().jail));
      waiting_.pop_front();
      return taken;
    }
    ++died;
    discard(waiting_.begin());
  }
  return nullptr;
}

void InterpreterTemplate::check_age(Clock::time_point now, const TemplateOptions& options) {
  if (!retired_ && (served_ >= options.runs || now - born_ >= options.life)) retire();
  if (!ready_ && run_ != nullptr && now - born_ >= kLongestBirth) {
    supervisor_.cancel(*run_, "it did not come up");
  }
}

void InterpreterTemplate::look_at_memory(const UniqueFd& proc) {
  if (run_ == nullptr) return;
  if (const auto tree = sys::sample_tree(Supervisor::pid_of(*run_), proc)) memory_ = tree->memory;
}

void InterpreterTemplate::on_control() {
  char byte = 0;
  if (::recv(link_.control(), &byte, 1, MSG_DONTWAIT) == 1) {
    ready_ = true;
  } else if (errno != EAGAIN && errno != EINTR) {
    supervisor_.forget(link_.control());
  }
}

}  // namespace sandpit
