#include "sandpit/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "service/compile_step.h"
#include "service/copy_out.h"
#include "service/file_hints.h"
#include "service/input.h"
#include "service/launcher_client.h"
#include "service/out_directory.h"
#include "service/pipeline.h"
#include "service/runtime_names.h"
#include "service/warm_files.h"
#include "service/wasm_pool.h"
#include "service/wire.h"
#include "supervisor/supervisor.h"

namespace sandpit {
namespace {

Outcome outcome_of(const Error& error) {
  Outcome outcome;
  outcome.status = error.code == ErrorCode::kRefused ? Status::kRefused : Status::kSandboxError;
  outcome.message = error.to_string();
  outcome.engine = "jail";
  return outcome;
}

// A write to a pipe whose reader is gone raises SIGPIPE, which would end a host that does not
// ignore it: held back for this thread, and the one that we caused is taken off again.
ssize_t write_without_sigpipe(int fd, std::string_view bytes) {
  sigset_t pipe_signal;
  sigset_t before;
  sigset_t pending;
  (void)::sigemptyset(&pipe_signal);
  (void)::sigaddset(&pipe_signal, SIGPIPE);
  (void)::sigpending(&pending);
  const bool was_pending = ::sigismember(&pending, SIGPIPE) == 1;
  (void)::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t n = ::write(fd, bytes.data(), bytes.size());
  const int saved = errno;
  // A partial write raises it too: the reader went away in the middle.
  if (!was_pending) {
    constexpr timespec kNow{};
    while (::sigtimedwait(&pipe_signal, nullptr, &kNow) < 0 && errno == EINTR) {
    }
  }
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = saved;
  return n;
}

}  // namespace

struct Sandbox::Impl {
  Config config;
  RuntimeRegistry registry;
  std::shared_ptr<LauncherClient> launcher;
  bool warm = true;
  std::unique_ptr<WasmPool> wasm;  // after the launcher: its workers hang on it
  pid_t owner = ::getpid();

  // After fork(2) parent and child would read each other's answers.
  [[nodiscard]] Result<void> check_owner() const {
    if (::getpid() == owner) return {};
    return fail({.code = ErrorCode::kUsage,
                 .message = "this Sandbox belongs to the process that made it, before a fork",
                 .where = {},
                 .hint = "create one in each process"});
  }
};

// A run that has been sent to the launcher, until its last message.
struct Run::Impl {
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  // Not before: cancel() may be using the channel until then.
  ~Impl() {
    if (reusable) launcher->give_back(std::move(channel));
  }

  std::shared_ptr<LauncherClient> launcher;
  UniqueFd channel;
  pid_t owner = ::getpid();
  bool reusable = false;                // the launcher has sent this run's last message
  std::atomic<bool> cancelled = false;  // between two steps nobody else would remember
  bool may_be_warm = true;              // may the launcher fork it from a template?
  UniqueFd stdin_pipe;
  UniqueFd input;  // what the program reads, until the launcher has it
  std::uint8_t input_flag = 0;
  std::mutex stdin_mutex;
  OutputCallback callback;
  Prepared prepared;
  UniqueFd out_directory;  // where what the program made is copied to; invalid: it is not
  std::thread reader;
  Result<Outcome> result = Outcome{};
  bool waited = false;

  // Sends the first step's plan; from here on `collect` must be called.
  Result<void> begin(const std::shared_ptr<LauncherClient>& client, const Config& config,
                     const RuntimeRegistry& registry, const Request& request);
  Result<Outcome> collect();

 private:
  enum class Step : std::uint8_t { kWarm, kCompile, kRun };
  Result<void> send(const Plan& plan, const std::vector<UniqueFd>& files, Step step);
  Result<void> begin_run();
  // One step's messages up to its last. The volume comes along when it was asked for.
  Result<Outcome> collect_step(Step step, UniqueFd& volume);
  std::optional<Compiled> compiled_;
};

Result<void> Run::Impl::send(const Plan& plan, const std::vector<UniqueFd>& files, Step step) {
  std::uint8_t flags = 0;
  std::vector<int> descriptors;
  if (step == Step::kRun) {
    flags |= input_flag;
    if (input.valid()) descriptors.push_back(input.get());
    if (callback) flags |= wire::kStreaming;
  }
  for (const UniqueFd& file : files) descriptors.push_back(file.get());
  if (step != Step::kRun || out_directory.valid()) flags |= wire::kWantsVolume;
  SP_TRY(const wire::StartMessage message, wire::start_message(plan, flags));
  if (message.plan.valid()) descriptors.insert(descriptors.begin(), message.plan.get());
  return wire::send(channel.get(), wire::Kind::kStart, message.body, std::move(descriptors),
                    wire::Blocking::kWait);
}

Result<void> Run::Impl::begin(const std::shared_ptr<LauncherClient>& client, const Config& config,
                              const RuntimeRegistry& registry, const Request& request) {
  launcher = client;
  SP_TRY(prepared, prepare(request, config, registry, launcher->facts()));
  if (!may_be_warm && prepared.plan.cold_reason.empty())
    prepared.plan.cold_reason = "warm starts are off";
  if (!request.out_dir.empty()) {
    SP_TRY(out_directory, open_out_directory(request.out_dir));
  }
  SP_TRY(RunInput opened, open_input(request.input));
  if (std::holds_alternative<StdinStream>(request.input)) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) return fail(errno_error("pipe2", errno));
    input = UniqueFd(ends[0]);
    stdin_pipe = UniqueFd(ends[1]);
    input_flag = wire::kDirectInput;
  } else if (opened.pumped.valid()) {
    input_flag = wire::kPumpedInput;
    input = std::move(opened.pumped);
  }
  SP_TRY(channel, launcher->take_channel());
  if (prepared.compile) compiled_ = find_compiled(*prepared.compile);
  if (!prepared.compile || compiled_) return begin_run();
  if (prepared.compile->warm) return send(prepared.compile->warm->plan, {}, Step::kWarm);
  return send(prepared.compile->plan, prepared.compile->inputs, Step::kCompile);
}

Result<void> Run::Impl::begin_run() {
  if (compiled_) {
    SP_TRY_VOID(add_artefact(compiled_->artefact, prepared.plan, prepared.inputs));
  }
  SP_TRY_VOID(send(prepared.plan, prepared.inputs, Step::kRun));
  input.reset();
  prepared.inputs.clear();
  // It came before the launcher had anything that it could end.
  if (cancelled)
    (void)wire::send(channel.get(), wire::Kind::kCancel, {}, {}, wire::Blocking::kDontWait);
  return {};
}

Result<Outcome> Run::Impl::collect_step(Step step, UniqueFd& volume) {
  std::string out;
  std::string err;
  const bool streaming = callback && step == Step::kRun;
  for (;;) {
    auto message = wire::receive(channel.get(), wire::Blocking::kWait);
    if (!message) {
      Error error = message.error();
      error.code = ErrorCode::kSandbox;
      return fail(with_context(std::move(error), "the launcher has ended"));
    }
    if (message->kind == wire::Kind::kStdout || message->kind == wire::Kind::kStderr) {
      const bool is_stdout = message->kind == wire::Kind::kStdout;
      (is_stdout ? out : err) += message->body;
      if (streaming)
        callback(is_stdout ? OutputStream::kStdout : OutputStream::kStderr, message->body);
      continue;
    }
    reusable = true;
    if (message->kind == wire::Kind::kError) return outcome_of(wire::decode_error(message->body));
    SP_TRY(Outcome outcome, wire::decode_outcome(message->body));
    if (streaming && !outcome.stdout_text.empty())
      callback(OutputStream::kStdout, outcome.stdout_text);
    if (streaming && !outcome.stderr_text.empty())
      callback(OutputStream::kStderr, outcome.stderr_text);
    outcome.stdout_text = std::move(out) + outcome.stdout_text;
    outcome.stderr_text = std::move(err) + outcome.stderr_text;
    if (!message->descriptors.empty()) volume = std::move(message->descriptors.front());
    return outcome;
  }
}

Result<Outcome> Run::Impl::collect() {
  if (prepared.compile && !compiled_) {
    UniqueFd volume;
    if (const auto& warm = prepared.compile->warm) {
      SP_TRY(const Outcome made, collect_step(Step::kWarm, volume));
      SP_TRY_VOID(keep_warm(warm->directory, volume, made, warm->plan.limits.disk));
      reusable = false;
      SP_TRY_VOID(send(prepared.compile->plan, prepared.compile->inputs, Step::kCompile));
    }
    SP_TRY(Outcome outcome, collect_step(Step::kCompile, volume));
    CompileResult compiled = finish_compile(*prepared.compile, volume, std::move(outcome));
    if (!compiled.compiled) return std::move(compiled.failure);
    compiled_ = std::move(compiled.compiled);
    reusable = false;
    SP_TRY_VOID(begin_run());
  }
  UniqueFd volume;
  SP_TRY(Outcome outcome, collect_step(Step::kRun, volume));
  if (compiled_) outcome.compile = compiled_->outcome;
  if (outcome.files_traced) hints_for(prepared.plan).explain(*outcome.files_traced);
  if (out_directory.valid() && volume.valid()) {
    add_copied_out(volume, prepared.plan.inputs, out_directory, outcome);
  }
  return outcome;
}

Run::Run(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Run::Run(Run&&) noexcept = default;
Run& Run::operator=(Run&& other) noexcept {
  if (this != &other) {
    Run old(std::move(*this));
    impl_ = std::move(other.impl_);
  }
  return *this;
}

Run::~Run() {
  if (impl_ == nullptr) return;
  if (impl_->reader.joinable()) {
    if (::getpid() != impl_->owner) {
      // In a child of fork(2) there is no such thread, and the run is the parent's.
      impl_->reader.detach();
      return;
    }
    cancel();
    close_stdin();
    impl_->reader.join();
  }
}

Result<void> Run::write_stdin(std::string_view bytes) {
  const std::scoped_lock lock(impl_->stdin_mutex);
  while (!bytes.empty()) {
    if (!impl_->stdin_pipe.valid()) {
      return fail({.code = ErrorCode::kCancelled, .message = "standard input is closed"});
    }
    const ssize_t n = write_without_sigpipe(impl_->stdin_pipe.get(), bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error("standard input", errno, ErrorCode::kCancelled));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

void Run::close_stdin() {
  const std::scoped_lock lock(impl_->stdin_mutex);
  impl_->stdin_pipe.reset();
}

void Run::cancel() {
  impl_->cancelled = true;
  // Too late, it reaches an idle session of the launcher, which ignores it.
  (void)wire::send(impl_->channel.get(), wire::Kind::kCancel, {}, {}, wire::Blocking::kDontWait);
}

Result<Outcome> Run::wait() {
  if (impl_->waited) return fail({.code = ErrorCode::kUsage, .message = "wait was called before"});
  impl_->waited = true;
  impl_->reader.join();
  return std::move(impl_->result);
}

Sandbox::Sandbox(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Sandbox::Sandbox(Sandbox&&) noexcept = default;
Sandbox& Sandbox::operator=(Sandbox&&) noexcept = default;
Sandbox::~Sandbox() = default;

Result<Sandbox> Sandbox::create(Config config, const SandboxOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->config = std::move(config);
  const std::vector<std::string> directories = options.runtime_directories.empty()
                                                   ? default_runtime_directories()
                                                   : options.runtime_directories;
  // A bad manifest does not stop the others; a runtime that is missing because of one says so when
  // it is asked for.
  add_builtin_runtimes(impl->registry);
  (void)load_manifests(impl->registry, directories);
  SP_TRY_VOID(check_runtime_names(impl->config, impl->registry));
  SP_TRY(const std::string path, find_launcher(options.launcher));
  SP_TRY(impl->launcher, LauncherClient::start(path));
  SP_TRY_VOID(impl->launcher->configure(options.warm.templates));
  impl->warm = options.warm.enabled;
  impl->wasm =
      std::make_unique<WasmPool>(impl->launcher, impl->config, impl->registry, options.warm);
  return Sandbox(std::move(impl));
}

Result<Outcome> Sandbox::run(const Request& request) const {
  SP_TRY_VOID(impl_->check_owner());
  if (auto warm = impl_->wasm->try_run(request)) return std::move(*warm);
  Run::Impl run;
  run.may_be_warm = impl_->warm;
  SP_TRY_VOID(run.begin(impl_->launcher, impl_->config, impl_->registry, request));
  return run.collect();
}

Result<Run> Sandbox::start(const Request& request, OutputCallback callback) const {
  SP_TRY_VOID(impl_->check_owner());
  auto run = std::make_unique<Run::Impl>();
  run->callback = std::move(callback);
  run->may_be_warm = impl_->warm;
  SP_TRY_VOID(run->begin(impl_->launcher, impl_->config, impl_->registry, request));
  Run::Impl* self = run.get();
  // Signals of the host belong to the host's threads.
  sigset_t all;
  sigset_t before;
  (void)::sigfillset(&all);
  (void)::pthread_sigmask(SIG_SETMASK, &all, &before);
  run->reader = std::thread([self] { self->result = self->collect(); });
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return Run(std::move(run));
}

Result<std::vector<TemplateCounts>> Sandbox::template_counts() const {
  SP_TRY_VOID(impl_->check_owner());
  return impl_->launcher->template_counts();
}

RuntimeRegistry& Sandbox::runtimes() { return impl_->registry; }
const Config& Sandbox::config() const { return impl_->config; }

}  // namespace sandpit
