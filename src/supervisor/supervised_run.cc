#include "supervisor/supervised_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/descriptors.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "egress/protocol.h"
#include "engine/jail/child.h"
#include "engine/jail/jail.h"
#include "plan/enforced_by.h"
#include "plan/plan.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"
#include "supervisor/denial_listener.h"
#include "supervisor/describe.h"
#include "supervisor/egress_link.h"
#include "supervisor/input_pump.h"
#include "supervisor/output_collector.h"
#include "supervisor/supervisor.h"
#include "sys/cgroup.h"
#include "sys/proc_sampler.h"

namespace sandpit {
namespace {

constexpr std::size_t kChunk = 64U << 10U;
// Between two samples of memory where no cgroup counts it: short enough that a fast allocator
// overshoots little, long enough to cost under a percent.
constexpr std::chrono::milliseconds kSamplePeriod{5};
// A template that has not begun a run by then is of no use any more, whatever the run's own limit.
constexpr std::chrono::seconds kLongestUnborn{10};

// Of a run that nobody has asked for.
class NoObserver final : public RunObserver {
 public:
  Verdict on_output(OutputStream /*stream*/, std::string_view /*bytes*/) override {
    return Verdict::kTaken;
  }
  void on_finished(Outcome /*outcome*/, UniqueFd /*volume*/) override {}
};

Result<jail::Jail> make_jail(Supervisor& supervisor, jail::JailEngine& engine,
                             SupervisedRun::Origin origin, Plan& plan,
                             const std::vector<UniqueFd>& inputs, const UniqueFd& standard_input) {
  if (origin.waiting) {
    if (engine.begin(*origin.waiting, plan, inputs, standard_input)) {
      return std::move(*origin.waiting);
    }
    supervisor.discard(std::move(*origin.waiting), plan);
  }
  if (origin.from != nullptr) {
    auto forked = engine.fork(*origin.from, plan, inputs, standard_input);
    if (forked) return forked;
    // Its template has died meanwhile, or has more to do than its socket holds.
    plan.cold_reason = forked.error().to_string();
  }
  return engine.start(plan, inputs, standard_input);
}

// Of one group, less what had been used earlier.
sys::CgroupUsage since(sys::CgroupUsage usage, const sys::CgroupUsage& before) {
  const auto less = [](std::optional<Microseconds>& now, const std::optional<Microseconds>& then) {
    if (now && then) now = std::max(*now - *then, Microseconds(0));
  };
  less(usage.cpu, before.cpu);
  less(usage.user, before.user);
  less(usage.system, before.system);
  return usage;
}

Result<void> make_pipe(UniqueFd& read_end, UniqueFd& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail(errno_error("pipe2", errno));
  read_end = UniqueFd(ends[0]);
  write_end = UniqueFd(ends[1]);
  return {};
}

}  // namespace

SupervisedRun::SupervisedRun(Supervisor& supervisor, jail::Jail jail, Plan plan,
                             RunObserver& observer)
    : supervisor_(supervisor),
      jail_(std::move(jail)),
      plan_(std::move(plan)),
      observer_(&observer),
      stdout_{.pipe = &jail_.stdout_pipe(), .collector = OutputCollector(plan_.limits.output)},
      stderr_{.pipe = &jail_.stderr_pipe(), .collector = OutputCollector(plan_.limits.output)},
      started_(jail_.started()),
      ended_(started_) {
  const auto enforced_by = [this](std::string_view limit, Mechanism mechanism) {
    return is_enforced_by(plan_.enforcement, limit, mechanism);
  };
  cpu_by_cgroup_ = enforced_by("cpu_time", Mechanism::kCgroupV1) ||
                   enforced_by("cpu_time", Mechanism::kCgroupV2);
  cpu_by_sampling_ = enforced_by("cpu_time", Mechanism::kSampled);
  memory_by_sampling_ = enforced_by("memory", Mechanism::kSampled);
  start_clocks(started_);
}

void SupervisedRun::start_clocks(Clock::time_point now) {
  started_ = now;
  // The earliest moment at which all processors together can have used the limit up.
  if (cpu_by_cgroup_) next_cpu_check_ = now + plan_.limits.cpu_time / online_processors();
  if (cpu_by_sampling_ || memory_by_sampling_) next_sample_ = now + kSamplePeriod;
}

SupervisedRun::~SupervisedRun() {
  input_.reset();
  stop_listening();
  close_output(stdout_);
  close_output(stderr_);
  if (jail_.pidfd() >= 0) supervisor_.forget(jail_.pidfd());
  supervisor_.forget(jail_.socket());
  if (jail_.cgroup() != nullptr) supervisor_.forget(jail_.cgroup()->event_descriptor());
}

Result<std::unique_ptr<SupervisedRun>> SupervisedRun::start(Supervisor& supervisor,
                                                            jail::JailEngine& engine, Origin origin,
                                                            Plan plan, std::vector<UniqueFd> inputs,
                                                            RunInput input, RunObserver& observer) {
  std::unique_ptr<wasm::Session> session;
  if (plan.wasm) {
    SP_TRY(session, wasm::Session::open(plan, inputs));
  }
  std::unique_ptr<EgressLink> egress;
  if (plan.egress) {
    SP_TRY(egress, EgressLink::start(supervisor, engine, plan));
  }
  UniqueFd read_end = std::move(input.direct);
  UniqueFd write_end;
  if (!read_end.valid()) SP_TRY_VOID(make_pipe(read_end, write_end));
  SP_TRY(jail::Jail jail, make_jail(supervisor, engine, std::move(origin), plan, inputs, read_end));
  read_end.reset();
  auto run = std::unique_ptr<SupervisedRun>(
      new SupervisedRun(supervisor, std::move(jail), std::move(plan), observer));
  if (egress != nullptr) {
    run->egress_ = std::move(egress);
    run->egress_->on_unstarted(
        [self = run.get()] { self->kill(KillReason::kCancelled, "its network is not there"); });
  }
  if (session != nullptr) {
    run->wasm_ = std::move(session);
    run->grace_ = wasm::kGrace;
  }
  SP_TRY_VOID(run->watch_all());
  if (input.pumped.valid() && write_end.valid()) {
    SP_TRY(run->input_,
           InputPump::start(supervisor, std::move(input.pumped), std::move(write_end)));
  }
  if (!run->jail_.forked()) run->watch_tree();
  return run;
}

Result<std::unique_ptr<SupervisedRun>> SupervisedRun::end(Supervisor& supervisor,
                                                          jail::Jail waiting, Plan plan) {
  auto observer = std::make_shared<NoObserver>();
  auto run = std::unique_ptr<SupervisedRun>(
      new SupervisedRun(supervisor, std::move(waiting), std::move(plan), *observer));
  run->keep(std::move(observer));
  // Its birth may wait unread in its socket: nobody has looked since it was forked.
  run->started_ = Clock::now();
  SP_TRY_VOID(run->watch_all());
  run->kill(KillReason::kCancelled, "");
  return run;
}

Result<void> SupervisedRun::hand_over(const jail::JailEngine& engine, UniqueFd& control, Plan& plan,
                                      const std::vector<UniqueFd>& inputs, RunInput& input,
                                      RunObserver& observer) {
  if (reported_ || wait_status_ || reason_ != KillReason::kNone || jail_.cgroup() == nullptr) {
    return fail({.code = ErrorCode::kSandbox, .message = "its process has ended"});
  }
  UniqueFd read_end;
  UniqueFd write_end;
  if (!input.direct.valid()) SP_TRY_VOID(make_pipe(read_end, write_end));
  SP_TRY(before_, jail_.cgroup()->usage());
  const Clock::time_point now = Clock::now();
  SP_TRY_VOID(engine.hand_over(jail_, control.get(), plan, inputs,
                               input.direct.valid() ? input.direct : read_end));
  input.direct.reset();
  handed_over_ = true;
  control_ = std::move(control);
  plan_ = std::move(plan);
  observer_ = &observer;
  start_clocks(now);
  if (!input.pumped.valid() || !write_end.valid()) return {};
  // The program may have begun: what can't be pumped is an input that ends at once.
  auto pump = InputPump::start(supervisor_, std::move(input.pumped), std::move(write_end));
  if (pump) input_ = std::move(*pump);
  return {};
}

void SupervisedRun::watch_tree() {
  if (!cpu_by_sampling_ && !memory_by_sampling_) return;
  proc_ = UniqueFd(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  sampler_.emplace(jail_.pid(), proc_);
}

Result<void> SupervisedRun::watch_all() {
  if (!jail_.forked()) {
    SP_TRY_VOID(supervisor_.watch(jail_.pidfd(), EPOLLIN, [this](std::uint32_t) { on_exit(); }));
  }
  SP_TRY_VOID(supervisor_.watch(jail_.socket(), EPOLLIN,
                                [this](std::uint32_t events) { on_socket(events); }));
  SP_TRY_VOID(supervisor_.watch(stdout_.pipe->get(), EPOLLIN,
                                [this](std::uint32_t) { on_output(OutputStream::kStdout); }));
  SP_TRY_VOID(supervisor_.watch(stderr_.pipe->get(), EPOLLIN,
                                [this](std::uint32_t) { on_output(OutputStream::kStderr); }));
  if (jail_.cgroup() != nullptr && jail_.cgroup()->event_descriptor() >= 0) {
    SP_TRY_VOID(supervisor_.watch(jail_.cgroup()->event_descriptor(), EPOLLIN | EPOLLPRI,
                                  [this](std::uint32_t) { on_memory_event(); }));
  }
  return {};
}

void SupervisedRun::kill(KillReason reason, std::string_view message) {
  if (reason_ == KillReason::kNone) {
    reason_ = reason;
    kill_message_ = message;
  }
  jail_.kill();
}

void SupervisedRun::abandon() {
  kept_observer_ = std::make_shared<NoObserver>();
  observer_ = kept_observer_.get();
  kill(KillReason::kCancelled, "");
}

// ---- time and memory

SupervisedRun::Clock::time_point SupervisedRun::next_deadline() const {
  if (reported_ && !told_) return egress_deadline_;
  if (reported_ || wait_status_) return Clock::time_point::max();
  const bool unborn = jail_.forked() && jail_.pidfd() < 0 && !told_stuck_;
  if (reason_ != KillReason::kNone) {
    return unborn ? started_ + kLongestUnborn : Clock::time_point::max();
  }
  return std::min({started_ + plan_.limits.wall_time + grace_, next_cpu_check_, next_sample_});
}

void SupervisedRun::on_deadline(Clock::time_point now) {
  if (reported_ && !told_) {
    egress_deadline_ = Clock::time_point::max();
    egress_->cut();
    return;
  }
  // One that was killed already has a deadline only as long as it is not born.
  if (reason_ != KillReason::kNone || now >= started_ + plan_.limits.wall_time + grace_) {
    // A run whose time is over before its template has got to it ends when it is born. The template
    // is only to blame when that takes longer than any queue.
    if (jail_.forked() && jail_.pidfd() < 0 && now >= started_ + kLongestUnborn) {
      told_stuck_ = true;
      jail_.tell_stuck();
    }
    // The program's end may be waiting to be read: then it was in time.
    if (!wait_status_) kill(KillReason::kWallTime, "");
    return;
  }
  if (now >= next_cpu_check_) check_cpu(now);
  if (now >= next_sample_) sample(now);
}

void SupervisedRun::grant_cpu(Milliseconds total) {
  plan_.limits.cpu_time = std::max(plan_.limits.cpu_time, total);
}

void SupervisedRun::check_cpu(Clock::time_point now) {
  const auto used = jail_.cgroup()->cpu_time();
  if (!used) {
    // A limit that can't be read is not enforced any more: the run ends rather than go on
    // unlimited.
    kill(KillReason::kCancelled,
         fmt::format("the CPU time of the run can't be read: {}", used.error().to_string()));
    return;
  }
  // What was used before it was this run's does not count.
  const Microseconds limit = plan_.limits.cpu_time + grace_ + before_.cpu.value_or(Microseconds(0));
  if (*used >= limit) {
    kill(KillReason::kCpuTime, "");
    return;
  }
  const Microseconds rest = limit - *used;
  next_cpu_check_ = now + std::max<Microseconds>(rest / online_processors(), Microseconds(1000));
}

void SupervisedRun::sample(Clock::time_point now) {
  next_sample_ = now + kSamplePeriod;
  if (!sampler_) return;  // its template has not begun
  const auto tree = sampler_->sample();
  if (!tree) return;  // ended meanwhile: the pidfd tells
  sampled_cpu_ = tree->cpu();
  const ByteCount memory = ByteCount::bytes(tree->memory.count() + volume_bytes(volume_).count());
  sampled_memory_ = std::max(sampled_memory_, memory);
  if (memory_by_sampling_ && memory > plan_.limits.memory) kill(KillReason::kMemory, "");
  if (cpu_by_sampling_ && sampled_cpu_ >= plan_.limits.cpu_time + grace_)
    kill(KillReason::kCpuTime, "");
}

void SupervisedRun::on_memory_event() {
  jail_.cgroup()->drain_events();
  if (reported_) return;
  const auto usage = jail_.cgroup()->usage();
  if (usage && usage->oom_kills > 0) kill(KillReason::kMemory, "");
}

// ---- init's messages

void SupervisedRun::on_socket(std::uint32_t events) {
  for (;;) {
    jail::ChildMessage message;
    iovec part{.iov_base = &message, .iov_len = sizeof message};
    DescriptorRoom<jail::kMostEgressSockets> room;
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = room.bytes.data();
    header.msg_controllen = room.bytes.size();
    const ssize_t n = ::recvmsg(jail_.socket(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    // Init failed before it read "go". The kernel tells that first, and once; what init said is
    // still there.
    if (n < 0 && errno == ECONNRESET) continue;
    if (n != static_cast<ssize_t>(sizeof message)) {
      on_hang_up();
      return;
    }
    on_message(message, take_descriptors(header));
  }
  if ((events & EPOLLHUP) != 0) on_hang_up();
  // init's own end takes 0.15 ms more and changes nothing, where the cgroup has counted everything.
  if (wait_status_ && alone_ && !reported_ && cpu_by_cgroup_ && !memory_by_sampling_) {
    report(told_end_);
  }
}

void SupervisedRun::on_message(const jail::ChildMessage& message,
                               std::vector<UniqueFd> descriptors) {
  switch (message.kind) {
    case jail::MessageKind::kStarted:
      // Once, and only where a template is to tell it: the program's side can't, since it comes
      // later.
      if (jail_.pidfd() >= 0 || descriptors.empty()) break;
      jail_.adopt(std::move(descriptors.front()));
      (void)supervisor_.watch(jail_.pidfd(), EPOLLIN, [this](std::uint32_t) { on_exit(); });
      watch_tree();
      break;
    case jail::MessageKind::kVolume:
      if (!descriptors.empty()) volume_ = std::move(descriptors.front());
      proc_missing_ = message.proc_missing != 0;
      break;
    case jail::MessageKind::kListener:
      on_listener(message, std::move(descriptors));
      break;
    case jail::MessageKind::kEgress:
      if (egress_ && !wait_status_) egress_->hand_over(descriptors);
      break;
    case jail::MessageKind::kFailed:
      if (!launch_failure_) launch_failure_ = message;
      break;
    case jail::MessageKind::kExited:
      wait_status_ = message.wait_status;
      alone_ = message.alone != 0;
      ended_ = Clock::now();
      told_end_ = told_end(message);
      break;
  }
}

// ---- denials

// Once, before the program begins: what comes later is nothing that the launch has sent.
void SupervisedRun::on_listener(const jail::ChildMessage& message,
                                std::vector<UniqueFd> descriptors) {
  if (!plan_.report_denials || denials_ || !denials_missing_.empty() || wait_status_) return;
  if (descriptors.empty()) {
    denials_missing_ = fmt::format("there is no listener: {}",
                                   errno_error("seccomp", message.errno_value).to_string());
    return;
  }
  denials_ = DenialListener::create(std::move(descriptors.front()), plan_);
  const bool watched =
      denials_ &&
      supervisor_.watch(denials_->descriptor(), EPOLLIN, [this](std::uint32_t) { on_denial(); })
          .has_value();
  if (watched) return;
  // Its end is closed with it: the kernel then answers ENOSYS to what would have been told.
  denials_.reset();
  denials_missing_ = "the listener can't be watched";
}

void SupervisedRun::on_denial() {
  if (denials_->serve() == DenialListener::State::kBroken) stop_listening();
}

void SupervisedRun::stop_listening() {
  if (!denials_) return;
  supervisor_.forget(denials_->descriptor());
  denials_->close();
}

// Nobody holds the other end any more. Before a template has told of an init, there is none whose
// end could be waited for.
void SupervisedRun::on_hang_up() {
  supervisor_.forget(jail_.socket());
  if (jail_.pidfd() >= 0 || reaped_) return;
  ended_ = Clock::now();
  wait_status_ = -1;
  reaped_ = true;
  if (!reported_) report({});
}

// ---- output

void SupervisedRun::on_output(OutputStream stream) {
  if (!output(stream).paused) (void)read_output(stream);
}

// One read, so that a flood on one stream leaves the loop's other events their turn. Answers
// whether there was something.
bool SupervisedRun::read_output(OutputStream stream) {
  Output& out = output(stream);
  if (!out.pipe->valid()) return false;
  std::array<char, kChunk> buffer;  // NOLINT(*-member-init): filled by read
  const ssize_t n = ::read(out.pipe->get(), buffer.data(), buffer.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return errno == EINTR;
  if (n <= 0) {
    close_output(out);
    return false;
  }
  const std::string_view head = out.collector.take({buffer.data(), static_cast<std::size_t>(n)});
  if (head.empty()) return true;
  const RunObserver::Verdict verdict = observer_->on_output(stream, head);
  if (verdict == RunObserver::Verdict::kGone) close_output(out);
  if (verdict == RunObserver::Verdict::kFull && out.pipe->valid()) {
    out.paused = true;
    (void)supervisor_.rewatch(out.pipe->get(), 0);
  }
  return true;
}

void SupervisedRun::resume(OutputStream stream) {
  Output& out = output(stream);
  if (!out.paused) return;
  out.paused = false;
  if (out.pipe->valid()) (void)supervisor_.rewatch(out.pipe->get(), EPOLLIN);
}

void SupervisedRun::close_output(Output& out) {
  if (!out.pipe->valid()) return;
  supervisor_.forget(out.pipe->get());
  out.pipe->reset();
}

// ---- the end

void SupervisedRun::on_exit() {
  supervisor_.forget(jail_.pidfd());
  on_socket(0);
  if (!wait_status_) ended_ = Clock::now();
  wait_status_ = wait_status_.value_or(-1);
  const jail::Jail::End end = jail_.reap();
  reaped_ = true;
  if (!reported_) report(jail_.forked() ? told_end_ : end);
}

// What its process could not do before it began, if anything.
void SupervisedRun::read_control() {
  if (!control_.valid()) return;
  jail::ChildMessage message;
  ssize_t n = 0;
  while ((n = ::recv(control_.get(), &message, sizeof message, MSG_DONTWAIT)) > 0) {
    const bool told = n == static_cast<ssize_t>(sizeof message);
    if (told && message.kind == jail::MessageKind::kFailed && !launch_failure_) {
      launch_failure_ = message;
    }
  }
}

// Called when nothing can write any more: what is in the pipes is all there is.
void SupervisedRun::report(const jail::Jail::End& end) {
  reported_ = true;
  input_.reset();
  stop_listening();
  for (const OutputStream stream : {OutputStream::kStdout, OutputStream::kStderr}) {
    while (read_output(stream)) {
    }
  }
  sys::CgroupUsage usage;
  if (jail_.cgroup() != nullptr) {
    auto read = jail_.cgroup()->usage();
    if (read) usage = since(*read, before_);
  }
  read_control();
  for (const OutputStream stream : {OutputStream::kStdout, OutputStream::kStderr}) {
    const std::string tail = output(stream).collector.finish();
    if (!tail.empty()) (void)observer_->on_output(stream, tail);
    close_output(output(stream));
  }
  Outcome& outcome = outcome_;
  outcome.stdout_bytes = stdout_.collector.total();
  outcome.stderr_bytes = stderr_.collector.total();
  outcome.stdout_truncated = stdout_.collector.truncated();
  outcome.stderr_truncated = stderr_.collector.truncated();
  describe_run(RunFacts{.plan = plan_,
                        .wall_time = std::chrono::duration_cast<Microseconds>(ended_ - started_),
                        .reason = reason_,
                        .kill_message = kill_message_,
                        .launch_failure = launch_failure_ ? &*launch_failure_ : nullptr,
                        .wait_status = *wait_status_,
                        .usage = usage,
                        .end = end,
                        .sampled_cpu = sampled_cpu_,
                        .sampled_memory = sampled_memory_,
                        .files = volume_bytes(volume_),
                        .volume_full = volume_full(volume_),
                        .proc_missing = proc_missing_},
               outcome);
  if (jail_.forked() || handed_over_) outcome.start = "warm";
  outcome.start_reason = plan_.cold_reason;
  outcome.denials_missing = plan_.silent_reason.empty() ? denials_missing_ : plan_.silent_reason;
  if (denials_) denials_->add_to(outcome);
  if (plan_.trace && !outcome.files_traced) {
    outcome.files_traced = FileTrace{.missing = outcome.denials_missing};
  }
  if (wasm_ != nullptr) wasm_->finish(plan_, outcome);
  if (egress_ == nullptr) return tell();
  // A second more than the proxy takes by itself.
  egress_deadline_ = Clock::now() + egress::kEndTime + std::chrono::seconds(1);
  egress_->drain([this] { finish_egress(); });
}

void SupervisedRun::tell() {
  told_ = true;
  observer_->on_finished(std::move(outcome_), std::move(volume_));
}

void SupervisedRun::finish_egress() {
  egress_->finish(outcome_);
  const std::string unstarted = egress_->unstarted();
  if (!unstarted.empty()) {
    outcome_.status = Status::kSandboxError;
    outcome_.exit_code = 0;
    outcome_.signal = 0;
    outcome_.message = "the egress proxy could not be started: " + unstarted;
  }
  tell();
}

}  // namespace sandpit
