#include "service/one_shot.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
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
#include "service/compile_step.h"
#include "service/copy_out.h"
#include "service/file_hints.h"
#include "service/input.h"
#include "service/out_directory.h"
#include "service/pipeline.h"
#include "service/warm_files.h"
#include "supervisor/supervisor.h"

namespace sandpit {
namespace {

// A write of at most PIPE_BUF bytes to a pipe that polls as writable does not block (pipe(7)).
constexpr std::size_t kNonBlockingWrite = 4096;
constexpr std::size_t kMostPending = 64U << 10U;

// Passes the output on to two descriptors of this process without ever blocking the loop.
class PassThrough final : public RunObserver {
 public:
  PassThrough(Supervisor& supervisor, OneShotIo& io) : supervisor_(supervisor), io_(io) {
    sinks_[0].fd = io.stdout_sink;
    sinks_[1].fd = io.stderr_sink;
  }
  void attach(SupervisedRun& run) { run_ = &run; }

  Verdict on_output(OutputStream stream, std::string_view bytes) override {
    if (io_.capture) captured(stream) += bytes;
    if (!io_.output) return Verdict::kTaken;
    Sink& to = sink(stream);
    if (to.gone) return Verdict::kGone;
    to.pending += bytes;
    flush(stream);
    if (to.gone) return Verdict::kGone;
    to.full = to.pending.size() >= kMostPending;
    return to.full ? Verdict::kFull : Verdict::kTaken;
  }

  void on_finished(Outcome outcome, UniqueFd volume) override {
    outcome.stdout_text = std::move(stdout_text_);
    outcome.stderr_text = std::move(stderr_text_);
    outcome_ = std::move(outcome);
    volume_ = std::move(volume);
    done_ = true;
  }

  // After the end: the rest goes out even if that blocks, until the user interrupts.
  void flush_all() {
    for (const OutputStream stream : {OutputStream::kStdout, OutputStream::kStderr}) {
      Sink& to = sink(stream);
      while (!to.gone && !to.pending.empty()) {
        std::array<pollfd, 2> wait{{{.fd = to.fd, .events = POLLOUT, .revents = 0},
                                    {.fd = io_.interrupt_fd, .events = POLLIN, .revents = 0}}};
        if (::poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) return;
        if ((wait[1].revents & POLLIN) != 0) return;
        write_some(stream);
      }
    }
  }
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] Outcome& outcome() { return outcome_; }
  [[nodiscard]] const UniqueFd& volume() const { return volume_; }

 private:
  struct Sink {
    int fd = -1;
    std::string pending;
    bool watched = false;
    bool full = false;
    bool gone = false;
  };
  Sink& sink(OutputStream stream) { return sinks_.at(stream == OutputStream::kStdout ? 0 : 1); }
  std::string& captured(OutputStream stream) {
    return stream == OutputStream::kStdout ? stdout_text_ : stderr_text_;
  }

  void write_some(OutputStream stream) {
    Sink& to = sink(stream);
    const std::string_view part = std::string_view(to.pending).substr(0, kNonBlockingWrite);
    if (io_.output(stream, part) == OneShotIo::Reader::kGone) {
      to.gone = true;
      to.pending.clear();
      return;
    }
    to.pending.erase(0, part.size());
  }

  void flush(OutputStream stream) {
    Sink& to = sink(stream);
    while (!to.gone && !to.pending.empty()) {
      pollfd ready{.fd = to.fd, .events = POLLOUT, .revents = 0};
      if (::poll(&ready, 1, 0) <= 0) break;
      write_some(stream);
    }
    // Gone too: the next output is then answered with kGone.
    if (to.full && to.pending.size() < kMostPending && run_ != nullptr) {
      to.full = false;
      supervisor_.resume(*run_, stream);
    }
    const bool wants = !to.pending.empty() && !to.gone;
    if (wants && !to.watched) {
      to.watched =
          supervisor_.watch(to.fd, EPOLLOUT, [this, stream](std::uint32_t) { flush(stream); })
              .has_value();
    } else if (!wants && to.watched) {
      supervisor_.forget(to.fd);
      to.watched = false;
    }
  }

  Supervisor& supervisor_;
  OneShotIo& io_;
  SupervisedRun* run_ = nullptr;
  std::array<Sink, 2> sinks_;
  std::string stdout_text_;
  std::string stderr_text_;
  Outcome outcome_;
  UniqueFd volume_;
  bool done_ = false;
};

Outcome launch_error(const Plan& plan, const Error& error) {
  Outcome outcome;
  outcome.status = error.code == ErrorCode::kRefused ? Status::kRefused : Status::kSandboxError;
  outcome.message = error.to_string();
  outcome.runtime = plan.runtime;
  outcome.engine = plan.engine;
  outcome.warnings = plan.warnings;
  return outcome;
}

// Runs one plan to its end; `observer` has its Outcome then.
Result<void> run_step(jail::JailEngine& engine, Supervisor& supervisor, Plan plan,
                      std::vector<UniqueFd> inputs, RunInput input, int interrupt_fd,
                      PassThrough& observer) {
  SP_TRY(SupervisedRun * run,
         supervisor.start(engine, std::move(plan), std::move(inputs), std::move(input), observer));
  observer.attach(*run);
  if (interrupt_fd >= 0) {
    SP_TRY_VOID(supervisor.watch(interrupt_fd, EPOLLIN, [&supervisor, run, interrupt_fd](auto) {
      supervisor.forget(interrupt_fd);
      supervisor.cancel(*run, "interrupted");
    }));
  }
  while (!observer.done()) SP_TRY_VOID(supervisor.step());
  if (interrupt_fd >= 0) supervisor.forget(interrupt_fd);
  observer.flush_all();
  return {};
}

Result<CompileResult> compile(PreparedCompile& step, jail::JailEngine& engine,
                              Supervisor& supervisor, int interrupt_fd) {
  if (auto found = find_compiled(step)) {
    return CompileResult{.compiled = std::move(found), .failure = {}};
  }
  OneShotIo io;
  io.capture = true;
  if (step.warm) {
    PassThrough maker(supervisor, io);
    SP_TRY_VOID(run_step(engine, supervisor, step.warm->plan, {}, {}, interrupt_fd, maker));
    SP_TRY_VOID(keep_warm(step.warm->directory, maker.volume(), maker.outcome(),
                          step.warm->plan.limits.disk));
  }
  PassThrough observer(supervisor, io);
  SP_TRY_VOID(
      run_step(engine, supervisor, step.plan, std::move(step.inputs), {}, interrupt_fd, observer));
  return finish_compile(step, observer.volume(), std::move(observer.outcome()));
}

Result<Outcome> run(Prepared prepared, OneShotIo& io, const Host& host) {
  SP_TRY(RunInput input, open_input(io.input));
  UniqueFd out;
  if (!io.out_dir.empty()) {
    SP_TRY(out, open_out_directory(io.out_dir));
  }
  SP_TRY(auto engine,
         jail::JailEngine::create(jail::JailEngine::Mode::kOneShot, host.facts, host.cgroups));
  SP_TRY(auto supervisor, Supervisor::create());
  std::shared_ptr<const Outcome> compile_outcome;
  if (prepared.compile) {
    SP_TRY(CompileResult result, compile(*prepared.compile, *engine, *supervisor, io.interrupt_fd));
    if (!result.compiled) return std::move(result.failure);
    compile_outcome = result.compiled->outcome;
    SP_TRY_VOID(add_artefact(result.compiled->artefact, prepared.plan, prepared.inputs));
    if (io.compiled) io.compiled(*compile_outcome);
  }
  const std::vector<InputFile> inputs = prepared.plan.inputs;
  const FileHints hints = hints_for(prepared.plan);
  PassThrough observer(*supervisor, io);
  SP_TRY_VOID(run_step(*engine, *supervisor, std::move(prepared.plan), std::move(prepared.inputs),
                       std::move(input), io.interrupt_fd, observer));
  observer.outcome().compile = std::move(compile_outcome);
  if (observer.outcome().files_traced) hints.explain(*observer.outcome().files_traced);
  if (out.valid() && observer.volume().valid()) {
    add_copied_out(observer.volume(), inputs, out, observer.outcome());
  }
  return std::move(observer.outcome());
}

}  // namespace

Host probe_host() {
  sys::CgroupHost cgroups = sys::CgroupHost::probe();
  const bool ordinary = ::geteuid() != 0;
  if (ordinary && cgroups.memory().version == CgroupVersion::kNone) {
    constexpr Milliseconds kPatience{5000};  // where systemd is busy; usually it takes 20 ms
    if (sys::delegate_by_systemd(kPatience)) cgroups = sys::CgroupHost::probe();
  }
  HostFacts facts = sys::probe_facts(cgroups);
  return {.cgroups = std::move(cgroups), .facts = std::move(facts)};
}

Outcome run_one_shot(Prepared prepared, OneShotIo io, const Host& host) {
  Plan described;
  described.runtime = prepared.plan.runtime;
  described.engine = prepared.plan.engine;
  described.warnings = prepared.plan.warnings;
  auto outcome = run(std::move(prepared), io, host);
  return outcome ? std::move(*outcome) : launch_error(described, outcome.error());
}

}  // namespace sandpit
