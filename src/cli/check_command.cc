// `sandpit check`: loads, validates and screens files without running them.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/outcome_text.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/descriptors.h"
#include "cli/excerpt.h"
#include "cli/small_options.h"
#include "cli/table.h"
#include "codec/check_json.h"
#include "codec/check_sarif.h"
#include "codec/wasm_description.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"
#include "service/lint_source.h"
#include "service/one_shot.h"
#include "service/pipeline.h"

namespace sandpit::cli {
namespace {

constexpr int kRefusedStatus = 126;
constexpr std::uint64_t kPage = 64U << 10U;

const char* to_word(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "error";
}

// Takes a number and the colon behind it off the beginning of `text`; 0 when there is none.
unsigned take_number(std::string_view& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || digits >= text.size() || text[digits] != ':') return 0;
  text.remove_prefix(digits + 1);
  return number;
}

// "hello.wat:3:5: what": the place apart from the words, when it is one in this file.
CheckProblem problem_of(std::string_view severity, std::string_view message,
                        std::string_view file) {
  CheckProblem problem{.severity = std::string(severity), .message = std::string(message)};
  const std::string_view name = file.substr(file.rfind('/') + 1);
  for (const std::string_view prefix : {file, name}) {
    if (!message.starts_with(prefix) || !message.substr(prefix.size()).starts_with(':')) continue;
    std::string_view rest = message.substr(prefix.size() + 1);
    problem.line = take_number(rest);
    if (problem.line != 0) problem.column = take_number(rest);
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    problem.message = rest;
    break;
  }
  return problem;
}

void add_problems(FileCheck& check, const Error& error) {
  Error one = error;
  one.others.clear();
  check.problems.push_back(problem_of("error", one.to_string(), check.file));
  for (const Error& other : error.others) add_problems(check, other);
}

// Of lint: what the level deny would refuse, and what is an error at any level, is not fine.
void add_findings(FileCheck& check, const LintReport& findings, LintLevel level) {
  check.ok = true;
  for (const LintFinding& finding : findings) {
    const bool refused = finding.severity == Severity::kError ||
                         (level == LintLevel::kDeny && (finding.severity == Severity::kWarning ||
                                                        finding.rule == kLintIncomplete));
    check.ok = check.ok && !refused;
    check.problems.push_back({.severity = refused ? "error" : to_word(finding.severity),
                              .message = finding.message,
                              .rule = finding.rule,
                              .line = finding.line,
                              .column = finding.column,
                              .end_line = finding.end_line,
                              .end_column = finding.end_column,
                              .excerpt = finding.excerpt,
                              .excerpt_column = finding.excerpt_column});
  }
}

// The lines of `text` that say something.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end != 0) lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// What the worker said. The jail's own warnings are about a run, which this is not.
void add_outcome(FileCheck& check, const Outcome& outcome,
                 const std::vector<std::string>& plan_warnings, const Limits& limits) {
  check.ok = outcome.status == Status::kExited && outcome.exit_code == 0;
  if (!outcome.stdout_text.empty()) {
    Result<WasmDescription> description = parse_wasm_description(outcome.stdout_text);
    if (description) {
      check.description = std::move(*description);
    } else if (check.ok) {
      add_problems(check, description.error());
      check.ok = false;
    }
  }
  std::string ending = ending_text(outcome, limits);
  if (!check.ok && check.problems.empty() && ending.empty()) {
    ending = fmt::format("the worker ended with {}", outcome.exit_code);
  }
  for (const std::string_view line : lines_of(ending)) {
    // The line of the source and its caret belong to the problem above them.
    if (line.starts_with(' ') && !check.problems.empty()) {
      check.problems.back().message.append(1, '\n').append(line);
      continue;
    }
    check.problems.push_back(problem_of(check.ok ? "warning" : "error", line, check.file));
  }
  for (const std::string& warning : outcome.warnings) {
    if (std::ranges::find(plan_warnings, warning) != plan_warnings.end()) continue;
    check.problems.push_back(problem_of("warning", warning, check.file));
  }
}

class Checker {
 public:
  Checker(const SmallOptions& options, const Config& config, const RuntimeRegistry& registry,
          int interrupt)
      : options_(options),
        config_(config),
        registry_(registry),
        interrupt_(interrupt),
        host_(probe_host()) {}

  FileCheck check(const std::string& file) {
    FileCheck result{.file = file};
    // The findings come back as a list; what they mean is decided here.
    const Request request{.source = SourceFile{.path = file},
                          .runtime = options_.runtime,
                          .input = StdinEmpty{},
                          .lint = LintLevel::kWarn,
                          .check = true};
    Result<Prepared> prepared = prepare(request, config_, registry_, host_.facts);
    if (!prepared) {
      add_problems(result, prepared.error());
      return result;
    }
    if (!prepared->plan.wasm) {
      add_findings(result, prepared->lint, lint_level(prepared->plan.runtime));
      return result;
    }
    const Limits limits = prepared->plan.limits;
    const std::vector<std::string> plan_warnings = prepared->plan.warnings;
    const Outcome outcome =
        run_one_shot(std::move(*prepared),
                     {.input = StdinEmpty{}, .capture = true, .interrupt_fd = interrupt_}, host_);
    interrupted_ = outcome.message == "interrupted";
    add_outcome(result, outcome, plan_warnings, limits);
    return result;
  }

  [[nodiscard]] bool interrupted() const { return interrupted_; }

 private:
  [[nodiscard]] LintLevel lint_level(const std::string& runtime) const {
    const Settings& settings = config_.settings();
    const auto own = settings.runtimes.find(runtime);
    return own == settings.runtimes.end()
               ? settings.security.lint
               : own->second.security.lint.value_or(settings.security.lint);
  }

  const SmallOptions& options_;
  const Config& config_;
  const RuntimeRegistry& registry_;
  int interrupt_;
  Host host_;
  bool interrupted_ = false;
};

std::string line_text(const char* label, const std::string& value) {
  return fmt::format("{:<12} {}\n", label, value.empty() ? "-" : printable(value));
}

std::string memory_text(const WasmDescription::Memory& memory) {
  // An untrusted number: 2^48 pages are all that a 64-bit memory can have.
  const auto size = [](std::uint64_t pages) {
    return fmt::format("{} page{} ({})", pages, pages == 1 ? "" : "s",
                       to_text(ByteCount::bytes(std::min(pages, UINT64_MAX / kPage) * kPage)));
  };
  return size(memory.min_pages) + (memory.max_pages ? ", at most " + size(*memory.max_pages) : "") +
         (memory.shared ? ", shared" : "") + (memory.memory64 ? ", 64-bit" : "");
}

std::string table_text(const WasmDescription::Table& table) {
  return fmt::format("{} element{}{}, {}", table.min, table.min == 1 ? "" : "s",
                     table.max ? fmt::format(", at most {}", *table.max) : "", table.type);
}

// A component's import has one name, with its version: "wasi:io/error@0.2.0".
std::string name_of(const WasmDescription::Import& item) {
  if (item.name.empty()) return item.module;
  return item.name.starts_with(item.module + "@") ? item.name
                                                  : fmt::format("{}.{}", item.module, item.name);
}

std::string description_text(const WasmDescription& description, Colour colour) {
  std::string text =
      line_text("kind", description.kind) + line_text("entry", description.entry.value_or("")) +
      line_text("features", fmt::format("{}", fmt::join(description.features, ", ")));
  for (const auto& memory : description.memories) text += line_text("memory", memory_text(memory));
  for (const auto& table : description.tables) text += line_text("table", table_text(table));
  if (!description.imports.empty()) {
    Table table({"IMPORT", "TYPE", "CAPABILITY", "STATE"}, colour);
    for (const auto& item : description.imports) {
      table.add({name_of(item), item.type, item.capability.empty() ? "-" : item.capability,
                 item.granted ? "granted" : "not granted"},
                item.granted ? Colouring::kGood : Colouring::kBad);
    }
    text += "\n" + table.text();
  }
  if (!description.exports.empty()) {
    Table table({"EXPORT", "TYPE"}, colour);
    for (const auto& item : description.exports) table.add({item.name, item.type});
    text += "\n" + table.text();
  }
  return text;
}

std::string check_text(const FileCheck& check, Colour colour) {
  const std::string file = printable(check.file);
  std::string text;
  for (const CheckProblem& problem : check.problems) {
    std::string place = file;
    if (problem.line != 0) place += fmt::format(":{}", problem.line);
    if (problem.line != 0 && problem.column != 0) place += fmt::format(":{}", problem.column);
    const Colouring severity = problem.severity == "error"  ? Colouring::kBad
                               : problem.severity == "info" ? Colouring::kPlain
                                                            : Colouring::kPoor;
    const auto lines = lines_of(problem.message);
    text += fmt::format("{}: {}: {}{}\n", place, painted(problem.severity, severity, colour),
                        printable(lines.empty() ? std::string_view() : lines.front()),
                        problem.rule.empty() ? "" : fmt::format(" [{}]", printable(problem.rule)));
    for (std::size_t i = 1; i < lines.size(); ++i) text += printable(lines[i]) + "\n";
    text += excerpt_text(problem, colour);
  }
  if (check.ok) text += fmt::format("{}: {}\n", file, painted("ok", Colouring::kGood, colour));
  if (check.description) text += description_text(*check.description, colour);
  return text;
}

int check_files(const SmallOptions& options, Log& log) {
  ConfigSources sources;
  if (!options.config.empty()) sources.named_file = options.config;
  sources.profile = options.profile;
  const auto config = Config::load(sources);
  if (!config) return report(config.error(), log);
  for (const std::string& warning : config->warnings()) log.warning(warning);
  const auto registry =
      load_runtimes(*config, [&](std::string_view warning) { log.warning(warning); });
  if (!registry) return report(registry.error(), log);
  const Result<UniqueFd> interrupts = interrupt_descriptor();
  if (!interrupts) return report(interrupts.error(), log);

  Checker checker(options, *config, *registry, interrupts->get());
  const Colour colour = colour_for(STDOUT_FILENO);
  int status = 0;
  std::vector<FileCheck> checks;  // --sarif is one document
  bool apart = false;  // a description, which has many lines, stands apart from its neighbours
  for (const std::string& file : options.words) {
    const FileCheck check = checker.check(file);
    if (checker.interrupted()) {
      const int signal = read_interrupt(interrupts->get());
      return 128 + (signal != 0 ? signal : SIGINT);
    }
    if (!check.ok) status = kRefusedStatus;
    if (options.sarif) {
      checks.push_back(check);
      continue;
    }
    const bool first = &file == &options.words.front();
    const bool described = check.description.has_value();
    const char* const gap = !first && (apart || described) ? "\n" : "";
    apart = described;
    const std::string text = options.json ? check_to_json(check) : gap + check_text(check, colour);
    if (const int failed = print(text, log); failed != 0) return failed;
  }
  if (options.sarif) {
    if (const int failed = print(checks_to_sarif(checks, SANDPIT_VERSION), log); failed != 0) {
      return failed;
    }
  }
  return status;
}

}  // namespace

int check_command(Arguments arguments, Log& log) {
  constexpr SmallCommand kCommand{
      .usage = "sandpit check [--json | --sarif] [--runtime NAME] FILE...",
      .description =
          "Load, validate and screen files without running them; say what a WebAssembly "
          "file imports and needs.",
      .flags = kFlagJson | kFlagSarif | kFlagConfig | kFlagRuntime,
      .min_words = 1,
      .max_words = kManyWords};
  const auto options = parse_small(kCommand, arguments);
  if (!options) return report(options.error(), log);
  if (!options->help.empty()) return print(options->help, log);
  return check_files(*options, log);
}

}  // namespace sandpit::cli
