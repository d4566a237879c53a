// Modules of any kind: parsed, described, linked and run, in this process, by the library that the
// jailed worker is made of. A bad module is told of; it does not abort, hang or fill memory.
//
// The library is Rust and not instrumented. What guides the fuzzer instead is what it answers: a
// message that was not seen before counts as new coverage.
#include <sandpit_wasm.h>

#include <cctype>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "engine/wasm/worker_bridge.h"
#include "fuzz/input.h"
#include "sandpit/config.h"

namespace sandpit::fuzz {
namespace {

constexpr std::size_t kCounters = 1U << 15U;
constexpr std::size_t kRefusals = 4;
// NOLINTNEXTLINE: libFuzzer finds it by its section.
__attribute__((section("__libfuzzer_extra_counters"))) std::uint8_t answers[kCounters];

// Numbers and quoted names don't make an answer new.
void note(char kind, std::string_view text) {
  std::string shape(1, kind);
  bool quoted = false;
  for (const char c : text) {
    if (c == '`' || c == '"' || c == '\'') quoted = !quoted;
    if (!quoted && std::isdigit(static_cast<unsigned char>(c)) == 0) shape += c;
  }
  // Few places for refusals, or the corpus fills up with modules that are never run.
  const std::size_t places = kind == 'l' || kind == 'L' ? kRefusals : kCounters;
  answers[std::hash<std::string>{}(shape) % places] = 1;
}

// With FUZZ_SHOW in the environment: fuzz_wasm FILE says what became of it.
void show(const wasm::Report& report, char stage) {
  std::fprintf(stderr, "%c: end %d %s %s\n", stage, static_cast<int>(report.end),
               report.trap.c_str(), report.message.c_str());
  for (const wasm::Problem& problem : report.problems) {
    std::fprintf(stderr, "   %s: %s\n", problem.where.c_str(), problem.message.c_str());
  }
}

void check(const wasm::RunResult& result, char stage) {
  if (!result) return;
  const wasm::Report report = wasm::report_of(*result);
  require(report.end <= wasm::End::kInternal, "the end is one of ours");
  if (std::getenv("FUZZ_SHOW") != nullptr) show(report, stage);
  if (report.end == wasm::End::kInternal) std::fprintf(stderr, "%s\n", report.message.c_str());
  require(report.end != wasm::End::kInternal, "no module makes the worker itself fail");
  note(stage, std::to_string(static_cast<int>(report.end)) + report.trap);
  note(stage, report.message);
  for (const wasm::Problem& problem : report.problems) note(stage, problem.message);
  for (const std::string& denied : report.denied) note(stage, denied);
}

WasmPlan plan(WasmTask task) {
  const WasmSettings defaults;
  WasmPlan plan;
  plan.task = task;
  plan.features = defaults.features;
  plan.capabilities = defaults.capabilities;
  plan.max_memory = ByteCount::mib(16);
  plan.stack_size = ByteCount::kib(256);
  plan.max_table_elements = 10'000;
  plan.max_instances = 100;
  plan.max_tables = 100;
  plan.max_memories = 10;
  if (task == WasmTask::kDescribe) {
    plan.features.threads = true;
    plan.features.exceptions = true;
    plan.features.gc = true;
  } else {
    plan.fuel = 10'000;
  }
  return plan;
}

// One for each task, for the life of the process, as a serving worker has it.
sandpit_wasm_host* host(WasmTask task) {
  static const auto make = [](WasmTask wanted) {
    static std::uint64_t high_water = 0;
    auto made = wasm::make_host(plan(wanted), &high_water, nullptr);
    require(!made.problem, "there is a host");
    return made.host.release();
  };
  static sandpit_wasm_host* const describing = make(WasmTask::kDescribe);
  static sandpit_wasm_host* const running = make(WasmTask::kRun);
  return task == WasmTask::kDescribe ? describing : running;
}

wasm::Program load(sandpit_wasm_host* host, const sandpit_wasm_source& source, char stage) {
  sandpit_wasm_program* loaded = nullptr;
  check(wasm::RunResult(sandpit_wasm_load(host, &source, &loaded)), stage);
  return wasm::Program(loaded);
}

void describe(const sandpit_wasm_source& source) {
  sandpit_wasm_host* const with = host(WasmTask::kDescribe);
  const wasm::Program program = load(with, source, 'l');
  if (!program) return;
  check(wasm::RunResult(sandpit_wasm_link(with, program.get())), 'k');
  const wasm::RunResult told(sandpit_wasm_describe(with, program.get(), &source));
  check(told, 'd');
  note('o', wasm::view_of(told->out));
}

void run(const sandpit_wasm_source& source) {
  sandpit_wasm_host* const with = host(WasmTask::kRun);
  const wasm::Program program = load(with, source, 'L');
  if (!program) return;
  const wasm::RunResult refused(sandpit_wasm_link(with, program.get()));
  check(refused, 'K');
  if (refused) return;
  static const std::vector<std::string> kArgs = {"fuzz.wasm", "one"};
  static const std::vector<std::string> kEnv = {"A=b"};
  const wasm::TextList args(kArgs);
  const wasm::TextList env(kEnv);
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  const sandpit_wasm_run_request request{
      .args = args.get(),
      .env = env.get(),
      .invoke = {},
      .values = {},
      .fuel = 10'000,
      .deadline_us = now.tv_sec * 1'000'000L + now.tv_nsec / 1000 + 200'000,
      .cpu_us = 0,
      .memory = 32U << 20U,
      .captured = true,
      .input = wasm::text_of("input\n"),
      .output = 4096};
  const wasm::RunResult ended(sandpit_wasm_run(with, program.get(), &request));
  check(ended, 'R');
  require(ended->out.size <= 2 * request.output && ended->err.size <= 2 * request.output,
          "no more output is kept than was asked for");
}

}  // namespace
}  // namespace sandpit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sandpit;
  const sandpit_wasm_source source{.name = wasm::text_of("fuzz.wasm"),
                                   .bytes = data,
                                   .size = size,
                                   .artefact = 0,
                                   .artefact_fd = -1};
  fuzz::describe(source);
  fuzz::run(source);
  return 0;
}
