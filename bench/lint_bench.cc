// What lint costs: lint_bench LINT_WORKER RUNTIME_DIRECTORY SOURCE [ROUNDS]. The best times of each
// part in milliseconds, with 5 ms of idleness between the rounds, as cells of bench/lint.py's
// table.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>

#include "lint/job.h"
#include "lint/judge.h"
#include "lint/rules.h"
#include "service/lint_worker.h"

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;
constexpr std::chrono::seconds kPatience{10};

template <class Work>
double best_time(int rounds, Work work) {
  double best = Milliseconds(kPatience).count();
  for (int i = 0; i < rounds; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const auto begin = Clock::now();
    work();
    best = std::min(best, Milliseconds(Clock::now() - begin).count());
  }
  return best;
}

int run(const std::string& worker, const std::string& directory, const std::string& path,
        int rounds) {
  std::ifstream file(path, std::ios::binary);
  const std::string source{std::istreambuf_iterator<char>(file), {}};
  const auto rules = sandpit::lint::load_rules(directory);
  if (!file || !rules || !*rules) {
    fmt::print(stderr, "lint_bench: no source or no rules\n");
    return 1;
  }
  sandpit::lint::LintJob job{.language = (*rules)->language, .budget_us = 5'000'000};
  const auto ask = [&] {
    auto answer = sandpit::ask_lint_worker(worker, job, kPatience);
    if (!answer || answer->status != sandpit::lint::AnswerStatus::kDone) {
      fmt::print(stderr, "lint_bench: {}\n", answer ? answer->message : answer.error().to_string());
      std::exit(1);
    }
    return std::move(*answer);
  };
  const double start = best_time(rounds, ask);
  const double none = best_time(rounds, [&] {
    const auto loaded = sandpit::lint::load_rules(directory, "");
    if (!loaded) std::exit(1);
  });
  job.source = source;
  for (const auto& rule : (*rules)->rules) {
    if (sandpit::lint::may_match(rule, source))
      job.rules.push_back({rule.query, rule.only_if, rule.unless});
  }
  if (ask().findings.empty()) {
    fmt::print(stderr, "lint_bench: {} has no finding\n", path);
    return 1;
  }
  std::uint64_t parse = UINT64_MAX;
  const double all = best_time(rounds, [&] { parse = std::min(parse, ask().parse_us); });
  fmt::print("{} | {:.2f} | {:.3f} | {:.1f} | {:.1f}\n", job.rules.size(), start, none,
             static_cast<double>(parse) / 1000, all);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: lint_bench LINT_WORKER RUNTIME_DIRECTORY SOURCE [ROUNDS]\n");
    return 2;
  }
  return run(argv[1], argv[2], argv[3], argc > 4 ? std::atoi(argv[4]) : 50);
}
