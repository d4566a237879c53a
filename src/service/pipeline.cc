#include "service/pipeline.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "config/suggest.h"
#include "engine/wasm/job.h"
#include "plan/egress_proxy.h"
#include "plan/plan.h"
#include "plan/wasm_plan.h"
#include "policy/compile_policy.h"
#include "policy/inside_path.h"
#include "policy/limits_merge.h"
#include "policy/policy.h"
#include "runtime/interpreter.h"
#include "runtime/manifest.h"
#include "runtime/settings_for.h"
#include "runtime/wasm_runtime.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "service/compile_step.h"
#include "service/extra_files.h"
#include "service/file_pack.h"
#include "service/host_command.h"
#include "service/lint_source.h"
#include "service/source_input.h"
#include "service/warm_files.h"

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

// As far as it is known without asking: the version that was asked for, or what the name says.
std::string version_for(const Request& request, const Runtime& runtime, const Settings& settings) {
  const std::size_t at = request.runtime.find('@');
  if (at != std::string::npos && at + 1 < request.runtime.size()) {
    return request.runtime.substr(at + 1);
  }
  const RuntimeSettings& mine = settings_for(settings, runtime.name());
  return runtime.info(mine, Runtime::Probe::kPathOnly).version;
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

// The source and what comes beside it, as inputs of a plan.
struct Sources {
  std::vector<InputFile> inputs;
  std::vector<UniqueFd> descriptors;
  std::optional<FilePack> extra;
  std::vector<std::string> names;    // of the files beside the main one
  std::vector<std::string> digests;  // of all, when there is a compile step
  std::vector<std::string> warnings;
};

Result<Sources> gather_extra_files(const Request& request, const std::string& main,
                                   const Policy& policy, const std::string& tmp_dir) {
  Sources sources;
  if (request.files.empty() && !is_source_directory(request)) return sources;
  SP_TRY(ExtraFiles extra, pack_extra_files(request, main, policy.limits.disk, tmp_dir));
  SP_TRY_VOID(extra.pack.append_to(sources.inputs, sources.descriptors));
  sources.names = std::move(extra.names);
  sources.warnings = std::move(extra.warnings);
  sources.extra = std::move(extra.pack);
  return sources;
}

const InputFile* there_already(const std::vector<InputFile>& inputs, const std::string& name) {
  const auto found = std::ranges::find(inputs, name, &InputFile::name);
  return found == inputs.end() ? nullptr : &*found;
}

Error two_files(const std::string& name) {
  return {.code = ErrorCode::kUsage,
          .message = fmt::format("there are two files '{}'", printable(name))};
}

// Adds the main source. For a compile step it is copied first: what was hashed is what is compiled.
Result<void> add_main(SourceInput& source, const Steps& steps, Sources& sources) {
  InputFile input{.name = steps.source_name,
                  .mode = static_cast<std::uint16_t>(steps.source_executable ? 0755 : 0644),
                  .size = source.size};
  if (steps.compile) {
    if (sources.extra) {
      SP_TRY(sources.digests.emplace_back(), sources.extra->digest());
    }
    SP_TRY(StoredModule copy, store_module(source));
    sources.digests.push_back(steps.source_name + "\n" + copy.digest);
    source.fd = std::move(copy.fd);
  }
  if (there_already(sources.inputs, input.name) != nullptr) return fail(two_files(input.name));
  for (std::size_t slash = input.name.find('/'); slash != std::string::npos;
       slash = input.name.find('/', slash + 1)) {
    std::string parent = input.name.substr(0, slash);
    const InputFile* there = there_already(sources.inputs, parent);
    if (there != nullptr && !there->directory) return fail(two_files(parent));
    if (there == nullptr) {
      sources.inputs.push_back({.name = std::move(parent), .mode = 0755, .directory = true});
    }
  }
  sources.inputs.push_back(std::move(input));
  sources.descriptors.push_back(std::move(source.fd));
  return {};
}

Result<std::vector<UniqueFd>> copies_of(const std::vector<UniqueFd>& descriptors) {
  std::vector<UniqueFd> copies;
  for (const UniqueFd& descriptor : descriptors) {
    UniqueFd copy(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 3));
    if (!copy.valid()) return fail(errno_error("dup", errno));
    copies.push_back(std::move(copy));
  }
  return copies;
}

// Where its files are, in the step and in what the step makes; the plan that makes them when they
// are not there.
Result<std::optional<PreparedWarm>> prepare_warm(Steps& steps, const std::string& cache_dir,
                                                 const Policy& policy, const Runtime& runtime,
                                                 const HostFacts& facts) {
  if (!steps.warm) return std::nullopt;
  if (cache_dir.empty()) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("the compiler of {} needs a directory for its own files",
                                        runtime.name()),
                 .where = "compile.cache_dir",
                 .hint = "set it, or the environment's HOME"});
  }
  PreparedWarm warm{.directory = warm_directory(cache_dir, runtime.name(), *steps.warm),
                    .plan = {}};
  steps.compile->warm_dir = warm.directory;
  const bool run_too = std::ranges::any_of(steps.run.argv, [](const std::string& word) {
    return word.find(kWarmPath) != std::string::npos;
  });
  if (run_too) steps.run.warm_dir = warm.directory;
  if (is_warm(warm.directory)) return std::nullopt;
  const Policy own = warm_policy(policy);
  SP_TRY(warm.plan, build_plan({.policy = own,
                                .step = *steps.warm,
                                .runtime = std::string(runtime.name()),
                                .runtime_version = {},
                                .inputs = {},
                                .facts = facts,
                                .wasm = {}}));
  return warm;
}

Result<PreparedCompile> prepare_compile(Steps& steps, const Sources& sources, const Policy& policy,
                                        const Request& request, const Settings& settings,
                                        const Runtime& runtime, const HostFacts& facts) {
  const Policy own = compile_policy(policy);
  const CompileSettings& cache = settings.compile;
  PreparedCompile compile;
  compile.cache_dir =
      cache.cache_dir.empty() ? default_cache_directory("compile") : cache.cache_dir;
  SP_TRY(compile.warm, prepare_warm(steps, compile.cache_dir, policy, runtime, facts));
  const Step& step = *steps.compile;
  SP_TRY(compile.plan, build_plan({.policy = own,
                                   .step = step,
                                   .runtime = std::string(runtime.name()),
                                   .runtime_version = {},
                                   .inputs = sources.inputs,
                                   .facts = facts,
                                   .wasm = {}}));
  SP_TRY(compile.inputs, copies_of(sources.descriptors));
  compile.outputs = step.outputs;
  compile.most = policy.limits.compile_file_size;
  compile.cache_max_size = cache.cache_max_size;
  if (!cache.cache) return compile;
  compile.key = compile_key(
      compile.plan, step, sources.digests,
      cache.share_between_domains ? std::string_view{} : std::string_view(request.trust_domain));
  return compile;
}

// The configuration with what the runtime needs where nothing else was said.
Result<Policy> policy_for(const Settings& settings, const Runtime& runtime,
                          const Request& request) {
  const LimitOverrides defaults = runtime.default_limits();
  if (defaults == LimitOverrides{}) return resolve_policy(settings, runtime.name(), request);
  Settings with_defaults = settings;
  apply_runtime_defaults(with_defaults.limits, defaults);
  return resolve_policy(with_defaults, runtime.name(), request);
}

Result<void> add_egress_proxy(Plan& plan, const HostFacts& facts) {
  if (!plan.egress) return {};
  SP_TRY(Plan proxy, egress_proxy_plan(plan, facts));
  plan.egress_proxy.push_back(std::move(proxy));
  return {};
}

// Its own host opens files for a module, by names that no system call has.
Result<void> check_trace(const Request& request) {
  if (!request.trace) return {};
  return fail({.code = ErrorCode::kUsage,
               .message = "file accesses of WebAssembly modules can't be traced",
               .where = {},
               .hint = "what a module was denied is among its denials in any case"});
}

Result<Prepared> prepare_source(SourceInput source, const Request& request, const Config& config,
                                const RuntimeRegistry& registry, const HostFacts& facts) {
  const Settings& settings = config.settings();
  SP_TRY(std::string head, read_beginning(source, kHeadBytes));
  SP_TRY(const Runtime* runtime, choose_runtime(request, source, head, settings, registry));
  SP_TRY(const Policy policy, policy_for(settings, *runtime, request));
  SP_TRY_VOID(check_size(source.display, source.size, policy.limits));
  Prepared prepared;
  SP_TRY(prepared.lint, lint_source({.runtime = *runtime,
                                     .settings = settings_for(settings, runtime->name()),
                                     .source = source,
                                     .policy = policy,
                                     .check = request.check}));
  SP_TRY(Sources sources,
         gather_extra_files(request, source.name, policy, settings.general.tmp_dir));
  SP_TRY(Steps steps, make_steps(*runtime, request,
                                 {.name = source.name,
                                  .head = std::move(head),
                                  .others = sources.names,
                                  .limits = policy.limits},
                                 settings, policy));
  std::vector<InputFile> inputs;
  std::optional<WasmPlan> wasm;
  if (steps.run.engine == kWasmEngineName) {
    SP_TRY_VOID(check_trace(request));
    SP_TRY(wasm, plan_module(source, request, settings, policy, prepared, inputs));
    if (policy.network != NetworkMode::kNone) steps.run.syscall_profile = "wasm-host-net";
  } else if (steps.compile) {
    // What lies beside the source may be data; the source itself is of no use to the program.
    inputs = sources.inputs;
    SP_TRY(prepared.inputs, copies_of(sources.descriptors));
    SP_TRY_VOID(add_main(source, steps, sources));
    SP_TRY(prepared.compile,
           prepare_compile(steps, sources, policy, request, settings, *runtime, facts));
    if (steps.keep_source) {
      inputs = std::move(sources.inputs);
      prepared.inputs = std::move(sources.descriptors);
    }
  } else if (!steps.source_name.empty()) {
    SP_TRY_VOID(add_main(source, steps, sources));
    inputs = std::move(sources.inputs);
    prepared.inputs = std::move(sources.descriptors);
  }
  SP_TRY(prepared.plan, build_plan({.policy = policy,
                                    .step = steps.run,
                                    .runtime = std::string(runtime->name()),
                                    .runtime_version = version_for(request, *runtime, settings),
                                    .inputs = std::move(inputs),
                                    .facts = facts,
                                    .wasm = std::move(wasm)}));
  prepared.plan.warnings.insert(prepared.plan.warnings.end(), sources.warnings.begin(),
                                sources.warnings.end());
  SP_TRY_VOID(add_egress_proxy(prepared.plan, facts));
  prepared.source_display = std::move(source.display);
  if (request.cold) prepared.plan.cold_reason = "it was asked for";
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
  SP_TRY_VOID(add_egress_proxy(prepared.plan, facts));
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
    if (is_source_directory(request)) {
      SP_TRY(source, open_entry(request));
    } else {
      SP_TRY(source, open_source_file(*file));
      if (!request.entry.empty()) {
        return fail({.code = ErrorCode::kUsage,
                     .message = fmt::format("'{}' is a file; --entry names the program in a "
                                            "directory of sources",
                                            source.display),
                     .where = {},
                     .hint = "--file adds a source"});
      }
    }
  } else {
    SP_TRY(source, store_source_text(std::get<SourceText>(request.source),
                                     config.settings().general.tmp_dir));
  }
  return prepare_source(std::move(source), request, config, registry, facts);
}

}  // namespace sandpit
