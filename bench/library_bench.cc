// What the library costs besides one run's latency.
//
//   library_bench throughput --seconds 3 --expect TEXT --library-case NAME ARGV… ';;'   with 1, 2,
//   4, 8 calling threads library_bench memory --library-case NAME ARGV-THAT-SLEEPS… ';;' with 1, 2,
//   4, 8 sandboxes that sleep library_bench breakdown --iterations 300 --library-case NAME ARGV…
//   ';;'             where the time of a run goes
//
// Lines, tab-separated: throughput NAME THREADS RUNS FAILURES NANOSECONDS | memory NAME SANDBOXES
// WHAT KIB | part NAME WHAT NANOSECONDS | failure NAME WHAT.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "bench/arguments.h"
#include "bench/command.h"
#include "bench/contender.h"
#include "bench/process_facts.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/sandbox.h"
#include "service/pipeline.h"
#include "service/wire.h"
#include "sys/cgroup.h"
#include "sys/host_facts.h"

namespace {

using namespace sandpit;         // NOLINT(google-build-using-namespace)
using namespace sandpit::bench;  // NOLINT(google-build-using-namespace)
using Clock = std::chrono::steady_clock;

constexpr unsigned kConcurrency[] = {1, 2, 4, 8};

void report_failure(const std::string& name, std::string what) {
  std::ranges::replace_if(what, [](char c) { return c == '\t' || c == '\n'; }, ' ');
  fmt::print("failure\t{}\t{}\n", name, what);
}

void measure_throughput(const Sandbox& sandbox, const CaseArguments& told, const Request& request,
                        unsigned threads, std::chrono::seconds span, const std::string& expected) {
  std::atomic<std::uint64_t> runs = 0;
  std::atomic<std::uint64_t> failures = 0;
  std::mutex problem_mutex;
  std::string problem;
  const auto begin = Clock::now();
  const auto work = [&] {
    while (Clock::now() - begin < span) {
      std::string wrong = problem_of(sandbox.run(request), expected);
      if (wrong.empty()) {
        ++runs;
        continue;
      }
      ++failures;
      const std::scoped_lock lock(problem_mutex);
      problem = std::move(wrong);
    }
  };
  {
    std::vector<std::jthread> workers;
    workers.reserve(threads);
    for (unsigned i = 0; i < threads; ++i) workers.emplace_back(work);
  }
  const auto elapsed = std::chrono::duration_cast<Nanoseconds>(Clock::now() - begin);
  if (!problem.empty()) report_failure(told.name, problem);
  fmt::print("throughput\t{}\t{}\t{}\t{}\t{}\n", told.name, threads, runs.load(), failures.load(),
             elapsed.count());
}

// All of the launcher's processes, itself included; empty when one of them can't be read.
std::optional<std::uint64_t> tree_pss(pid_t launcher) {
  auto sum = pss_kib(launcher);
  for (const ProcessEntry& process : descendants(all_processes(), launcher)) {
    const auto pss = pss_kib(process.pid);
    if (!sum || !pss) return std::nullopt;
    sum = *sum + *pss;
  }
  return sum;
}

void print_memory(const std::string& name, unsigned sandboxes, const char* what,
                  std::optional<std::uint64_t> kib) {
  if (kib) fmt::print("memory\t{}\t{}\t{}\t{}\n", name, sandboxes, what, *kib);
}

// Until `sandboxes` processes of that program sleep below the launcher.
bool wait_until_asleep(pid_t launcher, const std::string& program, unsigned sandboxes) {
  const std::string name = program.substr(program.rfind('/') + 1).substr(0, 15);
  const auto deadline = Clock::now() + std::chrono::seconds(5);
  while (Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const auto below = descendants(all_processes(), launcher);
    const auto asleep = std::ranges::count_if(below, [&name](const ProcessEntry& process) {
      return process.state == 'S' && name.starts_with(process.name.substr(0, 6)) &&
             !process.name.starts_with("sandpit");
    });
    if (std::cmp_greater_equal(asleep, sandboxes)) return true;
  }
  return false;
}

// Ends the sleepers; one that ended in another way than by our order was not running when it was
// measured.
void cancel_all(std::vector<Run>& runs, const std::string& name) {
  for (Run& run : runs) run.cancel();
  for (Run& run : runs) {
    if (auto outcome = run.wait(); !outcome || outcome->message != "cancelled") {
      report_failure(name, problem_of(outcome, ""));
    }
  }
}

void measure_memory(const Sandbox& sandbox, pid_t launcher, const CaseArguments& told,
                    const Request& request, unsigned sandboxes) {
  std::vector<Run> runs;
  runs.reserve(sandboxes);
  for (unsigned i = 0; i < sandboxes; ++i) {
    auto run = sandbox.start(request);
    if (!run) return report_failure(told.name, run.error().to_string());
    runs.push_back(std::move(*run));
  }
  if (wait_until_asleep(launcher, told.argv.front(), sandboxes)) {
    // A program that was just started still faults in its last pages.
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    print_memory(told.name, sandboxes, "tree", tree_pss(launcher));
    print_memory(told.name, sandboxes, "charged", charged_kib());
    print_memory(told.name, sandboxes, "host", resident_kib(::getpid()));
  } else {
    report_failure(told.name, "the programs did not come to rest in 5 seconds");
  }
  cancel_all(runs, told.name);
}

// Where a run's time goes: planning in this process, the program itself as the launcher measured
// it, and the rest (two socket messages, making and removing the jail).
Result<void> measure_breakdown(const Sandbox& sandbox, const CaseArguments& told,
                               const Request& request, std::uint64_t iterations,
                               const std::string& expected) {
  RuntimeRegistry registry;
  (void)load_manifests(registry, default_runtime_directories());
  const HostFacts facts = sys::probe_facts(sys::CgroupHost::probe());
  const auto print = [&told](const char* what, auto duration) {
    fmt::print("part\t{}\t{}\t{}\n", told.name, what,
               std::chrono::duration_cast<Nanoseconds>(duration).count());
  };
  for (std::uint64_t i = 0; i < iterations; ++i) {
    const auto begin = Clock::now();
    SP_TRY(const Prepared prepared, prepare(request, sandbox.config(), registry, facts));
    const auto planned = Clock::now();
    const std::string bytes = wire::encode(prepared.plan);
    const auto encoded = Clock::now();
    const auto outcome = sandbox.run(request);
    const auto ended = Clock::now();
    if (std::string problem = problem_of(outcome, expected); !problem.empty()) {
      return fail({.message = std::move(problem)});
    }
    const auto whole = ended - encoded;
    print("whole run", whole);
    print("prepare()", planned - begin);
    print("encode plan", encoded - planned);
    print("program (as reported)", outcome->wall_time);
    print("rest (launcher, messages)", whole - (encoded - begin) - outcome->wall_time);
    if (i == 0) fmt::print("note\t{}\tplan is {} bytes\n", told.name, bytes.size());
  }
  return {};
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): out of memory ends a measuring program
int main(int argc, char** argv) {
  const auto arguments =
      Arguments::parse(argc, argv, {"--seconds", "--expect", "--iterations", "--allow-degraded"});
  const auto before = all_processes();
  const auto sandbox = make_sandbox(arguments.text("--allow-degraded", ""));
  if (!sandbox) {
    report_failure("library", sandbox.error().to_string());
    return 0;
  }
  const std::string expected = arguments.text("--expect", "");
  const std::chrono::seconds span(arguments.number("--seconds", 3));
  const auto launcher = new_launcher(before);
  for (const CaseArguments& told : arguments.cases()) {
    const auto request = request_of(told);
    if (!request) {
      report_failure(told.name, request.error().to_string());
    } else if (arguments.mode() == "breakdown") {
      auto done = measure_breakdown(*sandbox, told, *request, arguments.number("--iterations", 300),
                                    expected);
      if (!done) report_failure(told.name, done.error().to_string());
    } else if (arguments.mode() == "throughput") {
      for (const unsigned threads : kConcurrency) {
        measure_throughput(*sandbox, told, *request, threads, span, expected);
      }
    } else if (arguments.mode() == "memory" && launcher) {
      print_memory(told.name, 0, "tree", tree_pss(*launcher));
      print_memory(told.name, 0, "host", resident_kib(::getpid()));
      print_memory(told.name, 0, "charged", charged_kib());
      for (const unsigned count : kConcurrency) {
        measure_memory(*sandbox, *launcher, told, *request, count);
      }
    } else {
      report_failure(told.name,
                     launcher ? "unknown mode " + arguments.mode() : "no launcher found");
    }
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
