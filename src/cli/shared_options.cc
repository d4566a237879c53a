#include "cli/shared_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/values.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"

namespace sandpit::cli {

CLI::Option* add_text(CLI::App& app, const char* name, std::string& value, const char* type,
                      const char* help, const char* group) {
  return app.add_option(name, value, help)->type_name(type)->group(group)->take_last();
}

void add_list(CLI::App& app, const char* name, std::vector<std::string>& values, const char* type,
              const char* help, const char* group) {
  app.add_option(name, values, help)
      ->type_name(type)
      ->group(group)
      ->type_size(1)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_flag(CLI::App& app, const char* name, bool& value, const char* help, const char* group) {
  app.add_flag(name, value, help)->group(group)->disable_flag_override();
}

void add_limit_options(CLI::App& app, RawLimits& raw, CompileLimits compile) {
  const auto text = [&](const char* name, std::string& value, const char* type, const char* help) {
    add_text(app, name, value, type, help, kLimitsGroup);
  };
  text("--memory", raw.memory, "SIZE", "memory of the whole process tree, files in it included");
  text("--memory-limit", raw.memory_limit, "MB", "the same as --memory");
  text("--cpu-time", raw.cpu_time, "TIME", "CPU time of the whole process tree");
  text("--cpu-limit", raw.cpu_limit, "SECONDS", "the same as --cpu-time");
  text("--timeout", raw.timeout, "TIME", "time from start to end");
  if (compile == CompileLimits::kTaken) {
    text("--compile-timeout", raw.compile_timeout, "TIME", "time of the compile step");
    text("--compile-memory", raw.compile_memory, "SIZE", "memory of the compile step");
  }
  text("--processes", raw.processes, "N",
       "processes and threads, besides those the interpreter needs");
  text("--file-size", raw.file_size, "SIZE", "size of one file");
  text("--disk", raw.disk, "SIZE", "all files together");
  text("--open-files", raw.open_files, "N", "open files of one process");
  text("--stack", raw.stack, "SIZE", "stack of the main thread");
  text("--output-limit", raw.output, "SIZE",
       "of stdout and of stderr, each; the middle is cut out");
}

void add_access_options(CLI::App& app, RawAccess& raw) {
  add_list(app, "--read", raw.read, "PATH[:INSIDE]",
           "show this path of the host, read-only (repeatable)", kAccessGroup);
  add_list(app, "--write", raw.write, "PATH[:INSIDE]",
           "show this path of the host, writable (repeatable)", kAccessGroup);
  add_list(app, "--env", raw.env, "NAME=VALUE", "set a variable (repeatable)", kAccessGroup);
  add_list(app, "--net", raw.net, "MODE|HOST:PORT,...",
           "none, loopback or host; or these hosts and no others (repeatable)", kAccessGroup);
  add_flag(app, "--no-denials", raw.no_denials, "do not record what the program was denied");
}

Error usage_error(std::string message, std::string hint) {
  return Error{.code = ErrorCode::kUsage, .message = std::move(message), .hint = std::move(hint)};
}

void Values::add(const char* option, Error error) {
  error.message = fmt::format("{}: {}", option, error.message);
  for (Error& other : error.others) other.message = fmt::format("{}: {}", option, other.message);
  if (error_) {
    std::vector<Error> others = std::move(error.others);
    error_->others.push_back(std::move(error));
    std::ranges::move(others, std::back_inserter(error_->others));
  } else {
    error_ = std::move(error);
  }
}

void set_limits(const RawLimits& raw, LimitOverrides& limits, Values& values) {
  const auto size = [](const std::string& text) { return parse_size(text); };
  const auto time = [](const std::string& text) { return parse_time(text); };
  const auto count = [](const std::string& text) { return parse_count(text, 1); };
  values.set(limits.memory, "--memory-limit", raw.memory_limit, size);
  values.set(limits.memory, "--memory", raw.memory, size);
  values.set(limits.cpu_time, "--cpu-limit", raw.cpu_limit, time);
  values.set(limits.cpu_time, "--cpu-time", raw.cpu_time, time);
  values.set(limits.wall_time, "--timeout", raw.timeout, time);
  values.set(limits.compile_time, "--compile-timeout", raw.compile_timeout, time);
  values.set(limits.compile_memory, "--compile-memory", raw.compile_memory, size);
  values.set(limits.processes, "--processes", raw.processes, count);
  values.set(limits.file_size, "--file-size", raw.file_size, size);
  values.set(limits.disk, "--disk", raw.disk, size);
  values.set(limits.open_files, "--open-files", raw.open_files, count);
  values.set(limits.stack, "--stack", raw.stack, size);
  values.set(limits.output, "--output-limit", raw.output, size);
}

void set_access(const RawAccess& raw, const std::string& current_directory, Request& request,
                Values& values) {
  const auto add_path = [&](PathGrant grant) { request.paths.push_back(std::move(grant)); };
  values.each(
      "--read", raw.read,
      [&](const std::string& text) { return parse_grant(text, Access::kRead, current_directory); },
      add_path);
  values.each(
      "--write", raw.write,
      [&](const std::string& text) {
        return parse_grant(text, Access::kReadWrite, current_directory);
      },
      add_path);
  values.each("--env", raw.env, parse_env, [&](auto pair) {
    request.env.insert_or_assign(std::move(pair.first), std::move(pair.second));
  });
  if (auto choice = parse_network(raw.net)) {
    request.network = choice->mode;
    request.hosts = std::move(choice->hosts);
  } else {
    values.add("--net", std::move(choice).error());
  }
  values.set(request.lint, "--lint", raw.lint, parse_lint);
  if (raw.no_denials) request.report_denials = false;
}

std::vector<std::string> long_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

Result<void> check_empty_values(std::span<const std::string> words, const CLI::App& app) {
  const auto no_value = [](std::string_view name) {
    return fail(usage_error(fmt::format("{} has no value", name), {}));
  };
  for (const std::string& word : words) {
    if (word.starts_with("--") && word.find('=') == word.size() - 1) return no_value(word);
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& value : option->results()) {
      if (value.empty()) return no_value(option->get_name());
    }
  }
  return {};
}

}  // namespace sandpit::cli
