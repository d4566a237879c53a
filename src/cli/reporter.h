// Where messages about one run go: to stderr, or, under --json, into the Outcome alone. Each
// warning is told once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "cli/options.h"
#include "cli/output_file.h"
#include "cli/terminal_filter.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"

namespace sandpit::cli {

// The Outcome of a run that never began.
[[nodiscard]] Outcome outcome_of(const Error& error);

class Reporter {
 public:
  Reporter(Log& log, Action action, std::optional<OutputFile> json_file,
           TerminalOutput terminal = TerminalOutput::kGuarded);

  void warn(std::string_view warning);
  // Nothing ran. Answers the exit status.
  [[nodiscard]] int error(const Error& error);
  // What a compiler said, on stderr: unchanged, unless a terminal is there.
  void tell_compiler(const Outcome& compile);
  // It ran, or its jail could not be built. Adds the warnings told so far to the Outcome. False
  // when the Outcome could not be written (said on stderr).
  [[nodiscard]] bool finish(Outcome outcome, const Limits& limits);

 private:
  void tell_ending(const Outcome& outcome, std::string_view ending);
  void tell_backtrace(const WasmOutcome& wasm);
  [[nodiscard]] bool write_outcome(const Outcome& outcome);

  Log& log_;
  Action action_;
  std::optional<OutputFile> json_file_;
  TerminalOutput terminal_;
  std::vector<std::string> warnings_;
};

}  // namespace sandpit::cli
