#include "service/wasm_outcome.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/binary.h"
#include "base/memory_file.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/wasm/job.h"
#include "engine/wasm/report.h"
#include "engine/wasm/session.h"
#include "plan/plan.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"
#include "sandpit/units.h"
#include "service/wasm_worker.h"

namespace sandpit {
namespace {

// Large input and output travel in memory files.
Result<void> take_output(const wasm::ServeResponse& response, const UniqueFd& memory,
                         const Limits& limits, Outcome& outcome) {
  outcome.stdout_bytes = response.stdout_bytes;
  outcome.stderr_bytes = response.stderr_bytes;
  const std::uint64_t most = limits.output.count();
  if (response.stdout_text.size() > most || response.stderr_text.size() > most) {
    return fail({.code = ErrorCode::kSandbox, .message = "more output than was asked for"});
  }
  outcome.stdout_text = response.stdout_text;
  outcome.stderr_text = response.stderr_text;
  if (response.in_memory) {
    const std::uint64_t size = response.stdout_size + response.stderr_size;
    if (response.stdout_size > most || response.stderr_size > most || !memory.valid() ||
        !is_sealed(memory.get()) || size_of_file(memory.get()) < size) {
      return fail({.code = ErrorCode::kSandbox, .message = "malformed answer"});
    }
    SP_TRY(const FileView view, FileView::map(memory.get(), static_cast<std::size_t>(size)));
    outcome.stdout_text = view.bytes().substr(0, response.stdout_size);
    outcome.stderr_text = view.bytes().substr(response.stdout_size, response.stderr_size);
  }
  outcome.stdout_truncated = outcome.stdout_bytes > outcome.stdout_text.size();
  outcome.stderr_truncated = outcome.stderr_bytes > outcome.stderr_text.size();
  return {};
}

void fill_enforcement(const Plan& plan, Outcome& outcome) {
  for (const Enforcement& row : plan.enforcement) {
    outcome.enforcement[row.limit] = mechanisms_text(row);
  }
  // A run's own time is kept by the worker, and by us from outside.
  outcome.enforcement["wall_time"] = "epoch+timer";
  outcome.enforcement["cpu_time"] = "epoch+" + outcome.enforcement["cpu_time"];
  outcome.enforcement["memory"] = "store-limiter+" + outcome.enforcement["memory"];
  outcome.enforcement["seccomp"] = plan.syscall_profile;
}

}  // namespace

Outcome warm_outcome(const Plan& plan, const WasmWorker::Reply& reply, WasmWorker& worker,
                     std::chrono::steady_clock::time_point started) {
  Outcome outcome;
  wasm::Told told{.phase = wasm::Phase::kRunning};
  if (reply.answer == WasmWorker::Answer::kDone) {
    binary::Reader reader(reply.response.report);
    wasm::Report report;
    reader(report);
    outcome.status = Status::kExited;
    if (!reader.finished() || report.end > wasm::End::kInternal) {
      report = {.end = wasm::End::kInternal, .message = "malformed report"};
    } else if (const auto taken = take_output(reply.response, reply.memory, plan.limits, outcome);
               !taken) {
      report = {.end = wasm::End::kInternal, .message = taken.error().message};
    }
    told.phase = wasm::Phase::kDone;
    told.memory_high_water = report.memory_high_water;
    told.report = std::move(report);
    outcome.cpu_time = Microseconds(std::max<std::int64_t>(reply.response.cpu_us, 0));
    outcome.user_time = outcome.cpu_time;
  } else if (reply.answer == WasmWorker::Answer::kTimedOut) {
    outcome.status = Status::kWallTimeExceeded;
    outcome.signal = SIGKILL;
    outcome.message = "time limit exceeded, in a call to the host or in compilation";
  } else {
    outcome = worker.last_words();
    outcome.enforcement.clear();
    outcome.wasm.reset();
  }
  wasm::describe_wasm(told, plan.limits, outcome);
  outcome.wall_time =
      std::chrono::duration_cast<Microseconds>(std::chrono::steady_clock::now() - started);
  outcome.peak_memory = outcome.wasm->memory_high_water;
  outcome.runtime = plan.runtime;
  outcome.runtime_version = plan.runtime_version;
  outcome.engine = plan.engine;
  outcome.warnings = plan.warnings;
  fill_enforcement(plan, outcome);
  return outcome;
}

}  // namespace sandpit
