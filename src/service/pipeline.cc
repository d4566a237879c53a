#include "service/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/utf8.h"
#include "config/suggest.h"
#include "engine/wasm/job.h"
#include "plan/plan.h"
#include "plan/wasm_plan.h"
#include "policy/inside_path.h"
#include "policy/policy.h"
#include "runtime/interpreter.h"
#include "runtime/settings_for.h"
#include "runtime/wasm_runtime.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "service/host_command.h"
#include "service/lint_source.h"
#include "service/source_input.h"

namespace sandpit {
namespace {

constexpr std::size_t kHeadBytes = 4096;

// What [runtimes.exec] in the configuration is for.
constexpr std::string_view kExecName = "exec";

Error unknown_runtime(const std::string& name, const RuntimeRegistry& registry) {
  std::vector<std::string_view> names;
  for (const Runtime* runtime : registry.all()) names.push_back(runtime->name());
  return Error{.code = ErrorCode::kNoRuntime,
               .message = fmt::format("no runtime '{}'", printable(name)),
               .where = {},
               .hint = suggestion(name, names)};
}

Result<const Runtime*> choose_runtime(const Request& request, const SourceInput& source,
                                      const std::string& head, const Settings& settings,
                                      const RuntimeRegistry& registry) {
  if (!request.runtime.empty()) {
    if (const Runtime* runtime = registry.find(request.runtime)) return runtime;
    return fail(unknown_runtime(request.runtime, registry));
  }
  Result<const Runtime*> runtime = registry.for_source(source.name, head, settings);
  if (!runtime) return fail(with_context(std::move(runtime.error()), source.display));
  return runtime;
}

// The steps with the working directory as the policy spells it.
Result<Steps> make_steps(const Runtime& runtime, const Request& request, const SourceInfo& info,
                         const Settings& settings, const Policy& policy) {
  Steps steps;
  if (settings.general.working_dir == policy.working_dir) {
    SP_TRY(steps, runtime.plan(request, info, settings));
  } else {
    Settings normalised = settings;
    normalised.general.working_dir = policy.working_dir;
    SP_TRY(steps, runtime.plan(request, info, normalised));
  }
  if (!steps.compile.empty()) {
    return fail(
        {.code = ErrorCode::kRefused,
         .message = fmt::format("the runtime {} wants a compile step, which this version can't run",
                                runtime.name())});
  }
  return steps;
}

// The worker gets the module's bytes as a sealed memory file: what was hashed is what runs.
Result<WasmPlan> plan_module(const SourceInput& source, const Request& request,
                             const Settings& settings, const Policy& policy, Prepared& prepared,
                             std::vector<InputFile>& inputs) {
  SP_TRY(StoredModule module, store_module(source));
  inputs.push_back({.name = "module",
                    .mode = 0444,
                    .size = source.size,
                    .as_descriptor = wasm::kModuleDescriptor});
  prepared.inputs.push_back(std::move(module.fd));
  return make_wasm_plan(settings.wasm, policy, request,
                        source.name.empty() ? "main.wasm" : source.name, std::move(module.digest),
                        source.size);
}

Result<Prepared> prepare_source(SourceInput source, const Request& request, const Config& config,
                                const RuntimeRegistry& registry, const HostFacts& facts) {
  const Settings& settings = config.settings();
  SP_TRY(std::string head, read_beginning(source, kHeadBytes));
  SP_TRY(const Runtime* runtime, choose_runtime(request, source, head, settings, registry));
  SP_TRY(const Policy policy, resolve_policy(settings, runtime->name(), request));
  SP_TRY_VOID(check_size(source.display, source.size, policy.limits));
  Prepared prepared;
  SP_TRY(prepared.lint, lint_source({.runtime = *runtime,
                                     .settings = settings_for(settings, runtime->name()),
                                     .source = source,
                                     .policy = policy,
                                     .check = request.check}));
  SP_TRY(Steps steps, make_steps(*runtime, request, {.name = source.name, .head = std::move(head)},
                                 settings, policy));
  std::vector<InputFile> inputs;
  std::optional<WasmPlan> wasm;
  if (steps.run.engine == kWasmEngineName) {
    SP_TRY(wasm, plan_module(source, request, settings, policy, prepared, inputs));
    if (policy.network != NetworkMode::kNone) steps.run.syscall_profile = "wasm-host-net";
  } else if (!steps.source_name.empty()) {
    inputs.push_back({.name = steps.source_name,
                      .mode = static_cast<std::uint16_t>(steps.source_executable ? 0755 : 0644),
                      .size = source.size});
    prepared.inputs.push_back(std::move(source.fd));
  }
  SP_TRY(prepared.plan,
         build_plan(
             {.policy = policy,
              .step = steps.run,
              .runtime = std::string(runtime->name()),
              .runtime_version =
                  runtime->info(settings_for(settings, runtime->name()), Runtime::Probe::kPathOnly)
                      .version,
              .inputs = std::move(inputs),
              .facts = facts,
              .wasm = std::move(wasm)}));
  prepared.source_display = std::move(source.display);
  return prepared;
}

// A command starts where the caller is when that directory was granted at its own place, else in
// the working directory.
void start_in_current_directory(const Request& request, const std::string& here, Policy& policy) {
  if (!request.chdir.empty() || here.empty()) return;
  const bool visible =
      std::any_of(policy.paths.begin(), policy.paths.end(), [&](const PathGrant& grant) {
        return grant.host == grant.inside && is_within(here, grant.inside);
      });
  if (visible) policy.chdir = here;
}

Result<Prepared> prepare_command(const HostCommand& command, const Request& request,
                                 const Config& config, const HostFacts& facts) {
  SP_TRY(Policy policy, resolve_policy(config.settings(), kExecName, request));
  const LookupContext context = LookupContext::of_this_process();
  start_in_current_directory(request, context.cwd, policy);
  SP_TRY(const Step step, plan_host_command(command, request.args, policy.working_dir, context));
  Prepared prepared;
  prepared.source_display = printable(command.argv.front());
  SP_TRY(prepared.plan, build_plan({.policy = policy,
                                    .step = step,
                                    .runtime = std::string(kExecName),
                                    .runtime_version = {},
                                    .inputs = {},
                                    .facts = facts}));
  return prepared;
}

}  // namespace

Result<Prepared> prepare(const Request& request, const Config& config,
                         const RuntimeRegistry& registry, const HostFacts& facts) {
  if (const auto* command = std::get_if<HostCommand>(&request.source)) {
    return prepare_command(*command, request, config, facts);
  }
  SourceInput source;
  if (const auto* file = std::get_if<SourceFile>(&request.source)) {
    SP_TRY(source, open_source_file(*file));
  } else {
    SP_TRY(source, store_source_text(std::get<SourceText>(request.source),
                                     config.settings().general.tmp_dir));
  }
  return prepare_source(std::move(source), request, config, registry, facts);
}

}  // namespace sandpit
