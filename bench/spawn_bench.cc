// Times contenders side by side: in each round every contender runs once, in an order shuffled
// anew, so that whatever disturbs the machine disturbs all of them, and none always runs in the
// wake of the same neighbour.
//
//   spawn_bench --iterations 300 --warmup 5 --idle-ms 0 --expect hi$'\n' --case bare
//   /usr/bin/python3 -c 'print("hi")' ';;' …
//
// Lines, tab-separated: sample NAME NANOSECONDS | failure NAME WHAT. A contender that failed three
// times, or hung, sits out the rest.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/arguments.h"
#include "bench/contender.h"
#include "bench/host_load.h"
#include "sandpit/error.h"
#include "sandpit/sandbox.h"

namespace {

using namespace sandpit;         // NOLINT(google-build-using-namespace)
using namespace sandpit::bench;  // NOLINT(google-build-using-namespace)

constexpr int kMostFailures = 3;

struct Entry {
  std::unique_ptr<Contender> contender;
  int failures = 0;
};

void report_failure(const std::string& name, std::string what) {
  std::ranges::replace_if(what, [](char c) { return c == '\t' || c == '\n'; }, ' ');
  fmt::print("failure\t{}\t{}\n", name, what);
}

enum class Recorded : std::uint8_t { kNo, kYes };

void run_round(std::vector<Entry>& entries, std::mt19937& random, std::chrono::milliseconds idle,
               Recorded recorded) {
  std::ranges::shuffle(entries, random);
  for (Entry& entry : entries) {
    if (entry.failures >= kMostFailures) continue;
    if (idle.count() > 0) std::this_thread::sleep_for(idle);
    const auto begin = std::chrono::steady_clock::now();
    const auto elapsed = entry.contender->run_once();
    if (!elapsed) {
      report_failure(entry.contender->name(), elapsed.error().to_string());
      const bool hung = std::chrono::steady_clock::now() - begin > std::chrono::seconds(10);
      entry.failures += hung ? kMostFailures : 1;
    } else if (recorded == Recorded::kYes) {
      fmt::print("sample\t{}\t{}\n", entry.contender->name(), elapsed->count());
    }
  }
}

std::vector<Entry> make_entries(const Arguments& arguments, const Result<Sandbox>* sandbox) {
  const Expectation expected{.output = arguments.text("--expect", ""),
                             .patience = std::chrono::seconds(arguments.number("--patience", 30))};
  std::vector<Entry> entries;
  for (const CaseArguments& told : arguments.cases()) {
    const bool library = told.kind != CaseArguments::Kind::kCommand;
    if (library && !*sandbox) {
      report_failure(told.name, sandbox->error().to_string());
      continue;
    }
    auto contender = make_contender(told, library ? &**sandbox : nullptr, expected);
    if (!contender) {
      report_failure(told.name, contender.error().to_string());
      continue;
    }
    entries.push_back({.contender = std::move(*contender)});
  }
  return entries;
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): out of memory ends a measuring program
int main(int argc, char** argv) {
  const auto arguments =
      Arguments::parse(argc, argv,
                       {"--iterations", "--warmup", "--idle-ms", "--expect", "--resident-mib",
                        "--threads", "--allow-degraded", "--seed", "--patience"});
  std::optional<Result<Sandbox>> sandbox;
  // Made in advance, as a host program would; its creation is no part of a run.
  if (std::ranges::any_of(arguments.cases(), [](const CaseArguments& told) {
        return told.kind != CaseArguments::Kind::kCommand;
      })) {
    sandbox.emplace(make_sandbox(arguments.text("--allow-degraded", "")));
  }
  auto entries = make_entries(arguments, sandbox ? &*sandbox : nullptr);
  const HostLoad load(arguments.number("--resident-mib", 0), arguments.number("--threads", 0));
  // Every run of the program shuffles alike, so that two of them can be compared.
  std::mt19937 random(static_cast<unsigned>(arguments.number("--seed", 1)));
  for (std::uint64_t i = arguments.number("--warmup", 3); i > 0; --i) {
    run_round(entries, random, std::chrono::milliseconds(0), Recorded::kNo);
  }
  const std::chrono::milliseconds idle(arguments.number("--idle-ms", 0));
  for (std::uint64_t i = arguments.number("--iterations", 100); i > 0; --i) {
    run_round(entries, random, idle, Recorded::kYes);
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
