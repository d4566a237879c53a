// `sandpit run` and `sandpit exec`: Request -> Prepared -> Outcome, in this very process.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/log.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "base/write_all.h"
#include "cli/commands.h"
#include "cli/descriptors.h"
#include "cli/options.h"
#include "cli/output_file.h"
#include "cli/reporter.h"
#include "cli/terminal_filter.h"
#include "codec/plan_json.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/sandbox.h"
#include "service/one_shot.h"
#include "service/pipeline.h"

namespace sandpit::cli {
namespace {

// A program typed or piped in; far above what an interpreter reads, far below what would hurt this
// host.
constexpr std::size_t kMaxSourceBytes = std::size_t{1} << 30U;

// Passes the program's output through, to a terminal what is fit for it; remembers what went wrong.
class PassThrough {
 public:
  explicit PassThrough(TerminalOutput mode) {
    if (needs_filter(STDOUT_FILENO, mode)) stdout_.filter.emplace();
    if (needs_filter(STDERR_FILENO, mode)) stderr_.filter.emplace();
  }

  OneShotIo::Reader write(OutputStream stream, std::string_view bytes) {
    Sink& sink = stream == OutputStream::kStdout ? stdout_ : stderr_;
    const int error = sink.filter ? write_all(sink.descriptor, sink.filter->pass(bytes))
                                  : write_all(sink.descriptor, bytes);
    if (error == 0) return OneShotIo::Reader::kThere;
    if (error != EPIPE) error_ = error;
    return OneShotIo::Reader::kGone;
  }
  // After the last output, before our own messages. Answers how many control sequences a terminal
  // was not sent.
  std::uint64_t finish() {
    std::uint64_t withheld = 0;
    for (Sink* sink : {&stdout_, &stderr_}) {
      if (!sink->filter) continue;
      (void)write_all(sink->descriptor, sink->filter->finish());
      withheld += sink->filter->withheld();
    }
    return withheld;
  }
  // The errno of output that was lost for another reason than a reader that went away; 0 when none
  // was.
  [[nodiscard]] int error() const { return error_; }

 private:
  struct Sink {
    int descriptor;
    std::optional<TerminalFilter> filter;
  };
  Sink stdout_{.descriptor = STDOUT_FILENO, .filter = {}};
  Sink stderr_{.descriptor = STDERR_FILENO, .filter = {}};
  int error_ = 0;
};

LogLevel level_for(const RunOptions& options, const Config& config) {
  switch (options.verbosity) {
    case Verbosity::kQuiet:
      return LogLevel::kError;
    case Verbosity::kVerbose:
      return LogLevel::kInfo;
    case Verbosity::kNormal:
      break;
  }
  return log_level_of(config.settings().general.log_level);
}

void warn_of_findings(const Prepared& prepared, Reporter& reporter) {
  for (const LintFinding& finding : prepared.lint) {
    if (finding.severity == Severity::kInfo) continue;  // `sandpit check` tells it
    std::string place = prepared.source_display;
    if (finding.line != 0) place += fmt::format(":{}", finding.line);
    if (finding.line != 0 && finding.column != 0) place += fmt::format(":{}", finding.column);
    reporter.warn(fmt::format("{}: {} [{}]", place, finding.message, finding.rule));
  }
}

Result<Prepared> prepare_run(Subcommand subcommand, RunOptions& options, const Host& host, Log& log,
                             Reporter& reporter) {
  if (options.source_from_stdin) {
    SP_TRY(std::string text, read_all(STDIN_FILENO, kMaxSourceBytes));
    options.request.source = SourceText{.text = std::move(text), .name = {}};
  }
  ConfigSources sources;
  if (!options.config.empty()) sources.named_file = options.config;
  sources.profile = options.profile;
  SP_TRY(const Config config, Config::load(sources));
  log.set_level(level_for(options, config));
  for (const std::string& warning : config.warnings()) reporter.warn(warning);

  // A command of the host needs no language: reading the manifests would cost more than the rest of
  // the start.
  RuntimeRegistry registry;
  if (subcommand == Subcommand::kRun) {
    SP_TRY(registry,
           load_runtimes(config, [&](std::string_view warning) { reporter.warn(warning); }));
  }
  SP_TRY(Prepared prepared, prepare(options.request, config, registry, host.facts));
  if (!options.request.invoke.empty() && !prepared.plan.wasm) {
    return fail(
        Error{.code = ErrorCode::kUsage,
              .message = fmt::format("--invoke calls a function of a WebAssembly file; this "
                                     "is {}",
                                     prepared.plan.runtime),
              .where = prepared.source_display,
              .hint = {}});
  }
  for (const std::string& warning : prepared.plan.warnings) reporter.warn(warning);
  warn_of_findings(prepared, reporter);
  return prepared;
}

int run_prepared(Prepared prepared, const RunOptions& options, const Host& host, Log& log,
                 Reporter& reporter) {
  // From here on a signal must not end this process before it has cleaned up; one that comes now is
  // seen by the run.
  const Result<UniqueFd> interrupts = interrupt_descriptor();
  if (!interrupts) return reporter.error(interrupts.error());
  PassThrough pass_through(options.terminal);
  OneShotIo io{.input = options.request.input,
               .output = {},
               .stdout_sink = STDOUT_FILENO,
               .stderr_sink = STDERR_FILENO,
               .capture = options.action == Action::kJson || !options.json_file.empty(),
               .out_dir = options.request.out_dir,
               .interrupt_fd = interrupts->get()};
  if (options.action != Action::kJson) {
    io.output = [&](OutputStream stream, std::string_view bytes) {
      return pass_through.write(stream, bytes);
    };
  }
  io.compiled = [&](const Outcome& compile) { reporter.tell_compiler(compile); };
  const Limits limits = prepared.plan.limits;
  Outcome outcome = run_one_shot(std::move(prepared), std::move(io), host);
  int status = sandpit::exit_status(outcome);
  if (outcome.message == "interrupted") {
    const int signal = read_interrupt(interrupts->get());
    status = 128 + (signal != 0 ? signal : SIGINT);
  }
  if (const std::uint64_t withheld = pass_through.finish(); withheld > 0) {
    log.warning(
        fmt::format("{} control sequence{} of the program {} not sent to the terminal; "
                    "--raw-terminal sends them",
                    withheld, withheld == 1 ? "" : "s", withheld == 1 ? "was" : "were"));
  }
  if (!reporter.finish(std::move(outcome), limits)) status = 125;
  if (pass_through.error() != 0) {
    // Its own status may be 0, and its output is lost: that must not read as success.
    log.error(errno_error("cannot write the program's output", pass_through.error()));
    status = 125;
  }
  return status;
}

}  // namespace

int run_command(Subcommand subcommand, Arguments arguments, Log& log) {
  ParsedOptions options = parse_options(subcommand, arguments, current_directory());
  if (!options) {
    const Action action = options.error().json ? Action::kJson : Action::kPassThrough;
    return Reporter(log, action, {}).error(options.error().error);
  }
  if (options->action == Action::kHelp) return print(options->help, log);
  if (options->verbosity == Verbosity::kQuiet) log.set_level(LogLevel::kError);

  std::optional<OutputFile> json_file;
  if (!options->json_file.empty()) {
    auto opened = OutputFile::open(options->json_file);
    if (!opened) return Reporter(log, options->action, {}).error(opened.error());
    json_file = std::move(*opened);
  }
  Reporter reporter(log, options->action, std::move(json_file), options->terminal);
  if (const auto* file = std::get_if<StdinFile>(&options->request.input)) {
    if (const auto readable = check_readable("--stdin", file->path); !readable) {
      return reporter.error(readable.error());
    }
  }
  const Host host = probe_host();
  Result<Prepared> prepared = prepare_run(subcommand, *options, host, log, reporter);
  if (!prepared) return reporter.error(prepared.error());
  if (options->action == Action::kExplain) {
    return print(prepared->compile ? plans_to_json(prepared->plan, prepared->compile->plan)
                                   : plan_to_json(prepared->plan),
                 log);
  }
  return run_prepared(std::move(*prepared), *options, host, log, reporter);
}

}  // namespace sandpit::cli
