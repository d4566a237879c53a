#include "engine/wasm/worker_bridge.h"

#include <sandpit_wasm.h>

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/wasm/report.h"
#include "plan/wasm_plan.h"
#include "sandpit/config.h"

namespace sandpit::wasm {
namespace {

std::string string_of(sandpit_wasm_text text) { return std::string(view_of(text)); }

std::vector<std::string> strings_of(sandpit_wasm_texts texts) {
  std::vector<std::string> strings;
  for (const sandpit_wasm_text& text : std::span(texts.items, texts.count)) {
    strings.push_back(string_of(text));
  }
  return strings;
}

// A set of switches as bits.
class Bits {
 public:
  Bits& set(bool on, std::uint32_t bit) {
    if (on) bits_ |= bit;
    return *this;
  }
  [[nodiscard]] std::uint32_t get() const { return bits_; }

 private:
  std::uint32_t bits_ = 0;
};

std::uint32_t bits_of(const WasmFeatures& features) {
  return Bits()
      .set(features.bulk_memory, SANDPIT_WASM_BULK_MEMORY)
      .set(features.reference_types, SANDPIT_WASM_REFERENCE_TYPES)
      .set(features.simd, SANDPIT_WASM_SIMD)
      .set(features.relaxed_simd, SANDPIT_WASM_RELAXED_SIMD)
      .set(features.multi_memory, SANDPIT_WASM_MULTI_MEMORY)
      .set(features.memory64, SANDPIT_WASM_MEMORY64)
      .set(features.tail_calls, SANDPIT_WASM_TAIL_CALLS)
      .set(features.component_model, SANDPIT_WASM_COMPONENT_MODEL)
      .set(features.threads, SANDPIT_WASM_THREADS)
      .set(features.exceptions, SANDPIT_WASM_EXCEPTIONS)
      .set(features.gc, SANDPIT_WASM_GC)
      .get();
}

std::uint32_t bits_of(const WasmCapabilities& capabilities) {
  return Bits()
      .set(capabilities.args, SANDPIT_WASM_ARGS)
      .set(capabilities.env, SANDPIT_WASM_ENV)
      .set(capabilities.standard_input, SANDPIT_WASM_STDIN)
      .set(capabilities.standard_output, SANDPIT_WASM_STDOUT)
      .set(capabilities.standard_error, SANDPIT_WASM_STDERR)
      .set(capabilities.clocks, SANDPIT_WASM_CLOCKS)
      .set(capabilities.random, SANDPIT_WASM_RANDOM)
      .get();
}

}  // namespace

TextList::TextList(const std::vector<std::string>& strings) {
  texts_.reserve(strings.size());
  for (const std::string& string : strings) texts_.push_back(text_of(string));
}

MadeHost make_host(const WasmPlan& plan, std::uint64_t* memory_high_water,
                   void (*expired)(std::uint8_t end)) {
  std::vector<sandpit_wasm_preopen> preopens;
  preopens.reserve(plan.preopens.size());
  for (const WasmPreopen& preopen : plan.preopens) {
    preopens.push_back({.inside = text_of(preopen.inside),
                        .guest = text_of(preopen.guest),
                        .writable = preopen.writable});
  }
  const TextList allowed(plan.allowed);
  const sandpit_wasm_settings settings{
      .serve = plan.task == WasmTask::kServe,
      .describe = plan.task == WasmTask::kDescribe,
      .wasi = plan.wasi_enabled,
      .count_fuel = plan.fuel > 0,
      .network = plan.network,
      .compiler = static_cast<std::uint8_t>(plan.compiler),
      .features = bits_of(plan.features),
      .capabilities = bits_of(plan.capabilities),
      .max_memory = plan.max_memory.count(),
      .stack_size = plan.stack_size.count(),
      .max_table_elements = plan.max_table_elements,
      .max_instances = plan.max_instances,
      .max_tables = plan.max_tables,
      .max_memories = plan.max_memories,
      .preopens = preopens.data(),
      .preopen_count = preopens.size(),
      .allowed = allowed.get(),
      .memory_high_water = memory_high_water,
      .expired = uses_epochs(plan) ? nullptr : expired,
  };
  sandpit_wasm_host* host = nullptr;
  RunResult problem(sandpit_wasm_host_new(&settings, &host));
  return {.host = Host(host), .problem = std::move(problem)};
}

Report report_of(const sandpit_wasm_result& result) {
  Report report;
  report.end = static_cast<End>(result.end);
  report.exit_code = result.exit_code;
  report.trap = string_of(result.trap);
  report.message = string_of(result.message);
  for (const sandpit_wasm_problem& problem : std::span(result.problems, result.problem_count)) {
    report.problems.push_back({.message = string_of(problem.message),
                               .where = string_of(problem.where),
                               .hint = string_of(problem.hint)});
  }
  report.fuel_counted = result.fuel_counted;
  report.fuel_used = result.fuel_used;
  report.memory_high_water = result.memory_high_water;
  report.compile_us = result.compile_us;
  report.loaded = result.loaded;
  report.stored = result.stored;
  report.compiler = string_of(result.compiler);
  report.backtrace = strings_of(result.backtrace);
  report.denied = strings_of(result.denied);
  return report;
}

}  // namespace sandpit::wasm
