// `sandpit batch`: wires tasks, results, the library and the terminal together.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
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
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/outcome_text.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "base/write_all.h"
#include "batch/batch.h"
#include "batch/id_set.h"
#include "batch/live_sandbox.h"
#include "batch/progress.h"
#include "batch/result_sink.h"
#include "batch/results_file.h"
#include "batch/tally.h"
#include "cli/batch_options.h"
#include "cli/batch_summary.h"
#include "cli/commands.h"
#include "cli/descriptors.h"
#include "cli/progress_console.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"
#include "service/run_needs.h"
#include "sys/cgroup.h"
#include "sys/memory_room.h"

namespace sandpit::cli {
namespace {

constexpr int kRedrawMs = 100;

struct Tasks {
  UniqueFd owned;
  int descriptor = STDIN_FILENO;
  std::string name = "standard input";
  std::string directory;
  std::optional<std::uint64_t> bytes;  // empty: not known
};

Result<Tasks> open_tasks(const BatchArguments& arguments) {
  Tasks tasks;
  if (arguments.tasks != "-") {
    tasks.name = arguments.tasks;
    tasks.owned = UniqueFd(::open(arguments.tasks.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!tasks.owned.valid()) {
      return fail(errno_error(fmt::format("cannot read {}", tasks.name), errno, ErrorCode::kUsage));
    }
    tasks.descriptor = tasks.owned.get();
    const std::size_t slash = arguments.tasks.rfind('/');
    if (slash != std::string::npos) tasks.directory = arguments.tasks.substr(0, slash + 1);
  }
  struct stat status{};
  if (::fstat(tasks.descriptor, &status) < 0) return fail(errno_error(tasks.name, errno));
  if (S_ISDIR(status.st_mode)) {
    return fail(errno_error(fmt::format("cannot read {}", tasks.name), EISDIR, ErrorCode::kUsage));
  }
  if (S_ISREG(status.st_mode)) tasks.bytes = static_cast<std::uint64_t>(status.st_size);
  struct stat results{};
  if (!arguments.results.empty() && ::stat(arguments.results.c_str(), &results) == 0 &&
      results.st_dev == status.st_dev && results.st_ino == status.st_ino) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("{} holds the tasks: results can't go there", tasks.name)});
  }
  return tasks;
}

Result<batch::ResultsFile> open_results(const BatchArguments& arguments, batch::IdSet& ids,
                                        ProgressConsole& console) {
  if (arguments.results.empty()) {
    return batch::ResultsFile::borrow(STDOUT_FILENO, "standard output");
  }
  batch::Resumed resumed;
  SP_TRY(batch::ResultsFile file,
         batch::ResultsFile::open(arguments.results, arguments.existing, ids, resumed));
  if (resumed.cut_bytes != 0) {
    console.warning(fmt::format("{}: a torn last line of {} was cut off; its task is run again",
                                arguments.results, to_text(ByteCount::bytes(resumed.cut_bytes))));
  }
  if (resumed.newline_added) {
    console.warning(fmt::format("{}: the last line had no newline; it got one", arguments.results));
  }
  return file;
}

Result<ByteCount> memory_budget(const BatchArguments& arguments) {
  ByteCount budget;
  if (arguments.memory_budget) {
    budget = *arguments.memory_budget;
  } else {
    SP_TRY(budget, sys::memory_room(sys::CgroupHost::probe().memory()));
  }
  constexpr double kMost = 9e18;
  const double promised = static_cast<double>(budget.count()) * arguments.overcommit;
  return ByteCount::bytes(static_cast<std::uint64_t>(std::min(promised, kMost)));
}

unsigned processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) < 0) return 1;
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

Result<Config> load_config(const BatchArguments& arguments, ProgressConsole& console) {
  ConfigSources sources;
  if (!arguments.config.empty()) sources.named_file = arguments.config;
  sources.profile = arguments.profile;
  SP_TRY(Config config, Config::load(sources));
  for (const std::string& warning : config.warnings()) console.warning(warning);
  return config;
}

// One batch from its start to its exit status.
class Command {
 public:
  Command(const BatchArguments& arguments, Log& log)
      : arguments_(arguments),
        log_(log),
        console_(STDERR_FILENO, log,
                 arguments.quiet ? ProgressConsole::Progress::kOff
                                 : ProgressConsole::Progress::kIfTerminal) {}

  int run() {
    auto status = prepare_and_run();
    if (status) return *status;
    console_.clear();
    return report(status.error(), log_);
  }

 private:
  Result<int> prepare_and_run() {
    SP_TRY(const Config config, load_config(arguments_, console_));
    SP_TRY(const RuntimeRegistry registry,
           load_runtimes(config, [&](std::string_view warning) { console_.warning(warning); }));
    SP_TRY(const Tasks tasks, open_tasks(arguments_));
    SP_TRY(const ByteCount budget, memory_budget(arguments_));
    // Before any thread is made: all of them inherit the mask.
    SP_TRY(const UniqueFd interrupts, interrupt_descriptor());
    SP_TRY(const auto sandbox,
           batch::LiveSandbox::create([&] { return Sandbox::create(config); },
                                      [&](std::string_view what) { console_.warning(what); }));
    batch::IdSet ids;
    SP_TRY(batch::ResultsFile file, open_results(arguments_, ids, console_));
    batch::ResultSink sink(file, arguments_.order);
    batch::BatchHooks hooks{
        .run = [&](const Request& request) { return sandbox->run(request); },
        .needs = [&](const Request& request) { return needs_of(request, config, registry); },
        .warn = [&](const Error& error) { console_.error(error); }};
    batch::Batch batch({.jobs = arguments_.jobs != 0 ? arguments_.jobs : processors(),
                        .order = arguments_.order,
                        .on_failure = arguments_.on_failure,
                        .budget = budget,
                        .ahead = {},
                        .name = tasks.name,
                        .directory = tasks.directory,
                        .defaults = arguments_.defaults},
                       std::move(hooks), tasks.descriptor, sink, ids, tally_);
    started_ = std::chrono::steady_clock::now();
    SP_TRY_VOID(batch.start());
    const int signal = watch(batch, sink, tasks, interrupts.get());
    const batch::Ending ending = batch.join();
    const auto written = sink.finish();
    console_.clear();
    return conclude(ending, written, signal);
  }

  // Until the batch has ended; answers the signal that stopped it, 0 when none did.
  int watch(batch::Batch& batch, batch::ResultSink& sink, const Tasks& tasks, int interrupts) {
    int stopped_by = 0;
    while (true) {
      std::array<pollfd, 2> waiting{
          pollfd{.fd = batch.done_descriptor(), .events = POLLIN, .revents = 0},
          pollfd{.fd = interrupts, .events = POLLIN, .revents = 0}};
      const int patience = console_.shows_progress() ? kRedrawMs : -1;
      if (::poll(waiting.data(), waiting.size(), patience) < 0 && errno != EINTR) break;
      if (waiting[0].revents != 0) break;
      const int signal = waiting[1].revents != 0 ? read_interrupt(interrupts) : 0;
      if (signal != 0 && stopped_by != 0) leave_at_once(sink, signal);
      if (signal != 0) {
        stopped_by = signal;
        batch.stop();
        console_.warning(fmt::format(
            "interrupted: no more tasks are begun, {} that run are waited for (again: they are "
            "cancelled)",
            tally_.counts().running));
      }
      draw(tasks);
    }
    return stopped_by;
  }

  // The second signal. Runs die with this process, and their launcher cleans up behind them.
  [[noreturn]] void leave_at_once(batch::ResultSink& sink, int signal) {
    const auto written = sink.shut();
    if (!written) console_.error(written.error());
    const batch::Counts counts = tally_.counts();
    console_.warning(
        fmt::format("cancelled {} that were running: they have no result", counts.running));
    tell_how_to_go_on(counts);
    ::_exit(written ? 128 + signal : 125);
  }

  void draw(const Tasks& tasks) {
    if (!console_.shows_progress()) return;
    const batch::Counts counts = tally_.counts();
    tasks_rate_.update(seconds(), static_cast<double>(counts.results));
    bytes_rate_.update(seconds(), static_cast<double>(counts.bytes - counts.skipped_bytes));
    console_.draw(batch::progress_line({.counts = counts,
                                        .file_bytes = tasks.bytes,
                                        .tasks_per_second = tasks_rate_.per_second(),
                                        .bytes_per_second = bytes_rate_.per_second()},
                                       console_.columns()));
  }

  int conclude(const batch::Ending& ending, const Result<void>& written, int signal) {
    const batch::Totals totals = tally_.totals();
    int status = totals.counts.bad_lines != 0 || totals.counts.not_run != 0 ? 1 : 0;
    if (ending.failed_fast) status = 1;
    if (signal != 0) status = 128 + signal;
    const std::optional<Error> error = ending.error ? ending.error
                                       : written    ? std::nullopt
                                                    : std::optional(written.error());
    if (error) {
      log_.error(*error);
      status = 125;
    }
    if (ending.failed_fast) {
      log_.warning(fmt::format("--fail-fast: {} failed, no more tasks were begun",
                               ending.failed_id.empty() ? "a line" : "task " + ending.failed_id));
    }
    if (error || signal != 0 || ending.failed_fast) tell_how_to_go_on(totals.counts);
    if (arguments_.quiet) return status;
    const int descriptor = arguments_.results.empty() ? STDERR_FILENO : STDOUT_FILENO;
    const std::string summary = batch_summary(totals, seconds(), colour_for(descriptor));
    const int failed = write_all(descriptor, summary);
    if (failed != 0 && failed != EPIPE) {
      return report(errno_error("cannot write the summary", failed), log_);
    }
    return status;
  }

  void tell_how_to_go_on(const batch::Counts& counts) {
    if (arguments_.results.empty()) return;
    console_.warning(fmt::format("{} has {} new result{}; the same command {} goes on from there",
                                 arguments_.results, counts.results, counts.results == 1 ? "" : "s",
                                 arguments_.existing == batch::Existing::kResume ? "again"
                                 : arguments_.existing == batch::Existing::kReplace
                                     ? "with --resume in place of --force"
                                     : "with --resume"));
  }

  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }

  const BatchArguments& arguments_;
  Log& log_;
  ProgressConsole console_;
  batch::Tally tally_;
  batch::Rate tasks_rate_;
  batch::Rate bytes_rate_;
  std::chrono::steady_clock::time_point started_;
};

}  // namespace

int batch_command(Arguments arguments, Log& log) {
  const auto parsed = parse_batch(arguments, current_directory());
  if (!parsed) return report(parsed.error(), log);
  if (!parsed->help.empty()) return print(parsed->help, log);
  if (parsed->quiet) log.set_level(LogLevel::kError);
  // A file at its size limit is then an errno of write(2), which leaves whole lines behind.
  if (::signal(SIGXFSZ, SIG_IGN) == SIG_ERR) return report(errno_error("signal", errno), log);
  return Command(*parsed, log).run();
}

}  // namespace sandpit::cli
