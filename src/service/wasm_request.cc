#include "service/wasm_request.h"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "engine/wasm/job.h"
#include "plan/plan.h"
#include "plan/wasm_plan.h"
#include "policy/policy.h"
#include "runtime/wasm_runtime.h"
#include "sandpit/config.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"
#include "service/source_input.h"

namespace sandpit {
namespace {

// A worker lives until it is replaced, not for a time: each of its runs has its own.
constexpr Milliseconds kWorkerLife{365L * 24 * 3600 * 1000};
// Compiled modules and the engine are not the guest's memory, which the store limits.
constexpr ByteCount kEngineMemory = ByteCount::mib(128);
// A request in one message; what is larger is run cold.
constexpr std::size_t kLargestRequest = 96U << 10U;

std::string_view name_of(const Request& request) {
  if (const auto* text = std::get_if<SourceText>(&request.source)) return text->name;
  if (const auto* file = std::get_if<SourceFile>(&request.source)) {
    return std::string_view(file->path).substr(file->path.rfind('/') + 1);
  }
  return {};
}

std::size_t size_of_words(const Request& request) {
  std::size_t size = request.invoke.size();
  for (const std::string& word : request.args) size += word.size() + sizeof(std::uint64_t);
  for (const auto& [name, value] : request.env) {
    size += name.size() + value.size() + 2 * sizeof(std::uint64_t);
  }
  return size;
}

// Names that the cold path refuses, and says why.
bool is_well_formed(const Request& request) {
  for (const auto& [name, value] : request.env) {
    if (!is_variable_name(name) || !is_variable_value(value)) return false;
  }
  const auto* text = std::get_if<SourceText>(&request.source);
  return text == nullptr || text->name.empty() || is_component(text->name);
}

std::vector<std::string> environment_of(const Plan& plan, const Request& request) {
  std::vector<std::string> environment = plan.wasm->env;
  for (const auto& [name, value] : request.env) {
    std::erase_if(environment,
                  [&](const std::string& entry) { return entry.starts_with(name + "="); });
    environment.push_back(fmt::format("{}={}", name, value));
  }
  return environment;
}

// The CPU time that a worker has from its start: what a worker that was taken over can burn while
// nobody asks anything of it.
Milliseconds first_grant(const Limits& limits) {
  constexpr Milliseconds kPiece{2000};
  return 2 * limits.cpu_time + kPiece;
}

}  // namespace

bool can_be_warm(const Request& request, const Settings& settings,
                 const RuntimeRegistry& registry) {
  if (size_of_words(request) > kLargestRequest || !is_well_formed(request)) return false;
  if (std::holds_alternative<HostCommand>(request.source)) return false;
  if (!std::holds_alternative<StdinEmpty>(request.input) &&
      !std::holds_alternative<StdinBytes>(request.input)) {
    return false;
  }
  if (!request.paths.empty() || request.network || !request.hosts.empty() ||
      !request.chdir.empty() || !request.out_dir.empty() || request.check || request.trace) {
    return false;
  }
  if (!request.runtime.empty()) return request.runtime == kWasmRuntimeName;
  // By its name alone: a file that must be looked into is run cold.
  const auto runtime = registry.for_source(name_of(request), {}, settings);
  return runtime && (*runtime)->name() == kWasmRuntimeName;
}

Result<WasmModule> read_module(const Request& request, const Limits& limits) {
  WasmModule module;
  if (const auto* text = std::get_if<SourceText>(&request.source)) {
    SP_TRY_VOID(check_size(text->name.empty() ? "the source text" : printable(text->name),
                           text->text.size(), limits));
    module.bytes = text->text;
    module.name = text->name;
  } else {
    SP_TRY(const SourceInput source, open_source_file(std::get<SourceFile>(request.source)));
    SP_TRY_VOID(check_size(source.display, source.size, limits));
    SP_TRY(module.bytes, read_beginning(source, static_cast<std::size_t>(source.size)));
    module.name = source.name;
  }
  if (module.name.empty()) module.name = "main.wasm";
  module.digest = sha256_hex(module.bytes);
  return module;
}

wasm::ServeRequest serve_request(const Request& request, const WasmModule& module,
                                 const Plan& plan) {
  wasm::ServeRequest ask{.key = module.digest + module.name,
                         .module_name = module.name,
                         .args = {module.name},
                         .env = environment_of(plan, request),
                         .invoke = request.invoke,
                         .fuel = plan.wasm->fuel};
  if (request.invoke.empty()) {
    ask.args.insert(ask.args.end(), request.args.begin(), request.args.end());
  } else {
    ask.values = request.args;
  }
  return ask;
}

wasm::RunBounds bounds_until(std::chrono::steady_clock::time_point deadline, const Limits& limits) {
  return {
      .deadline_us = std::chrono::duration_cast<Microseconds>(deadline.time_since_epoch()).count(),
      .cpu_us = std::chrono::duration_cast<Microseconds>(limits.cpu_time).count(),
      .memory = limits.memory.count(),
      .file_size = limits.file_size.count(),
      .output = limits.output.count()};
}

Plan serving_plan(Plan plan) {
  plan.wasm->task = WasmTask::kServe;
  plan.wasm->module_name.clear();
  plan.wasm->digest.clear();
  plan.wasm->args.clear();
  plan.wasm->env.clear();
  plan.wasm->invoke.clear();
  plan.wasm->values.clear();
  plan.limits.wall_time = kWorkerLife;
  plan.limits.cpu_time = first_grant(plan.limits);
  plan.limits.memory = ByteCount::bytes(plan.limits.memory.count() + kEngineMemory.count());
  plan.limits.output = ByteCount();
  plan.inputs = {
      {.name = "socket", .mode = 0, .size = 0, .as_descriptor = wasm::kSocketDescriptor}};
  plan.warnings.clear();
  return plan;
}

}  // namespace sandpit
