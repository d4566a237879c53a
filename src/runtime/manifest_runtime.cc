#include "runtime/manifest_runtime.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/utf8.h"
#include "runtime/compiler_identity.h"
#include "runtime/interpreter.h"
#include "runtime/known_manifests.h"
#include "runtime/manifest.h"
#include "runtime/placeholders.h"
#include "runtime/preload.h"
#include "runtime/settings_for.h"
#include "runtime/shebang.h"
#include "runtime/text_lint.h"
#include "runtime/version.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"

namespace sandpit {

namespace {

constexpr Milliseconds kVersionTimeout{5000};

// What of glob(7) patterns is there on this host.
std::vector<std::string> existing(const std::vector<std::string>& patterns) {
  std::vector<std::string> paths;
  for (const std::string& pattern : patterns) {
    glob_t found{};
    // NOLINTNEXTLINE(concurrency-mt-unsafe): it looks at no locale with these flags
    if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
      paths.insert(paths.end(), found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    ::globfree(&found);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

WarmStart warm_start(const ManifestTemplate& from, PlaceholderValues values) {
  values.prelude =
      fmt::format("{}/{}", kPreludeDirectory, from.prelude.substr(from.prelude.rfind('/') + 1));
  const std::vector<std::string> args = values.args;
  // Places for as many: what they hold is each run's own.
  std::ranges::fill(values.args, std::string("-"));
  std::vector<std::string> env = expand(from.env, values);
  if (from.once) env.push_back(fmt::format("{}=1", kOnceVariable));
  if (!from.directories.empty()) {
    env.push_back(fmt::format("{}={}", kDirectoriesVariable, fmt::join(from.directories, ",")));
  }
  return {.prelude = from.prelude,
          .rehearsal = from.rehearsal,
          .argv = expand(from.argv, values),
          .env = std::move(env),
          .trigger = expand_word(from.trigger, values),
          .source = expand_word(from.program, values),
          .args = args,
          .args_in_argv = !from.argv.empty() && from.argv.back() == "{args}"};
}

std::string_view version_in_request(std::string_view runtime) {
  const std::size_t at = runtime.find('@');
  return at == std::string_view::npos ? std::string_view{} : runtime.substr(at + 1);
}

// "3.11" of "3.11.2" and of "3.11", not of "3.110".
bool is_version(std::string_view whole, std::string_view wanted) {
  return whole.starts_with(wanted) &&
         (whole.size() == wanted.size() || whole[wanted.size()] == '.');
}

// "python3.11" says its version in its name, which costs nothing to read.
std::string version_in_name(const std::string& real) {
  const std::string_view base = std::string_view(real).substr(real.rfind('/') + 1);
  const std::string_view digits = base.substr(without_version(base).size());
  return digits.find('.') == std::string_view::npos ? std::string{} : std::string(digits);
}

}  // namespace

ManifestRuntime::ManifestRuntime(Manifest manifest, std::shared_ptr<const LookupContext> context)
    : id_(manifest.id),
      aliases_(manifest.aliases),
      extensions_(manifest.extensions),
      shebangs_(manifest.shebangs),
      magic_(manifest.magic),
      manifest_(std::move(manifest)),
      context_(std::move(context)) {}

ManifestRuntime::ManifestRuntime(const KnownManifest& known, std::string path,
                                 std::shared_ptr<const LookupContext> context)
    : id_(known.id),
      aliases_(list_of(known.aliases)),
      extensions_(list_of(known.extensions)),
      shebangs_(list_of(known.shebangs)),
      magic_(list_of(known.magic)),
      known_(&known),
      path_(std::move(path)),
      context_(std::move(context)) {}

const Manifest& ManifestRuntime::manifest() const {
  if (known_ == nullptr) return manifest_;
  std::call_once(read_, [this] {
    auto read = parse_manifest(known_->text, path_);
    // It was good when this program was built, by the same reader.
    if (!read) std::abort();
    manifest_ = std::move(*read);
  });
  return manifest_;
}

bool ManifestRuntime::recognises(std::string_view head) const {
  return std::any_of(magic_.begin(), magic_.end(),
                     [&](const std::string& magic) { return head.starts_with(magic); });
}

std::optional<FoundProgram> ManifestRuntime::find(const std::vector<std::string>& names) const {
  for (const std::string& name : names) {
    if (auto found = find_interpreter(name, *context_, manifest().environment_marker)) return found;
  }
  return std::nullopt;
}

// Which programs may be the interpreter (or, in a language that has none, the compiler), best
// first.
std::vector<std::string> ManifestRuntime::candidates(const RuntimeSettings& settings,
                                                     std::string_view head) const {
  if (!settings.interpreter.empty()) return {settings.interpreter};
  const std::optional<Shebang> shebang = parse_shebang(head);
  if (shebang) {
    const auto chosen = manifest().interpreter_for.find(shebang->name);
    if (chosen != manifest().interpreter_for.end()) return {chosen->second};
  }
  const bool compiled = manifest().interpreters.empty() && manifest().compile;
  return compiled ? manifest().compile->compilers : manifest().interpreters;
}

std::string ManifestRuntime::version_of(const FoundProgram& program,
                                        const std::string& compiler) const {
  std::vector<std::string> argv = manifest().version_argv;
  std::replace(argv.begin(), argv.end(), std::string("{interpreter}"), program.path);
  std::replace(argv.begin(), argv.end(), std::string("{compiler}"), compiler);
  // Asked once for each state of the file: a batch may name a version in every task.
  std::string key = stamp_of(program.real) + compiler;
  const std::scoped_lock lock(asked_mutex_);
  const auto [entry, is_new] = asked_.try_emplace(std::move(key));
  if (is_new)
    entry->second = version_in(output_of(argv, kVersionTimeout), manifest().version_after);
  return entry->second;
}

std::optional<FoundProgram> ManifestRuntime::find_version(const RuntimeSettings& settings,
                                                          std::string_view version) const {
  const auto named = manifest().versions.find(std::string(version));
  if (named != manifest().versions.end()) {
    if (auto found = find({named->second})) return found;
  }
  if (manifest().version_argv.empty()) return std::nullopt;
  const bool has_both = manifest().compile && !manifest().interpreters.empty();
  const auto compiler = has_both ? find(manifest().compile->compilers) : std::nullopt;
  for (const std::string& name : candidates(settings, {})) {
    auto found = find({name});
    if (!found) continue;
    const std::string& other = compiler ? compiler->path : found->path;
    if (is_version(version_of(*found, other), version)) return found;
  }
  return std::nullopt;
}

std::vector<std::string> ManifestRuntime::versions() const {
  std::vector<std::string> names;
  names.reserve(manifest().versions.size());
  for (const auto& [version, program] : manifest().versions) names.push_back(version);
  return names;
}

std::string ManifestRuntime::missing() const {
  const auto found = std::ranges::find_if(
      manifest().needs, [](const std::string& pattern) { return existing({pattern}).empty(); });
  return found == manifest().needs.end() ? std::string{} : *found;
}

Error ManifestRuntime::no_version(const RuntimeSettings& settings, std::string_view version) const {
  const std::vector<std::string> known = versions();
  const auto named = manifest().versions.find(std::string(version));
  const std::string here = info(settings, Probe::kWithVersion).version;
  std::string hint;
  if (!known.empty()) hint = fmt::format("known: {}", fmt::join(known, ", "));
  if (!here.empty()) hint += fmt::format("{}installed: {}", hint.empty() ? "" : "; ", here);
  std::string message =
      named != manifest().versions.end()
          ? fmt::format("{} {} is not installed: no '{}' found", manifest().display_name, version,
                        named->second)
          : fmt::format("the runtime {} has no version '{}'", manifest().id, printable(version));
  return Error{.code = ErrorCode::kNoRuntime,
               .message = std::move(message),
               .where = {},
               .hint = std::move(hint)};
}

Error ManifestRuntime::not_installed(const RuntimeSettings& settings,
                                     const std::vector<std::string>& names) const {
  if (!settings.interpreter.empty()) {
    return Error{.code = ErrorCode::kNoRuntime,
                 .message = fmt::format(
                     "the interpreter '{}' of the runtime {} is not there or not executable",
                     settings.interpreter, manifest().id),
                 .where = fmt::format("runtimes.{}.{}", manifest().id,
                                      manifest().id == "javascript" ? "runtime" : "interpreter")};
  }
  return Error{
      .code = ErrorCode::kNoRuntime,
      .message = fmt::format("{} is not installed: no '{}' found", manifest().display_name,
                             fmt::join(names, "' or '")),
      .where = {},
      .hint = manifest().install.empty() ? std::string{} : "install it: " + manifest().install};
}

RuntimeInfo ManifestRuntime::info(const RuntimeSettings& settings, Probe probe) const {
  RuntimeInfo info{
      .name = manifest().id,
      .display_name = manifest().display_name,
      .extensions = manifest().extensions,
      .engine = "jail",
      .state = RuntimeState::kNotInstalled,
      .version = {},
      .interpreter = {},
      .install_hint = manifest().install,
      .compiler = {},
      .syscall_profile = manifest().syscall_profile,
      .compile_profile = manifest().compile ? manifest().compile->syscall_profile : std::string{},
      .tier = manifest().tier,
      .aliases = manifest().aliases,
      .versions = versions(),
      .origin = manifest().origin};
  const std::vector<std::string> names = candidates(settings, {});
  if (names.empty()) {
    info.state = RuntimeState::kReady;
    return info;
  }
  const std::optional<FoundProgram> program = find(names);
  if (!program) return info;
  const bool has_interpreter = !manifest().interpreters.empty();
  std::optional<FoundProgram> compiler;
  if (manifest().compile) {
    compiler = has_interpreter ? find(manifest().compile->compilers) : program;
    if (!compiler) return info;
    info.compiler = compiler->path;
  }
  if (!missing().empty()) return info;
  info.state = RuntimeState::kReady;
  if (has_interpreter) info.interpreter = program->path;
  info.version = version_in_name(program->real);
  if (probe == Probe::kWithVersion && !manifest().version_argv.empty()) {
    const std::string version = version_of(*program, info.compiler);
    if (!version.empty()) info.version = version;
  }
  return info;
}

LintReport ManifestRuntime::lint(std::string_view source) const {
  return manifest().text ? lint_text(source) : LintReport{};
}

Result<void> ManifestRuntime::add_packages(const RuntimeSettings& mine,
                                           const PlaceholderValues& values, Step& run) const {
  if (mine.packages_dir.empty()) return {};
  if (manifest().packages_mount.empty()) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("the runtime {} has no packages directory", manifest().id),
                 .where = fmt::format("runtimes.{}.packages_dir", manifest().id)});
  }
  std::string packages = real_path(mine.packages_dir);
  if (packages.empty()) {
    return fail(
        {.code = ErrorCode::kUsage,
         .message = fmt::format("the packages directory '{}' is not there", mine.packages_dir),
         .where = fmt::format("runtimes.{}.packages_dir", manifest().id)});
  }
  run.packages.push_back(
      {.host = std::move(packages), .inside = manifest().packages_mount, .access = Access::kRead});
  for (std::string& entry : expand(manifest().packages_env, values))
    run.env.push_back(std::move(entry));
  return {};
}

void ManifestRuntime::add_compile(const FoundProgram& compiler, const PlaceholderValues& values,
                                  Steps& steps) const {
  const ManifestCompile& from = *manifest().compile;
  Step step;
  step.argv = expand(from.argv, values);
  step.env = expand(from.env, values);
  step.read_only_paths = compiler.trees;
  for (std::string& path : existing(from.read_only_paths))
    step.read_only_paths.push_back(std::move(path));
  step.syscall_profile = from.syscall_profile;
  step.helper_tasks = from.helper_tasks;
  step.helper_files = from.helper_files;
  step.executable_work_dir = from.executable_work_dir;
  step.outputs = from.outputs;
  step.identity = identity_of(compiler);
  if (from.warm) {
    steps.warm = step;
    steps.warm->argv = expand(from.warm->argv, values);
    steps.warm->env = expand(from.warm->env, values);
  }
  steps.compile = std::move(step);
  steps.keep_source = from.keep_source;
}

Result<Steps> ManifestRuntime::plan(const Request& request, const SourceInfo& source,
                                    const Settings& settings) const {
  const RuntimeSettings& mine = settings_for(settings, manifest().id);
  const std::string_view version = version_in_request(request.runtime);
  const std::vector<std::string> names = candidates(mine, source.head);
  std::optional<FoundProgram> program;
  if (!version.empty()) {
    program = find_version(mine, version);
    if (!program) return fail(no_version(mine, version));
  } else {
    program = names.empty() ? FoundProgram{} : find(names);
    if (!program) return fail(not_installed(mine, names));
  }
  const bool has_interpreter = !manifest().interpreters.empty();
  std::optional<FoundProgram> compiler;
  if (manifest().compile) {
    compiler = has_interpreter ? find(manifest().compile->compilers) : program;
    if (!compiler) return fail(not_installed({}, manifest().compile->compilers));
  }
  if (const std::string none = missing(); !none.empty()) {
    return fail(not_installed({}, {none}));
  }

  Steps steps;
  steps.source_name = source.name.empty() ? manifest().source_name : source.name;
  steps.source_executable = manifest().source_executable;
  const std::optional<Shebang> shebang = parse_shebang(source.head);
  const std::string& work_dir = settings.general.working_dir;
  PlaceholderValues values{
      .interpreter = has_interpreter || !manifest().compile ? program->path : std::string{},
      .compiler = compiler ? compiler->path : std::string{},
      .source =
          fmt::format("{}{}{}", work_dir, work_dir.ends_with('/') ? "" : "/", steps.source_name),
      .source_name = steps.source_name,
      .work_dir = work_dir,
      .packages = manifest().packages_mount,
      .memory_mb = source.limits.memory.count() >> 20U,
      .args = request.args,
      .extra_args = mine.extra_args,
      .shebang_args = shebang ? shebang->arguments : std::vector<std::string>{},
      .sources = {as_operand(steps.source_name)}};
  for (const std::string& other : source.others) {
    const std::size_t dot = other.rfind('.');
    const bool compiles = dot != std::string::npos &&
                          std::ranges::find(manifest().extensions, other.substr(dot + 1)) !=
                              manifest().extensions.end();
    if (compiles) values.sources.push_back(as_operand(other));
  }
  Step& run = steps.run;
  run.argv = expand(manifest().argv, values);
  run.env = expand(manifest().env, values);
  if (has_interpreter || !manifest().compile) run.read_only_paths = program->trees;
  for (std::string& path : existing(manifest().read_only_paths))
    run.read_only_paths.push_back(std::move(path));
  run.syscall_profile = manifest().syscall_profile;
  run.helper_tasks = manifest().helper_tasks;
  run.helper_files = manifest().helper_files;
  run.executable_work_dir = manifest().executable_work_dir;
  if (manifest().warm) run.warm = warm_start(template_for(manifest(), mine), values);
  if (compiler) add_compile(*compiler, values, steps);
  SP_TRY_VOID(add_packages(mine, values, run));
  SP_TRY_VOID(add_preload(manifest(), mine, run));
  return steps;
}

}  // namespace sandpit
