// Does anything grow over many runs? Counts descriptors, memory, cgroups, mounts and zombies before
// the first run, after a warm-up (pools are filled then), halfway, at the end, and after everything
// was closed.
//
//   growth_bench --runs 10000 --library-case library /bin/true ';;'
//   growth_bench --runs 1000 --case 'sandpit exec' build/release/sandpit exec -- /bin/true ';;'
//
// Lines, tab-separated: growth NAME STAGE WHAT VALUE | runs NAME SUCCEEDED FAILED NANOSECONDS |
// failure NAME WHAT.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"
#include "bench/arguments.h"
#include "bench/command.h"
#include "bench/contender.h"
#include "bench/process_facts.h"
#include "sandpit/error.h"
#include "sandpit/sandbox.h"

namespace {

using namespace sandpit;         // NOLINT(google-build-using-namespace)
using namespace sandpit::bench;  // NOLINT(google-build-using-namespace)

void print_stage(const std::string& name, const char* stage, pid_t launcher) {
  // The kernel takes network namespaces and dying cgroups apart in the background.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  for (const auto& [what, value] : leftovers(launcher)) {
    fmt::print("growth\t{}\t{}\t{}\t{}\n", name, stage, what, value);
  }
}

struct Tally {
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::string problem;
};

void run_many(Contender& contender, std::uint64_t runs, Tally& tally) {
  for (std::uint64_t i = 0; i < runs; ++i) {
    if (auto elapsed = contender.run_once()) {
      ++tally.succeeded;
    } else {
      ++tally.failed;
      tally.problem = elapsed.error().to_string();
    }
  }
}

void report_failure(const std::string& name, std::string what) {
  std::ranges::replace_if(what, [](char c) { return c == '\t' || c == '\n'; }, ' ');
  fmt::print("failure\t{}\t{}\n", name, what);
}

Result<void> measure(const CaseArguments& told, const Arguments& arguments) {
  const std::uint64_t runs = arguments.number("--runs", 10000);
  print_stage(told.name, "before", 0);
  const auto processes = all_processes();
  std::optional<Result<Sandbox>> sandbox;
  pid_t launcher = 0;
  if (told.kind != CaseArguments::Kind::kCommand) {
    const WarmOptions usual;
    const WarmOptions warm{.runs_per_worker =
                               arguments.number("--runs-per-worker", usual.runs_per_worker)};
    sandbox.emplace(make_sandbox(arguments.text("--allow-degraded", ""), warm));
    if (!*sandbox) return fail(sandbox->error());
    launcher = new_launcher(processes).value_or(0);
  }
  const Expectation expected{.output = arguments.text("--expect", "")};
  SP_TRY(auto contender, make_contender(told, sandbox ? &**sandbox : nullptr, expected));
  Tally tally;
  run_many(*contender, std::clamp<std::uint64_t>(runs / 20, 10, 200), tally);
  print_stage(told.name, "warm", launcher);
  const auto begin = std::chrono::steady_clock::now();
  run_many(*contender, runs / 2, tally);
  const auto middle = std::chrono::steady_clock::now();
  print_stage(told.name, "half", launcher);
  const auto again = std::chrono::steady_clock::now();
  run_many(*contender, runs - runs / 2, tally);
  const Nanoseconds elapsed = (std::chrono::steady_clock::now() - again) + (middle - begin);
  print_stage(told.name, "end", launcher);
  contender.reset();
  sandbox.reset();
  print_stage(told.name, "closed", 0);
  fmt::print("runs\t{}\t{}\t{}\t{}\n", told.name, tally.succeeded, tally.failed, elapsed.count());
  if (tally.failed != 0) report_failure(told.name, tally.problem);
  return {};
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): out of memory ends a measuring program
int main(int argc, char** argv) {
  const auto arguments =
      Arguments::parse(argc, argv, {"--runs", "--runs-per-worker", "--expect", "--allow-degraded"});
  for (const CaseArguments& told : arguments.cases()) {
    if (auto done = measure(told, arguments); !done) {
      report_failure(told.name, done.error().to_string());
    }
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
