// What a run through the library costs, warm and cold, beside the bare interpreter.
//
//   warm_bench latency FILE ROUNDS PRELOADS SANDPIT BARE-COMMAND…
//     in turn: bare, warm (forked ahead), forked when it is asked for, `SANDPIT run`, and cold
//     through the library. PRELOADS: "-" or "a,b", for Python
//   warm_bench alone FILE ROUNDS         warm only, with 20 ms of rest before each
//   warm_bench throughput FILE SECONDS   warm, with 1, 2, 4, 8 and 16 calling threads
//   warm_bench load FILE SECONDS RATE    warm, RATE runs each second, whether the last are done
//   warm_bench memory FILE RUNS SLEEPER  of templates, and what a run adds; SLEEPER: a program that
//                                        sleeps for two seconds
//   warm_bench soak FILE RUNS            warm, from two threads; memory and descriptors
//
// Lines, tab-separated: latency WHAT NANOSECONDS | throughput THREADS RUNS COLD NANOSECONDS |
// load NANOSECONDS | memory TEMPLATES PSS-BYTES PEAK-BYTES (median of the runs) ADDED-BYTES (PSS,
// of a run that sleeps) | soak RUNS RSS-KIB DESCRIPTORS PROCESSES CGROUPS (of the launcher and
// below it) | failure WHAT.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "bench/process_facts.h"
#include "sandpit/config.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"

extern char** environ;

namespace {

using namespace sandpit;  // NOLINT(google-build-using-namespace)
using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(std::string_view what) {
  fmt::print("failure\t{}\n", what);
  std::exit(1);
}

Request request_for(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return {.source = SourceText{.text = text.str(), .name = path.substr(path.rfind('/') + 1)}};
}

Outcome run(const Sandbox& sandbox, const Request& request) {
  auto outcome = sandbox.run(request);
  if (!outcome) give_up(outcome.error().to_string());
  if (outcome->status != Status::kExited || outcome->exit_code != 0) {
    give_up(fmt::format("{} {} {}", to_string(outcome->status), outcome->message,
                        outcome->stderr_text));
  }
  return std::move(*outcome);
}

// Until templates are there for so many callers.
void bring_up(const Sandbox& sandbox, const Request& request, unsigned callers) {
  for (int i = 0; i < 500; ++i) {
    std::atomic<unsigned> cold = 0;
    std::vector<std::thread> threads;
    for (unsigned n = 0; n < callers; ++n) {
      threads.emplace_back([&] { cold += run(sandbox, request).start == "warm" ? 0 : 1; });
    }
    for (std::thread& thread : threads) thread.join();
    if (cold == 0 && i > 20) return;
    if (cold != 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  give_up("no template came up");
}

// posix_spawn, its output to a pipe that is read to the end, wait.
void run_bare(char* const* argv) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) give_up("pipe2");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  pid_t pid = -1;
  if (::posix_spawn(&pid, argv[0], &actions, nullptr, argv, environ) != 0) give_up(argv[0]);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  char buffer[4096];
  while (::read(ends[0], buffer, sizeof buffer) > 0) {
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (status != 0) give_up("the bare command failed");
}

template <class Action>
void time(std::string_view what, const Action& action) {
  const auto begin = Clock::now();
  action();
  fmt::print("latency\t{}\t{}\n", what, (Clock::now() - begin).count());
}

bool serves_one_run(const Request& request) {
  const auto* text = std::get_if<SourceText>(&request.source);
  return text != nullptr && text->name.ends_with(".java");
}

// Until the next process waits, of a runtime whose processes serve one run each: its start would
// take time from what is measured next.
void settle(const Sandbox& sandbox, const Request& request) {
  if (!serves_one_run(request)) return;
  for (int i = 0; i < 200; ++i) {
    const auto counts = sandbox.template_counts();
    if (counts && !counts->empty() && counts->front().waiting > 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

Sandbox sandbox_with(const std::string& preloads, const TemplateOptions& templates) {
  Config config = Config::defaults();
  std::istringstream list(preloads);
  for (std::string name; preloads != "-" && std::getline(list, name, ',');) {
    config.settings().runtimes["python"].preload.push_back(name);
  }
  auto sandbox = Sandbox::create(config, {.warm = {.templates = templates}});
  if (!sandbox) give_up(sandbox.error().to_string());
  return std::move(*sandbox);
}

// What is not forked has to wait.
TemplateOptions forked_when_asked_for(const Request& request) {
  return serves_one_run(request) ? TemplateOptions{.most = 1}
                                 : TemplateOptions{.most = 1, .waiting = 0};
}

struct Commands {
  std::vector<char*> sandpit;
  char* const* bare = nullptr;
};

void latency(const Sandbox& sandbox, const Request& warm, int rounds, const std::string& preloads,
             const Commands& commands) {
  Request cold = warm;
  cold.cold = true;
  const bool once = serves_one_run(warm);
  const Sandbox other = sandbox_with(preloads, forked_when_asked_for(warm));
  bring_up(sandbox, warm, 1);
  if (!once) bring_up(other, warm, 1);
  run_bare(commands.sandpit.data());  // which may have to compile
  for (int i = 0; i < rounds; ++i) {
    settle(sandbox, warm);
    time("bare", [&] { run_bare(commands.bare); });
    time("warm", [&] {
      if (run(sandbox, warm).start != "warm") give_up("a run was cold");
    });
    if (!once) {
      time("forked", [&] {
        if (run(other, warm).start != "warm") give_up("a run was cold");
      });
    }
    settle(sandbox, warm);
    time("run", [&] { run_bare(commands.sandpit.data()); });
    time("cold", [&] { (void)run(sandbox, cold); });
  }
}

// Warm runs alone, with 20 ms of rest before each.
void alone(const Sandbox& sandbox, const Request& request, int rounds) {
  bring_up(sandbox, request, 1);
  for (int i = 0; i < rounds; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    settle(sandbox, request);
    time("warm", [&] { (void)run(sandbox, request); });
  }
  const auto counts = sandbox.template_counts();
  if (!counts || counts->empty()) give_up("no templates to be seen");
  fmt::print("counts\t{}\t{}\n", counts->front().hits, counts->front().waited);
}

void throughput(const Sandbox& sandbox, const Request& request, std::chrono::seconds span) {
  bring_up(sandbox, request, 2);
  for (const unsigned callers : {1U, 2U, 4U, 8U, 16U}) {
    std::atomic<std::uint64_t> runs = 0;
    std::atomic<std::uint64_t> cold = 0;
    const auto begin = Clock::now();
    std::vector<std::thread> threads;
    for (unsigned n = 0; n < callers; ++n) {
      threads.emplace_back([&] {
        while (Clock::now() - begin < span) {
          cold += run(sandbox, request).start == "warm" ? 0 : 1;
          ++runs;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    fmt::print("throughput\t{}\t{}\t{}\t{}\n", callers, runs.load(), cold.load(),
               (Clock::now() - begin).count());
  }
}

// Each run's time from the moment when it was due, so that waiting for others counts.
void load(const Sandbox& sandbox, const Request& request, std::chrono::seconds span, int rate) {
  bring_up(sandbox, request, 2);
  const auto total = static_cast<std::uint64_t>(span.count() * rate);
  const auto begin = Clock::now();
  std::atomic<std::uint64_t> next = 0;
  std::mutex mutex;
  const auto caller = [&] {
    for (std::uint64_t n = next++; n < total; n = next++) {
      const auto due = begin + std::chrono::nanoseconds(1'000'000'000) * n / rate;
      std::this_thread::sleep_until(due);
      (void)run(sandbox, request);
      const auto took = (Clock::now() - due).count();
      const std::scoped_lock lock(mutex);
      fmt::print("load\t{}\n", took);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) threads.emplace_back(caller);
  for (std::thread& thread : threads) thread.join();
}

// Of all that is below the launcher; what several share is in it once.
std::uint64_t pss_below(pid_t launcher) {
  std::uint64_t sum = 0;
  for (const auto& process : bench::descendants(bench::all_processes(), launcher)) {
    sum += bench::pss_kib(process.pid).value_or(0) << 10U;
  }
  return sum;
}

// What a run adds while it sleeps, beside its template.
std::uint64_t pss_added(const Sandbox& sandbox, pid_t launcher, const Request& sleeper) {
  const unsigned at_once = serves_one_run(sleeper) ? 1 : 4;
  const std::uint64_t before = serves_one_run(sleeper) ? 0 : pss_below(launcher);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < at_once; ++i) {
    threads.emplace_back([&] {
      if (run(sandbox, sleeper).start != "warm") give_up("a run was cold");
    });
  }
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const std::uint64_t during = pss_below(launcher);
  for (std::thread& thread : threads) thread.join();
  return during > before ? (during - before) / at_once : 0;
}

void memory(const Request& request, int runs, const Request& sleeper) {
  const auto processes = bench::all_processes();
  const Sandbox sandbox = sandbox_with("-", forked_when_asked_for(request));
  const auto launcher = bench::new_launcher(processes);
  if (!launcher) give_up("no launcher to be seen");
  bring_up(sandbox, request, 1);
  std::vector<std::uint64_t> peaks;
  for (int i = 0; i < runs; ++i) {
    peaks.push_back(run(sandbox, request).peak_memory.count());
  }
  std::ranges::sort(peaks);
  settle(sandbox, request);
  const auto counts = sandbox.template_counts();
  if (!counts || counts->empty()) give_up("no templates to be seen");
  fmt::print("memory\t{}\t{}\t{}\t{}\n", counts->front().ready, counts->front().memory.count(),
             peaks[peaks.size() / 2], pss_added(sandbox, *launcher, sleeper));
}

void soak(const Sandbox& sandbox, pid_t launcher, const Request& request, std::uint64_t total) {
  bring_up(sandbox, request, 2);
  std::atomic<std::uint64_t> done = 0;
  for (std::uint64_t part = 1; part <= 5; ++part) {
    const std::uint64_t until = total * part / 5;
    const auto some = [&] {
      while (done.fetch_add(1) < until) (void)run(sandbox, request);
    };
    std::thread other(some);
    some();
    other.join();
    done = until;
    // Whatever is still ending is no growth.
    std::this_thread::sleep_for(std::chrono::seconds(1));
    auto left = bench::leftovers(launcher);
    fmt::print("soak\t{}\t{}\t{}\t{}\t{}\n", until, left["launcher: resident KiB"],
               left["launcher: descriptors"], left["launcher: processes below"],
               left["cgroup directories of runs"]);
  }
}

int number(const char* text) {
  int value = 0;
  const std::string_view view(text);
  std::from_chars(view.begin(), view.end(), value);
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const auto before = bench::all_processes();
  const std::string_view what(argv[1]);
  const bool is_latency = what == "latency" && argc > 6;
  const Request request = request_for(argv[2]);
  const int count = number(argv[3]);
  if (what == "memory" && argc > 4) {
    memory(request, count, request_for(argv[4]));
    return 0;
  }
  const std::string preloads = is_latency ? argv[4] : "-";
  const Sandbox sandbox = sandbox_with(preloads, {});
  if (is_latency) {
    char verb[] = "run";
    latency(sandbox, request, count, preloads,
            {.sandpit = {argv[5], verb, argv[2], nullptr}, .bare = argv + 6});
  } else if (what == "alone") {
    alone(sandbox, request, count);
  } else if (what == "throughput") {
    throughput(sandbox, request, std::chrono::seconds(count));
  } else if (what == "load" && argc > 4) {
    load(sandbox, request, std::chrono::seconds(count), number(argv[4]));
  } else if (what == "soak") {
    const auto launcher = bench::new_launcher(before);
    if (!launcher) give_up("no launcher to be seen");
    soak(sandbox, *launcher, request, static_cast<std::uint64_t>(count));
  } else {
    return 2;
  }
  return 0;
}
