#include "cli/reporter.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/outcome_text.h"
#include "base/result.h"
#include "base/write_all.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output_file.h"
#include "cli/terminal_filter.h"
#include "codec/outcome_json.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"

namespace sandpit::cli {
namespace {

constexpr std::size_t kMostFrames = 20;

bool is_failure(Status status) { return status != Status::kExited && status != Status::kSignaled; }

}  // namespace

Outcome outcome_of(const Error& error) {
  const bool refused = error.code == ErrorCode::kUsage || error.code == ErrorCode::kNoRuntime ||
                       error.code == ErrorCode::kRefused;
  Outcome outcome;
  outcome.status = refused ? Status::kRefused : Status::kSandboxError;
  outcome.message = error.to_string();
  return outcome;
}

Reporter::Reporter(Log& log, Action action, std::optional<OutputFile> json_file,
                   TerminalOutput terminal)
    : log_(log), action_(action), json_file_(std::move(json_file)), terminal_(terminal) {}

void Reporter::warn(std::string_view warning) {
  if (std::ranges::find(warnings_, warning) != warnings_.end()) return;
  warnings_.emplace_back(warning);
  if (action_ != Action::kJson) log_.warning(warning);
}

int Reporter::error(const Error& error) {
  Outcome outcome = outcome_of(error);
  outcome.warnings = warnings_;
  if (action_ != Action::kJson) log_.error(error);
  const bool written = write_outcome(outcome);
  return written ? exit_status(error.code) : 125;
}

void Reporter::tell_compiler(const Outcome& compile) {
  if (action_ == Action::kJson) return;
  (void)write_guarded(STDERR_FILENO, compile.stdout_text, terminal_);
  (void)write_guarded(STDERR_FILENO, compile.stderr_text, terminal_);
}

bool Reporter::finish(Outcome outcome, const Limits& limits) {
  for (const std::string& warning : outcome.warnings) warn(warning);
  outcome.warnings = warnings_;
  if (outcome.status == Status::kCompileFailed && outcome.compile) tell_compiler(*outcome.compile);
  if (action_ != Action::kJson) {
    for (const std::string& text : truncation_texts(outcome, limits)) log_.warning(text);
    const std::string ending = ending_text(outcome, limits);
    // A reader that went away ends a program with SIGPIPE: a shell says nothing of it either.
    const bool broken_pipe = outcome.status == Status::kSignaled && outcome.signal == SIGPIPE;
    if (!ending.empty() && !broken_pipe) {
      tell_ending(outcome, ending);
    }
    if (outcome.status == Status::kTrapped && outcome.wasm) tell_backtrace(*outcome.wasm);
    const bool compiler = outcome.status == Status::kCompileFailed && outcome.compile;
    for (const std::string& text : denial_texts(compiler ? *outcome.compile : outcome)) {
      log_.warning(text);
    }
    if (outcome.files_traced) {
      for (const std::string& text : trace_texts(*outcome.files_traced)) log_.warning(text);
    }
    log_.info(summary_text(outcome));
    if (outcome.wasm) log_.info(wasm_text(*outcome.wasm));
  }
  return write_outcome(outcome);
}

// The WebAssembly worker reports all problems of a module, each on a line of its own.
void Reporter::tell_ending(const Outcome& outcome, std::string_view ending) {
  const bool lines = outcome.wasm.has_value();
  while (!ending.empty()) {
    const std::size_t end = lines ? std::min(ending.find('\n'), ending.size()) : ending.size();
    if (is_failure(outcome.status)) {
      log_.error(ending.substr(0, end));
    } else {
      log_.warning(ending.substr(0, end));
    }
    ending.remove_prefix(std::min(end + 1, ending.size()));
  }
}

void Reporter::tell_backtrace(const WasmOutcome& wasm) {
  const std::size_t told = std::min(wasm.backtrace.size(), kMostFrames);
  for (std::size_t i = 0; i < told; ++i) log_.error("  " + wasm.backtrace[i]);
  if (told < wasm.backtrace.size()) {
    log_.error(fmt::format("  and {} more; --json has them", wasm.backtrace.size() - told));
  }
}

bool Reporter::write_outcome(const Outcome& outcome) {
  if (action_ != Action::kJson && !json_file_) return true;
  const std::string json = outcome_to_json(outcome);
  bool written = true;
  if (action_ == Action::kJson) {
    const int error = write_all(STDOUT_FILENO, json);
    if (error != 0 && error != EPIPE) {
      log_.error(errno_error("cannot write the outcome to stdout", error));
      written = false;
    }
  }
  if (!json_file_) return written;
  if (auto file = json_file_->write(json); !file) {
    log_.error(file.error());
    written = false;
  }
  return written;
}

}  // namespace sandpit::cli
