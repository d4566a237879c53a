#include "service/launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/jail.h"
#include "plan/plan.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"
#include "service/one_shot.h"
#include "service/template_pool.h"
#include "service/waiting_process.h"
#include "service/wire.h"
#include "supervisor/supervisor.h"

namespace sandpit {
namespace {

// Output that a finished run still holds travels with its Outcome when it is small: one message
// instead of two.
constexpr std::size_t kWithOutcome = 32U << 10U;
constexpr std::size_t kMostBuffered = 256U << 10U;

Result<std::string> read_all(const UniqueFd& fd) {
  struct stat status{};
  constexpr off_t kLargestPlan = 64L << 20L;
  if (::fstat(fd.get(), &status) < 0 || !S_ISREG(status.st_mode) || status.st_size > kLargestPlan) {
    return fail({.code = ErrorCode::kSandbox, .message = "malformed plan"});
  }
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  if (::pread(fd.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return fail(errno_error("read plan", errno));
  }
  return bytes;
}

}  // namespace

// One channel: the runs that come over it, one after the other.
class LauncherSession final : public RunObserver {
 public:
  LauncherSession(Launcher& launcher, UniqueFd channel)
      : launcher_(launcher), channel_(std::move(channel)) {}
  ~LauncherSession() override { launcher_.supervisor().forget(channel_.get()); }

  Result<void> watch() {
    return launcher_.supervisor().watch(channel_.get(), EPOLLIN,
                                        [this](std::uint32_t events) { on_channel(events); });
  }

  Verdict on_output(OutputStream stream, std::string_view bytes) override {
    if (orphaned_) return Verdict::kGone;
    std::string& buffer = pending(stream);
    buffer += bytes;
    if (streaming_ || buffer.size() > kWithOutcome) flush();
    return buffer.size() > kMostBuffered ? Verdict::kFull : Verdict::kTaken;
  }

  // Of a run that needs a process which was asked whether it is there. Answers whether it needs it
  // no longer.
  bool advance() {
    if (pending_ == nullptr) return true;
    if (pending_->process->state() < WaitingProcess::State::kPresent) return false;
    const std::unique_ptr<Pending> pending = std::move(pending_);
    if (auto started = start_pending(*pending); !started) {
      tell(started.error());
    } else if (pending->cancelled) {
      launcher_.supervisor().cancel(*run_, "cancelled");
    }
    return true;
  }

  void on_finished(Outcome outcome, UniqueFd volume) override {
    run_ = nullptr;
    outcome_ = std::make_unique<Outcome>(std::move(outcome));
    volume_ = std::move(volume);
    if (orphaned_) {
      launcher_.retire(channel_.get());
      return;
    }
    flush();
  }

 private:
  struct Pending {
    std::unique_ptr<WaitingProcess> process;
    Plan plan;
    std::vector<UniqueFd> inputs;
    RunInput input;
    bool cancelled = false;
  };

  std::string& pending(OutputStream stream) {
    return stream == OutputStream::kStdout ? stdout_ : stderr_;
  }

  void on_channel(std::uint32_t events) {
    if ((events & EPOLLOUT) != 0) flush();
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
    auto message = wire::receive(channel_.get(), wire::Blocking::kDontWait);
    if (!message) {
      if (message.error().errno_value == EAGAIN) return;
      orphan();
      return;
    }
    if (message->kind == wire::Kind::kCancel) {
      if (run_ != nullptr) launcher_.supervisor().cancel(*run_, "cancelled");
      if (pending_ != nullptr) pending_->cancelled = true;
    } else if (message->kind == wire::Kind::kGrantCpu) {
      std::int64_t total = 0;
      wire::Reader reader(message->body);
      reader(total);
      if (run_ != nullptr && reader.finished()) {
        launcher_.supervisor().grant_cpu(*run_, Milliseconds(total));
      }
    } else if (message->kind == wire::Kind::kTemplateCounts && run_ == nullptr) {
      const std::string body = wire::encode(launcher_.templates().counts());
      if (!wire::send(channel_.get(), wire::Kind::kTemplateCounts, body, {},
                      wire::Blocking::kDontWait))
        orphan();
    } else if (message->kind == wire::Kind::kStart && run_ == nullptr && outcome_ == nullptr &&
               pending_ == nullptr) {
      if (auto started = start(std::move(*message)); !started) tell(started.error());
    } else {
      orphan();
    }
  }

  Result<void> start(wire::Message message) {
    if (message.body.empty())
      return fail({.code = ErrorCode::kSandbox, .message = "malformed message"});
    const auto flags = static_cast<std::uint8_t>(message.body.front());
    std::vector<UniqueFd>& descriptors = message.descriptors;
    const auto shift = [&descriptors]() -> Result<UniqueFd> {
      if (descriptors.empty())
        return fail({.code = ErrorCode::kSandbox, .message = "a descriptor is missing"});
      UniqueFd first = std::move(descriptors.front());
      descriptors.erase(descriptors.begin());
      return first;
    };
    std::string in_memory;
    std::string_view bytes = std::string_view(message.body).substr(1);
    if ((flags & wire::kPlanInMemory) != 0) {
      SP_TRY(const UniqueFd file, shift());
      SP_TRY(in_memory, read_all(file));
      bytes = in_memory;
    }
    RunInput input;
    if ((flags & wire::kDirectInput) != 0) {
      SP_TRY(input.direct, shift());
    }
    if ((flags & wire::kPumpedInput) != 0) {
      SP_TRY(input.pumped, shift());
    }
    SP_TRY(Plan plan, wire::decode_plan(bytes));
    if (static_cast<std::ptrdiff_t>(descriptors.size()) !=
        std::ranges::count_if(plan.inputs, has_descriptor)) {
      return fail({.code = ErrorCode::kSandbox, .message = "a descriptor is missing"});
    }
    streaming_ = (flags & wire::kStreaming) != 0;
    wants_volume_ = (flags & wire::kWantsVolume) != 0;
    TemplatePool::Place place;
    if (plan.warm && plan.cold_reason.empty()) {
      place = launcher_.templates().find(plan, wire::kind_of(bytes, plan), plan.cold_reason);
    }
    Supervisor& supervisor = launcher_.supervisor();
    if (place.process != nullptr) {
      pending_ = std::make_unique<Pending>(std::move(place.process), std::move(plan),
                                           std::move(descriptors), std::move(input));
      launcher_.await(channel_.get());
    } else if (place.waiting != nullptr) {
      SP_TRY(run_,
             supervisor.begin(launcher_.engine(), std::move(*place.waiting), *place.link,
                              std::move(plan), std::move(descriptors), std::move(input), *this));
    } else if (place.link != nullptr) {
      SP_TRY(run_, supervisor.fork(launcher_.engine(), *place.link, std::move(plan),
                                   std::move(descriptors), std::move(input), *this));
    } else {
      SP_TRY(run_, supervisor.start(launcher_.engine(), std::move(plan), std::move(descriptors),
                                    std::move(input), *this));
    }
    return {};
  }

  void tell(const Error& error) {
    const std::string body = wire::encode(error);
    if (!wire::send(channel_.get(), wire::Kind::kError, body, {}, wire::Blocking::kDontWait))
      orphan();
  }

  // Its process is there, or gone: then it starts cold, since it has not begun.
  Result<void> start_pending(Pending& pending) {
    Supervisor& supervisor = launcher_.supervisor();
    std::string reason = pending.process->end();
    if (pending.process->state() == WaitingProcess::State::kPresent) {
      auto begun = pending.process->hand_over(launcher_.engine(), pending.plan, pending.inputs,
                                              pending.input, *this);
      if (begun) {
        run_ = *begun;
        launcher_.templates().note_begun(*pending.process);
        return {};
      }
      reason = begun.error().to_string();
    }
    launcher_.templates().note_gone(*pending.process);
    pending.plan.cold_reason = fmt::format("its process failed: {}", reason);
    SP_TRY(run_, supervisor.start(launcher_.engine(), std::move(pending.plan),
                                  std::move(pending.inputs), std::move(pending.input), *this));
    return {};
  }

  // Sends what can be sent without waiting; the rest when the channel is writable again.
  void flush() {
    for (const OutputStream stream : {OutputStream::kStdout, OutputStream::kStderr}) {
      std::string& buffer = pending(stream);
      while (!buffer.empty() && (outcome_ == nullptr || buffer.size() > kWithOutcome)) {
        const std::string_view part = std::string_view(buffer).substr(0, wire::kOutputChunk);
        const auto kind =
            stream == OutputStream::kStdout ? wire::Kind::kStdout : wire::Kind::kStderr;
        if (!send(kind, part, {})) return;
        buffer.erase(0, part.size());
      }
    }
    if (run_ != nullptr) {
      launcher_.supervisor().resume(*run_, OutputStream::kStdout);
      launcher_.supervisor().resume(*run_, OutputStream::kStderr);
    }
    if (outcome_ != nullptr) send_outcome();
  }

  void send_outcome() {
    outcome_->stdout_text = stdout_;
    outcome_->stderr_text = stderr_;
    std::vector<int> descriptors;
    if (wants_volume_ && volume_.valid()) descriptors.push_back(volume_.get());
    if (!send(wire::Kind::kFinished, wire::encode(*outcome_), descriptors)) return;
    outcome_.reset();
    volume_.reset();
    stdout_.clear();
    stderr_.clear();
  }

  bool send(wire::Kind kind, std::string_view body, const std::vector<int>& descriptors) {
    const auto sent =
        wire::send(channel_.get(), kind, body, descriptors, wire::Blocking::kDontWait);
    const bool full = !sent && sent.error().errno_value == EAGAIN;
    if (full != waiting_) {
      waiting_ = full;
      (void)launcher_.supervisor().rewatch(channel_.get(), full ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
    if (!sent && !full) orphan();
    return sent.has_value();
  }

  // The library is not interested any more: the run ends, and then the session.
  void orphan() {
    if (orphaned_) return;
    orphaned_ = true;
    launcher_.supervisor().forget(channel_.get());
    pending_.reset();
    if (run_ != nullptr) {
      launcher_.supervisor().cancel(*run_, "cancelled");
    } else {
      launcher_.retire(channel_.get());
    }
  }

  Launcher& launcher_;
  UniqueFd channel_;
  SupervisedRun* run_ = nullptr;
  std::unique_ptr<Pending> pending_;
  bool streaming_ = false;
  bool wants_volume_ = false;
  bool orphaned_ = false;
  bool waiting_ = false;
  std::string stdout_;
  std::string stderr_;
  std::unique_ptr<Outcome> outcome_;
  UniqueFd volume_;
};

Launcher::~Launcher() {
  if (supervisor_ == nullptr) return;
  templates_.reset();
  supervisor_->drop_runs();
  sessions_.clear();
}

Result<std::unique_ptr<Launcher>> Launcher::create(UniqueFd control, int children_nice) {
  auto launcher = std::unique_ptr<Launcher>(new Launcher());
  launcher->control_ = std::move(control);
  launcher->host_ = probe_host();
  SP_TRY(launcher->engine_,
         jail::JailEngine::create(jail::JailEngine::Mode::kLauncher, launcher->host_.facts,
                                  launcher->host_.cgroups));
  launcher->engine_->set_children_nice(children_nice);
  SP_TRY(launcher->supervisor_, Supervisor::create());
  launcher->templates_ = std::make_unique<TemplatePool>(*launcher->supervisor_, *launcher->engine_,
                                                        launcher->host_.facts.is_root);
  Launcher* self = launcher.get();
  SP_TRY_VOID(launcher->supervisor_->watch(self->control_.get(), EPOLLIN,
                                           [self](std::uint32_t) { self->on_control(); }));
  SP_TRY_VOID(wire::send(self->control_.get(), wire::Kind::kHello, wire::encode(self->host_.facts),
                         {}, wire::Blocking::kWait));
  return launcher;
}

void Launcher::on_control() {
  auto message = wire::receive(control_.get(), wire::Blocking::kDontWait);
  if (!message) {
    // A channel that could not be received (no descriptors left) is that caller's error, not the
    // end.
    if (message.error().code == ErrorCode::kCancelled) ending_ = true;
    return;
  }
  if (message->kind == wire::Kind::kTemplates) {
    if (const auto options = wire::decode_template_options(message->body)) {
      templates_->configure(*options);
    }
    return;
  }
  if (message->kind != wire::Kind::kChannel || message->descriptors.size() != 1) return;
  UniqueFd channel = std::move(message->descriptors.front());
  const int number = channel.get();
  auto session = std::make_unique<LauncherSession>(*this, std::move(channel));
  if (session->watch()) sessions_[number] = std::move(session);
}

void Launcher::retire(int channel) { retired_.push_back(channel); }

void Launcher::await(int channel) { awaiting_.push_back(channel); }

void Launcher::advance() {
  std::erase_if(awaiting_, [this](int channel) {
    const auto found = sessions_.find(channel);
    return found == sessions_.end() || found->second->advance();
  });
}

Result<void> Launcher::serve() {
  while (!ending_) {
    SP_TRY_VOID(supervisor_->step());
    advance();
    for (const int channel : retired_) sessions_.erase(channel);
    retired_.clear();
    // Which may start a process: whoever is about to begin a run comes first.
    if (awaiting_.empty()) templates_->tidy();
  }
  return {};
}

}  // namespace sandpit
