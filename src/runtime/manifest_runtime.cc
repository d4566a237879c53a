#include "runtime/manifest_runtime.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/interpreter.h"
#include "runtime/manifest.h"
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

constexpr Milliseconds kVersionTimeout{2000};

// What the placeholders of one request stand for.
struct Values {
  std::string interpreter;
  std::string source;
  std::string work_dir;
  std::string packages;
  const std::vector<std::string>& args;
  const std::vector<std::string>& extra_args;
  std::vector<std::string> shebang_args;
};

std::string_view value_of(std::string_view name, const Values& values) {
  if (name == "interpreter") return values.interpreter;
  if (name == "source") return values.source;
  if (name == "work_dir") return values.work_dir;
  return values.packages;
}

// In one pass: what a placeholder stands for may itself hold braces (a file may be named "{args}").
std::string expand_word(std::string_view word, const Values& values) {
  std::string result;
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t close = word[at] == '{' ? word.find('}', at) : std::string_view::npos;
    if (close == std::string_view::npos) {
      result += word[at++];
      continue;
    }
    result += value_of(word.substr(at + 1, close - at - 1), values);
    at = close + 1;
  }
  return result;
}

std::vector<std::string> expand(const std::vector<std::string>& words, const Values& values) {
  std::vector<std::string> result;
  const auto append = [&](const std::vector<std::string>& list) {
    result.insert(result.end(), list.begin(), list.end());
  };
  for (const std::string& word : words) {
    if (word == "{args}") {
      append(values.args);
    } else if (word == "{extra_args}") {
      append(values.extra_args);
    } else if (word == "{shebang_args}") {
      append(values.shebang_args);
    } else {
      result.push_back(expand_word(word, values));
    }
  }
  return result;
}

// "python3.11" says its version in its name, which costs nothing to read.
std::string version_in_name(const std::string& real) {
  const std::string_view base = std::string_view(real).substr(real.rfind('/') + 1);
  const std::string_view digits = base.substr(without_version(base).size());
  return digits.find('.') == std::string_view::npos ? std::string{} : std::string(digits);
}

}  // namespace

ManifestRuntime::ManifestRuntime(Manifest manifest, LookupContext context)
    : manifest_(std::move(manifest)), context_(std::move(context)) {}

bool ManifestRuntime::recognises(std::string_view head) const {
  return std::any_of(manifest_.magic.begin(), manifest_.magic.end(),
                     [&](const std::string& magic) { return head.starts_with(magic); });
}

std::optional<FoundProgram> ManifestRuntime::find(const RuntimeSettings& settings,
                                                  std::string_view head) const {
  if (!settings.interpreter.empty()) {
    return find_interpreter(settings.interpreter, context_, manifest_.environment_marker);
  }
  if (!manifest_.interpreter_for.empty()) {
    const std::optional<Shebang> shebang = parse_shebang(head);
    const auto chosen =
        shebang ? manifest_.interpreter_for.find(shebang->name) : manifest_.interpreter_for.end();
    if (chosen != manifest_.interpreter_for.end()) {
      return find_interpreter(chosen->second, context_, manifest_.environment_marker);
    }
  }
  for (const std::string& name : manifest_.interpreters) {
    if (auto found = find_interpreter(name, context_, manifest_.environment_marker)) return found;
  }
  return std::nullopt;
}

Error ManifestRuntime::not_installed(const RuntimeSettings& settings, std::string_view head) const {
  if (!settings.interpreter.empty()) {
    return Error{.code = ErrorCode::kNoRuntime,
                 .message = fmt::format(
                     "the interpreter '{}' of the runtime {} is not there or not executable",
                     settings.interpreter, manifest_.id),
                 .where = fmt::format("runtimes.{}.{}", manifest_.id,
                                      manifest_.id == "javascript" ? "runtime" : "interpreter")};
  }
  const std::optional<Shebang> shebang = parse_shebang(head);
  const bool chosen = shebang && manifest_.interpreter_for.contains(shebang->name);
  return Error{
      .code = ErrorCode::kNoRuntime,
      .message = fmt::format(
          "{} is not installed: no '{}' found", manifest_.display_name,
          chosen ? shebang->name : fmt::format("{}", fmt::join(manifest_.interpreters, "' or '"))),
      .where = {},
      .hint = manifest_.install.empty() ? std::string{} : "install it: " + manifest_.install};
}

RuntimeInfo ManifestRuntime::info(const RuntimeSettings& settings, Probe probe) const {
  RuntimeInfo info{.name = manifest_.id,
                   .display_name = manifest_.display_name,
                   .extensions = manifest_.extensions,
                   .engine = "jail",
                   .state = RuntimeState::kNotInstalled,
                   .version = {},
                   .interpreter = {},
                   .install_hint = manifest_.install,
                   .origin = manifest_.origin};
  if (manifest_.interpreters.empty() && settings.interpreter.empty()) {
    info.state = RuntimeState::kReady;
    return info;
  }
  const std::optional<FoundProgram> program = find(settings, {});
  if (!program) return info;
  info.state = RuntimeState::kReady;
  info.interpreter = program->path;
  info.version = version_in_name(program->real);
  if (probe == Probe::kWithVersion && !manifest_.version_argv.empty()) {
    std::vector<std::string> argv = manifest_.version_argv;
    std::replace(argv.begin(), argv.end(), std::string("{interpreter}"), program->path);
    const std::string version =
        version_in(output_of(argv, kVersionTimeout), manifest_.version_after);
    if (!version.empty()) info.version = version;
  }
  return info;
}

LintReport ManifestRuntime::lint(std::string_view source) const {
  return manifest_.text ? lint_text(source) : LintReport{};
}

Result<Steps> ManifestRuntime::plan(const Request& request, const SourceInfo& source,
                                    const Settings& settings) const {
  const RuntimeSettings& mine = settings_for(settings, manifest_.id);
  const bool runs_itself = manifest_.interpreters.empty() && mine.interpreter.empty();
  const std::optional<FoundProgram> program =
      runs_itself ? FoundProgram{} : find(mine, source.head);
  if (!program) return fail(not_installed(mine, source.head));

  Steps steps;
  steps.source_name = source.name.empty() ? manifest_.source_name : source.name;
  steps.source_executable = manifest_.source_executable;
  const std::optional<Shebang> shebang = parse_shebang(source.head);
  const std::string& work_dir = settings.general.working_dir;
  const Values values{.interpreter = program->path,
                      .source = fmt::format("{}{}{}", work_dir, work_dir.ends_with('/') ? "" : "/",
                                            steps.source_name),
                      .work_dir = work_dir,
                      .packages = manifest_.packages_mount,
                      .args = request.args,
                      .extra_args = mine.extra_args,
                      .shebang_args = shebang ? shebang->arguments : std::vector<std::string>{}};
  Step& run = steps.run;
  run.argv = expand(manifest_.argv, values);
  for (const auto& [key, value] : manifest_.env)
    run.env.push_back(key + "=" + expand_word(value, values));
  run.read_only_paths = program->trees;
  run.read_only_paths.insert(run.read_only_paths.end(), manifest_.read_only_paths.begin(),
                             manifest_.read_only_paths.end());
  run.syscall_profile = manifest_.syscall_profile;
  run.helper_tasks = manifest_.helper_tasks;
  run.helper_files = manifest_.helper_files;
  run.executable_work_dir = manifest_.executable_work_dir;
  if (mine.packages_dir.empty()) return steps;
  if (manifest_.packages_mount.empty()) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("the runtime {} has no packages directory", manifest_.id),
                 .where = fmt::format("runtimes.{}.packages_dir", manifest_.id)});
  }
  std::string packages = real_path(mine.packages_dir);
  if (packages.empty()) {
    return fail(
        {.code = ErrorCode::kUsage,
         .message = fmt::format("the packages directory '{}' is not there", mine.packages_dir),
         .where = fmt::format("runtimes.{}.packages_dir", manifest_.id)});
  }
  run.packages.push_back(
      {.host = std::move(packages), .inside = manifest_.packages_mount, .access = Access::kRead});
  for (const auto& [key, value] : manifest_.packages_env)
    run.env.push_back(key + "=" + expand_word(value, values));
  return steps;
}

}  // namespace sandpit
