// What lint costs: lint_bench LINT_WORKER RUNTIME_DIRECTORY SOURCE [ROUNDS]. Medians of each part,
// with 5 ms of idleness between the rounds.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "lint/job.h"
#include "lint/judge.h"
#include "lint/rules.h"
#include "service/lint_worker.h"

namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;
constexpr std::chrono::seconds kPatience{10};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <class Work>
double median_time(int rounds, Work work) {
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const auto begin = Clock::now();
    work();
    times.push_back(Microseconds(Clock::now() - begin).count());
  }
  return median(std::move(times));
}

void line(const char* what, double microseconds) {
  fmt::print("{:<58} {:>9.0f} µs\n", what, microseconds);
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
  fmt::print("{} bytes, {} lines, {} rules\n", source.size(),
             std::count(source.begin(), source.end(), '\n'), (*rules)->rules.size());
  line("the worker's start and end, nothing to do", median_time(rounds, ask));
  line("reading the rule file", median_time(rounds, [&] {
         if (!sandpit::lint::load_rules(directory)) std::exit(1);
       }));
  line("a source with no name of a rule: all of lint", median_time(rounds, [&] {
         const auto none = sandpit::lint::load_rules(directory, "print('hello')\n");
         if (!none || *none) std::exit(1);
       }));
  std::size_t named = 0;
  line("looking for the rules' names", median_time(rounds, [&] {
         named = static_cast<std::size_t>(std::count_if(
             (*rules)->rules.begin(), (*rules)->rules.end(),
             [&](const auto& rule) { return sandpit::lint::may_match(rule, source); }));
       }));
  job.source = source;
  for (const auto& rule : (*rules)->rules)
    job.rules.push_back({rule.query, rule.only_if, rule.unless});
  std::vector<double> parse;
  line("worker: start, compile all queries, parse, match",
       median_time(rounds, [&] { parse.push_back(static_cast<double>(ask().parse_us)); }));
  line("  of it the parse", median(parse));
  job.rules.resize(1);
  line("worker with one rule", median_time(rounds, ask));
  fmt::print("{} rules have a name in the source\n", named);
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
