#include "engine/wasm/session.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/binary.h"
#include "base/memory_file.h"
#include "base/outcome_text.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/artefact_cache.h"
#include "engine/wasm/artefact_key.h"
#include "engine/wasm/job.h"
#include "engine/wasm/report.h"
#include "plan/plan.h"
#include "plan/wasm_plan.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"
#include "sandpit/units.h"

namespace sandpit::wasm {
namespace {

std::int64_t monotonic_us() {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000L + now.tv_nsec / 1000;
}

Result<UniqueFd> duplicate(const UniqueFd& fd) {
  UniqueFd copy = fd.duplicate();
  if (!copy.valid()) return fail(errno_error("dup", errno));
  return copy;
}

void add_input(Plan& plan, std::vector<UniqueFd>& inputs, const char* name, int number,
               UniqueFd fd) {
  plan.inputs.push_back(
      {.name = name, .mode = 0, .size = 0, .as_descriptor = static_cast<std::uint32_t>(number)});
  inputs.push_back(std::move(fd));
}

std::string_view phase_name(Phase phase) {
  switch (phase) {
    case Phase::kStarting:
      return "starting";
    case Phase::kCompiling:
      return "compiling the module";
    case Phase::kLoading:
      return "loading the compiled module";
    case Phase::kScreening:
      return "checking the module's imports";
    case Phase::kRunning:
      return "running the module";
    case Phase::kDone:
      return "finishing";
  }
  return "in an unknown state";
}

// "main.wat:3:5: message (hint)", one for each problem.
std::string text_of(const Report& report) {
  std::string text;
  for (const Problem& problem : report.problems) {
    if (!text.empty()) text += '\n';
    if (!problem.where.empty()) text += problem.where + ": ";
    text += problem.message;
    if (!problem.hint.empty()) text += fmt::format(" ({})", problem.hint);
  }
  return text.empty() ? report.message : text;
}

// The setting that allows what was denied: an address, or a stream that is off ("write to stdout").
std::string hint_for(std::string_view denied) {
  constexpr std::string_view kWrite = "write to ";
  if (denied.starts_with(kWrite)) {
    return fmt::format("runtimes.wasm.capabilities.{} = true", denied.substr(kWrite.size()));
  }
  return "runtimes.wasm.network = [\"HOST:PORT\"]";
}

// As the supervisor does for the ends that it makes.
void add_limit_reached(const Report& report, const Limits& limits, Outcome& outcome) {
  const auto reached = [&](const char* limit, std::string detail, const char* hint) {
    outcome.limits_reached.push_back(
        {.limit = limit, .detail = std::move(detail), .hint = hint, .count = 1});
  };
  if (report.end == End::kDeadline) {
    reached("wall_time", "limit " + to_text(Microseconds(limits.wall_time)), "--timeout");
  }
  if (report.end == End::kCpuTime) {
    reached("cpu_time", "limit " + to_text(Microseconds(limits.cpu_time)), "--cpu-time");
  }
  if (report.end == End::kMemory) {
    reached("memory", report.message, "--memory, and the limits in [runtimes.wasm]");
  }
}

// The worker's own end is believed only where it says no more than the process could have done by
// itself; what the supervisor saw (a kill, a limit) comes first.
void describe_end(const Told& told, const Report& report, Outcome& outcome) {
  outcome.message = text_of(report);
  switch (report.end) {
    case End::kExited:
      outcome.exit_code = static_cast<int>(report.exit_code & 0xffU);
      return;
    case End::kTrapped:
      outcome.status = Status::kTrapped;
      break;
    case End::kDeadline:
      outcome.status = Status::kWallTimeExceeded;
      break;
    case End::kCpuTime:
      outcome.status = Status::kCpuTimeExceeded;
      break;
    case End::kMemory:
      outcome.status = Status::kMemoryExceeded;
      break;
    case End::kInvalid:
    case End::kRefused:
    case End::kUsage:
      outcome.status = Status::kRefused;
      break;
    case End::kInternal:
      outcome.status = Status::kSandboxError;
      outcome.message = fmt::format("the WebAssembly worker failed while {}: {}",
                                    phase_name(told.phase), report.message);
      break;
  }
  outcome.exit_code = 0;
}

// A worker that died without a word.
void describe_crash(const Told& told, Outcome& outcome) {
  // SIGKILL: cancelled, or killed from outside; said already.
  if (outcome.status == Status::kSignaled && outcome.signal == SIGKILL) return;
  if (outcome.status == Status::kExited || outcome.status == Status::kSignaled) {
    const std::string how = outcome.status == Status::kExited
                                ? fmt::format("exited with {}", outcome.exit_code)
                                : signal_name(outcome.signal);
    outcome.message =
        fmt::format("the WebAssembly worker crashed ({}) while {}", how, phase_name(told.phase));
    const bool compiling = told.phase == Phase::kCompiling || told.phase == Phase::kLoading;
    if (compiling) outcome.status = Status::kCompileFailed;
    if (outcome.status == Status::kExited) outcome.status = Status::kSandboxError;
  } else if (told.phase == Phase::kCompiling && (outcome.status == Status::kMemoryExceeded ||
                                                 outcome.status == Status::kWallTimeExceeded ||
                                                 outcome.status == Status::kCpuTimeExceeded)) {
    outcome.message += fmt::format(" while {}", phase_name(told.phase));
  }
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(Plan& plan, std::vector<UniqueFd>& inputs) {
  auto session = std::unique_ptr<Session>(new Session());
  const WasmPlan& wasm = *plan.wasm;
  WasmJob job{.plan = wasm};
  SP_TRY(session->report_, memory_file("sandpit-report"));
  if (::ftruncate(session->report_.get(), static_cast<off_t>(kReportCapacity)) < 0) {
    return fail(errno_error("ftruncate", errno));
  }
  SP_TRY(UniqueFd report, duplicate(session->report_));
  add_input(plan, inputs, "report", kReportDescriptor, std::move(report));

  // A description is compiled in haste, and a warm worker gets its modules one by one.
  const bool cached = wasm.cache && !wasm.cache_dir.empty() && wasm.task == WasmTask::kRun;
  // A cache that can't be had costs time and nothing else.
  if (cached) {
    if (auto cache = ArtefactCache::open(kCompiledModule, wasm.cache_dir, wasm.cache_max_size)) {
      session->cache_.emplace(std::move(*cache));
    } else {
      plan.warnings.push_back("no cache of compiled modules: " + cache.error().to_string());
    }
  }
  if (session->cache_) {
    session->key_ = artefact_key(wasm);
    UniqueFd artefact = session->cache_->load(session->key_, largest_artefact(wasm));
    if (artefact.valid()) {
      job.artefact = Artefact::kLoad;
    } else {
      job.artefact = Artefact::kStore;
      SP_TRY(artefact, memory_file("sandpit-artefact"));
      SP_TRY(session->artefact_, duplicate(artefact));
    }
    add_input(plan, inputs, "artefact", kArtefactDescriptor, std::move(artefact));
  }
  if (wasm.task != WasmTask::kServe) {
    job.bounds = {
        .deadline_us = monotonic_us() +
                       std::chrono::duration_cast<Microseconds>(plan.limits.wall_time).count(),
        .cpu_us = std::chrono::duration_cast<Microseconds>(plan.limits.cpu_time).count(),
        .memory = plan.limits.memory.count(),
        .file_size = plan.limits.file_size.count()};
  }
  binary::Writer writer;
  writer(job);
  SP_TRY(UniqueFd file, sealed_memory_file("sandpit-job", std::move(writer).take()));
  add_input(plan, inputs, "job", kJobDescriptor, std::move(file));
  return session;
}

Told read_report(int fd) {
  // Copies, never the mapping: the worker, or what has taken it over, might still write.
  struct {
    std::uint32_t phase = 0;
    std::uint32_t length = 0;
    std::uint64_t memory_high_water = 0;
  } head;
  static_assert(sizeof head == sizeof(ReportHeader));
  Told told;
  if (::pread(fd, &head, sizeof head, 0) != static_cast<ssize_t>(sizeof head)) return told;
  told.memory_high_water = head.memory_high_water;
  told.phase = static_cast<Phase>(std::min(head.phase, static_cast<std::uint32_t>(Phase::kDone)));
  if (head.length == 0 || head.length > kReportCapacity - kReportOffset) return told;
  std::string bytes(head.length, '\0');
  if (::pread(fd, bytes.data(), bytes.size(), kReportOffset) !=
      static_cast<ssize_t>(bytes.size())) {
    return told;
  }
  Report report;
  binary::Reader reader(bytes);
  reader(report);
  if (reader.finished() && report.end <= End::kInternal) told.report = std::move(report);
  return told;
}

void describe_wasm(const Told& told, const Limits& limits, Outcome& outcome) {
  WasmOutcome& wasm = outcome.wasm.emplace();
  wasm.memory_high_water = ByteCount::bytes(told.memory_high_water);
  // The supervisor's own verdicts: the worker may have been stopped in the middle of its report.
  const bool observed = outcome.status != Status::kExited &&
                        (outcome.status != Status::kSignaled || outcome.signal == SIGKILL);
  if (!told.report) {
    describe_crash(told, outcome);
    return;
  }
  const Report& report = *told.report;
  if (report.fuel_counted) wasm.fuel_used = report.fuel_used;
  wasm.memory_high_water =
      ByteCount::bytes(std::max(report.memory_high_water, told.memory_high_water));
  wasm.compile_time = Microseconds(std::max<std::int64_t>(report.compile_us, 0));
  wasm.cache_hit = report.loaded;
  wasm.compiler = report.compiler;
  wasm.trap = report.trap;
  wasm.backtrace = report.backtrace;
  for (const std::string& denied : report.denied) {
    outcome.denials.push_back({.what = denied, .hint = hint_for(denied), .count = 1});
  }
  if (observed) return;
  describe_end(told, report, outcome);
  add_limit_reached(report, limits, outcome);
}

void Session::finish(const Plan& plan, Outcome& outcome) {
  const Told told = read_report(report_.get());
  if (outcome.status != Status::kSandboxError) describe_wasm(told, plan.limits, outcome);
  if (plan.wasm->task == WasmTask::kServe) outcome.wasm.reset();
  // Sealed by the worker before any code of the guest ran, however the run went on.
  if (artefact_.valid() && is_sealed(artefact_.get())) keep_artefact(*plan.wasm, outcome);
  // The next run makes a new one.
  const bool given = cache_ && !artefact_.valid();
  if (given && told.report && told.phase == Phase::kDone && !told.report->loaded) {
    cache_->remove(key_);
  }
}

void Session::keep_artefact(const WasmPlan& plan, Outcome& outcome) {
  const auto stored = cache_->store(key_, artefact_.get(), largest_artefact(plan));
  if (!stored) {
    outcome.warnings.push_back("the compiled module could not be kept: " +
                               stored.error().to_string());
  }
}

}  // namespace sandpit::wasm
