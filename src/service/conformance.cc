#include "service/conformance.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/result.h"
#include "base/utf8.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"

namespace sandpit {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGreeting = "Hello, World!\n";
constexpr std::string_view kUnicode = "Grüße, 世界 🌍\n";
constexpr std::string_view kInput =
    "first line\nGrüße, 世界 🌍\n\n  indented\tand a tab\nlast line\n";
constexpr std::array<std::string_view, 5> kArguments = {"one", "two words", "Größe", "--flag", "*"};
constexpr int kExitCode = 3;
constexpr std::string_view kErrorText = "boom";
constexpr ByteCount kFloodLimit = ByteCount::kib(64);

struct Case {
  std::string_view name;
  void (*prepare)(Request&);
  // Empty: well done; else what is wrong.
  std::string (*judge)(const Outcome&, const std::string& program);
};

std::string told(std::string_view text) {
  constexpr std::size_t kMost = 120;
  return printable(text.size() > kMost ? text.substr(0, kMost) : text);
}

std::string ended(const Outcome& outcome) {
  std::string text = outcome.status == Status::kExited
                         ? fmt::format("exited with {}", outcome.exit_code)
                         : std::string(to_string(outcome.status));
  if (!outcome.message.empty()) text += ": " + outcome.message;
  if (!outcome.stderr_text.empty()) text += "; stderr: " + told(outcome.stderr_text);
  if (outcome.status == Status::kCompileFailed && outcome.compile)
    text += "; compiler: " + told(outcome.compile->stdout_text + outcome.compile->stderr_text);
  return text;
}

std::string expect(const Outcome& outcome, std::string_view output) {
  if (outcome.status != Status::kExited || outcome.exit_code != 0) return ended(outcome);
  if (outcome.stdout_text == output) return {};
  return fmt::format("printed \"{}\"", told(outcome.stdout_text));
}

void leave(Request& /*request*/) {}
void give_input(Request& request) { request.input = StdinBytes{.bytes = std::string(kInput)}; }
void give_arguments(Request& request) { request.args.assign(kArguments.begin(), kArguments.end()); }
void give_one_second(Request& request) {
  request.limits.cpu_time = Milliseconds{1000};
  request.limits.wall_time = Milliseconds{10000};
}
void bound_output(Request& request) {
  give_one_second(request);
  request.limits.output = kFloodLimit;
}
void bound_time(Request& request) {
  request.limits.cpu_time = Milliseconds{20000};
  request.limits.wall_time = Milliseconds{30000};
}

// A language that can't print just this says beside its program what it prints instead.
std::string judge_hello(const Outcome& outcome, const std::string& program) {
  const fs::path other = fs::path(program).replace_extension("expected");
  std::error_code error;
  if (!fs::is_regular_file(other, error)) return expect(outcome, kGreeting);
  std::ifstream file(other, std::ios::binary);
  return expect(outcome, std::string(std::istreambuf_iterator<char>(file), {}));
}
std::string judge_input(const Outcome& outcome, const std::string& /*program*/) {
  return expect(outcome, kInput);
}
std::string judge_arguments(const Outcome& outcome, const std::string& /*program*/) {
  std::string lines;
  for (const std::string_view argument : kArguments) lines += fmt::format("{}\n", argument);
  return expect(outcome, lines);
}
std::string judge_unicode(const Outcome& outcome, const std::string& /*program*/) {
  return expect(outcome, kUnicode);
}
std::string judge_exit(const Outcome& outcome, const std::string& /*program*/) {
  const bool good = outcome.status == Status::kExited && outcome.exit_code == kExitCode;
  return good ? "" : ended(outcome);
}
bool failed_by_itself(const Outcome& outcome) {
  return (outcome.status == Status::kExited && outcome.exit_code != 0) ||
         outcome.status == Status::kTrapped;
}
std::string judge_error(const Outcome& outcome, const std::string& /*program*/) {
  const bool failed = failed_by_itself(outcome) || outcome.status == Status::kSignaled;
  if (!failed) return ended(outcome);
  const bool said = outcome.stderr_text.find(kErrorText) != std::string::npos;
  return said ? "" : "no message on stderr; " + ended(outcome);
}
std::string judge_loop(const Outcome& outcome, const std::string& /*program*/) {
  const bool good =
      outcome.status == Status::kCpuTimeExceeded || outcome.status == Status::kWallTimeExceeded;
  return good ? "" : ended(outcome);
}
// Either the jail's limit, or the interpreter gave up at the heap that it was told to keep to.
std::string judge_memory(const Outcome& outcome, const std::string& /*program*/) {
  if (outcome.status == Status::kMemoryExceeded) return {};
  std::string text = outcome.stderr_text;
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const bool gave_up = failed_by_itself(outcome) && (text.find("memory") != std::string::npos ||
                                                     text.find("heap") != std::string::npos);
  return gave_up ? "" : ended(outcome);
}
std::string judge_flood(const Outcome& outcome, const std::string& program) {
  if (!outcome.stdout_truncated) return "the output was not cut; " + ended(outcome);
  // The cut itself is told inside the text.
  if (outcome.stdout_text.size() > 2 * kFloodLimit.count())
    return fmt::format("{} bytes were kept", outcome.stdout_text.size());
  return judge_loop(outcome, program);
}
std::string judge_compile_error(const Outcome& outcome, const std::string& program) {
  const std::string name = program.substr(program.rfind('/') + 1);
  const std::string stem = name.substr(0, name.rfind('.'));
  std::string said = outcome.stderr_text + outcome.stdout_text;
  if (outcome.compile) {
    if (outcome.status != Status::kCompileFailed) return ended(outcome);
    said = outcome.compile->stdout_text + outcome.compile->stderr_text;
  } else if (outcome.status != Status::kExited || outcome.exit_code == 0) {
    return ended(outcome);
  }
  return said.find(stem) != std::string::npos ? "" : "the message names no file: " + told(said);
}

constexpr std::array<Case, 10> kCases = {{
    {"hello", leave, judge_hello},
    {"stdin", give_input, judge_input},
    {"args", give_arguments, judge_arguments},
    {"unicode", leave, judge_unicode},
    {"exit", leave, judge_exit},
    {"error", leave, judge_error},
    {"compile_error", leave, judge_compile_error},
    {"loop", give_one_second, judge_loop},
    {"memory", bound_time, judge_memory},
    {"flood", bound_output, judge_flood},
}};

}  // namespace

const std::vector<std::string_view>& conformance_cases() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    names.reserve(kCases.size());
    for (const Case& one : kCases) names.push_back(one.name);
    return names;
  }();
  return kNames;
}

std::string conformance_program(const RuntimeInfo& runtime,
                                const std::vector<std::string>& directories,
                                std::string_view name) {
  std::vector<fs::path> places;
  if (runtime.origin.starts_with('/')) {
    places.push_back(fs::path(runtime.origin).parent_path());
  } else {
    places.reserve(directories.size());
    for (const std::string& directory : directories)
      places.push_back(fs::path(directory) / runtime.name);
  }
  for (const fs::path& place : places) {
    for (const std::string& extension : runtime.extensions) {
      const std::string file = fmt::format("{}.{}", name, extension);
      // In some languages a file's name is a name of the program's, and "exit" is taken.
      for (const fs::path& program : {name == "hello" ? place / file : place / "tests" / file,
                                      place / "tests" / fmt::format("case_{}", file)}) {
        std::error_code error;
        if (fs::is_regular_file(program, error)) return program.string();
      }
    }
  }
  return {};
}

CaseResult run_case(const RuntimeInfo& runtime, const std::vector<std::string>& directories,
                    std::string_view name, const RunRequest& run) {
  CaseResult result{.name = std::string(name)};
  const std::string program = conformance_program(runtime, directories, name);
  if (program.empty()) return result;
  for (const Case& one : kCases) {
    if (one.name != name) continue;
    Request request{.source = SourceFile{.path = program},
                    .runtime = runtime.name,
                    .input = StdinEmpty{},
                    .lint = LintLevel::kOff};
    one.prepare(request);
    const auto outcome = run(request);
    result.why = outcome ? one.judge(*outcome, program) : outcome.error().to_string();
    result.verdict =
        result.why.empty() ? CaseResult::Verdict::kPassed : CaseResult::Verdict::kFailed;
    if (!outcome) break;
    result.run_time = outcome->wall_time;
    result.peak_memory = outcome->peak_memory;
    if (outcome->compile) result.compile_time = outcome->compile->wall_time;
  }
  return result;
}

}  // namespace sandpit
