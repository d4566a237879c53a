// `sandpit runtimes test`: the conformance programs of each runtime on this host.
#include "cli/runtimes_test.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/outcome_text.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/descriptors.h"
#include "cli/table.h"
#include "codec/conformance_json.h"
#include "codec/runtimes_json.h"
#include "runtime/settings_for.h"
#include "sandpit/config.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "service/conformance.h"
#include "service/one_shot.h"
#include "service/pipeline.h"

namespace sandpit::cli {
namespace {

const char* word_of(CaseResult::Verdict verdict) {
  switch (verdict) {
    case CaseResult::Verdict::kPassed:
      return "passed";
    case CaseResult::Verdict::kFailed:
      return "failed";
    case CaseResult::Verdict::kNoProgram:
      return "no_program";
  }
  return "no_program";
}

class Tester {
 public:
  Tester(const Config& config, const RuntimeRegistry& registry, int interrupt)
      : config_(config), registry_(registry), interrupt_(interrupt), host_(probe_host()) {}

  TestedRuntime test(const Runtime& runtime) {
    TestedRuntime tested{.info = runtime.info(settings_for(config_.settings(), runtime.name()),
                                              Runtime::Probe::kWithVersion),
                         .cases = {}};
    if (tested.info.state != RuntimeState::kReady) return tested;
    for (const std::string_view name : conformance_cases()) {
      if (interrupted_) break;
      CaseResult result = run_case(tested.info, default_runtime_directories(), name,
                                   [this](const Request& request) { return run(request); });
      tested.cases.push_back({.name = std::move(result.name),
                              .verdict = word_of(result.verdict),
                              .why = std::move(result.why),
                              .run_time = result.run_time,
                              .compile_time = result.compile_time,
                              .peak_memory = result.peak_memory});
    }
    return tested;
  }
  [[nodiscard]] bool interrupted() const { return interrupted_; }

 private:
  Result<Outcome> run(const Request& request) {
    SP_TRY(Prepared prepared, prepare(request, config_, registry_, host_.facts));
    Outcome outcome = run_one_shot(
        std::move(prepared),
        {.input = request.input, .output = {}, .capture = true, .interrupt_fd = interrupt_}, host_);
    if (outcome.message == "interrupted") interrupted_ = true;
    return outcome;
  }

  const Config& config_;
  const RuntimeRegistry& registry_;
  int interrupt_;
  Host host_;
  bool interrupted_ = false;
};

bool passed(const TestedRuntime& tested) {
  return std::ranges::none_of(tested.cases,
                              [](const TestedCase& one) { return one.verdict == "failed"; });
}

bool has_programs(const TestedRuntime& tested) {
  return std::ranges::any_of(tested.cases,
                             [](const TestedCase& one) { return one.verdict != "no_program"; });
}

// A row: what passed as a letter each, "hello" in milliseconds.
void add_row(const TestedRuntime& tested, Table& table) {
  std::vector<std::string> cells = {tested.info.name,
                                    tested.info.version.empty() ? "-" : tested.info.version};
  std::string compile = "-";
  std::string hello = "-";
  std::string memory = "-";
  std::size_t good = 0;
  std::size_t all = 0;
  std::string bad;
  for (const TestedCase& one : tested.cases) {
    if (one.verdict == "no_program") continue;
    ++all;
    if (one.verdict == "passed") {
      ++good;
    } else {
      bad += fmt::format("{}{}", bad.empty() ? "" : ", ", one.name);
    }
    if (one.name != "hello") continue;
    hello = to_text(one.run_time);
    memory = to_text(one.peak_memory);
    if (one.compile_time.count() != 0) compile = to_text(one.compile_time);
  }
  std::string result = "passed";
  auto colouring = Colouring::kGood;
  if (tested.info.state != RuntimeState::kReady) {
    result = fmt::format("{}: {}", to_text(tested.info.state), tested.info.install_hint);
    colouring = Colouring::kPoor;
  } else if (all == 0) {
    result = "has no test programs";
    colouring = Colouring::kPoor;
  } else if (!bad.empty()) {
    result = "FAILED: " + bad;
    colouring = Colouring::kBad;
  }
  cells.insert(cells.end(), {hello, compile, memory, fmt::format("{}/{}", good, all), result});
  table.add(std::move(cells), colouring);
}

}  // namespace

int test_runtimes(const Config& config, const RuntimeRegistry& registry,
                  const std::vector<const Runtime*>& runtimes, bool json, Log& log) {
  const Result<UniqueFd> interrupts = interrupt_descriptor();
  if (!interrupts) return report(interrupts.error(), log);
  Tester tester(config, registry, interrupts->get());
  Table table({"NAME", "VERSION", "HELLO", "COMPILE", "MEMORY", "CASES", "RESULT"},
              colour_for(STDOUT_FILENO));
  bool good = true;
  for (const Runtime* runtime : runtimes) {
    const TestedRuntime tested = tester.test(*runtime);
    if (tester.interrupted()) return 128 + read_interrupt(interrupts->get());
    good = good && passed(tested);
    if (json) {
      if (const int status = print(tested_to_json(tested), log); status != 0) return status;
      continue;
    }
    if (tested.info.state == RuntimeState::kReady && has_programs(tested)) {
      log.info(fmt::format("{} tested", tested.info.name));
    }
    for (const TestedCase& one : tested.cases) {
      if (one.verdict == "failed")
        log.warning(fmt::format("{}: {}: {}", tested.info.name, one.name, printable(one.why)));
    }
    add_row(tested, table);
  }
  if (!json) {
    if (const int status = print(table.text(), log); status != 0) return status;
  }
  return good ? 0 : 1;
}

}  // namespace sandpit::cli
