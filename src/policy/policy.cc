#include "policy/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/utf8.h"
#include "config/network_entry.h"
#include "policy/grants.h"
#include "policy/inside_path.h"
#include "policy/limits_merge.h"
#include "runtime/settings_for.h"
#include "runtime/wasm_runtime.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/request.h"

namespace sandpit {
namespace {

template <class List>
void append(List& list, const List& more) {
  list.insert(list.end(), more.begin(), more.end());
}

template <class T>
void move_into(std::vector<T>& list, std::vector<T>&& more) {
  list.insert(list.end(), std::make_move_iterator(more.begin()),
              std::make_move_iterator(more.end()));
}

void merge_security(const Settings& settings, const RuntimeSettings& mine, const Request& request,
                    Policy& policy) {
  const SecuritySettings& general = settings.security;
  const SecurityOverrides& over = mine.security;
  policy.lint = request.lint.value_or(over.lint.value_or(general.lint));
  policy.syscall_profile = over.profile.value_or(general.profile);
  policy.report_denials =
      request.report_denials.value_or(over.report_denials.value_or(general.report_denials));
  policy.trace = request.trace;
  for (const auto* list : {&general.allow_degraded, &over.allow_degraded})
    append(policy.allow_degraded, *list);
  for (const auto* list : {&general.allow_syscalls, &over.allow_syscalls})
    append(policy.allow_syscalls, *list);
  for (const auto* list : {&general.deny_syscalls, &over.deny_syscalls})
    append(policy.deny_syscalls, *list);
  for (const auto* map : {&general.env, &over.env, &request.env}) {
    for (const auto& [key, value] : *map) policy.env[key] = value;
  }
}

// One statement about the network: the request's, else the configuration's.
struct NetworkWish {
  NetworkMode mode = NetworkMode::kNone;
  std::vector<std::string> hosts;
  std::string where;
};

NetworkWish wish_of(const Request& request) {
  return {.mode = request.network.value_or(NetworkMode::kAllow),
          .hosts = request.hosts,
          .where = "hosts"};
}

NetworkWish wish_of(const SecuritySettings& general, const SecurityOverrides& over) {
  NetworkWish wish{
      .mode = over.network.value_or(general.network), .hosts = {}, .where = "security.network"};
  const bool general_hosts = !over.network || over.network == NetworkMode::kAllow;
  if (over.hosts) {
    wish.hosts = *over.hosts;
  } else if (general_hosts) {
    wish.hosts = general.hosts;
  }
  return wish;
}

void resolve_network(const NetworkWish& wish, Policy& policy, std::vector<Error>& problems) {
  const auto bad = [&](std::string message, std::string hint) {
    problems.push_back({.code = ErrorCode::kUsage,
                        .message = std::move(message),
                        .where = wish.where,
                        .hint = std::move(hint)});
  };
  policy.network = wish.mode;
  if (wish.mode == NetworkMode::kAllow && wish.hosts.empty()) {
    bad("the network mode allow needs a list of hosts", "for example pypi.org:443");
  }
  if (wish.mode != NetworkMode::kAllow && !wish.hosts.empty()) {
    bad("hosts are for the network mode allow, and another one is given", "leave one of them out");
    return;
  }
  constexpr std::size_t kMostHosts = 500;
  if (wish.hosts.size() > kMostHosts) {
    bad(fmt::format("{} hosts; there may be {}", wish.hosts.size(), kMostHosts),
        "list networks of addresses, or use the mode host");
    return;
  }
  for (const std::string& host : wish.hosts) {
    Result<std::string> entry = config::network_entry(host);
    if (!entry) {
      bad(printable(entry.error().message), entry.error().hint);
    } else if (std::ranges::find(policy.hosts, *entry) == policy.hosts.end()) {
      policy.hosts.push_back(*std::move(entry));
    }
  }
}

// The worker enforces the list itself, in the host's network. A list for modules comes before the
// general one: only this very request can say otherwise.
void adapt_to_modules(const WasmSettings& wasm, bool requested, Policy& policy) {
  if (!requested && !wasm.network.empty()) {
    policy.network = NetworkMode::kHost;
    policy.hosts = wasm.network;
  } else if (policy.network == NetworkMode::kAllow) {
    policy.network = NetworkMode::kHost;
  }
}

void check_environment(const Policy& policy, std::vector<Error>& problems) {
  for (const auto& [key, value] : policy.env) {
    if (!is_variable_name(key)) {
      problems.push_back({.code = ErrorCode::kUsage,
                          .message = fmt::format("'{}' is no name for a variable", printable(key)),
                          .where = "env"});
    }
    if (!is_variable_value(value)) {
      problems.push_back({.code = ErrorCode::kUsage,
                          .message = "the value holds a NUL, which no environment can carry",
                          .where = fmt::format("env.{}", printable(key))});
    }
  }
}

void resolve_directories(const Settings& settings, const Request& request, Policy& policy,
                         std::vector<Error>& problems) {
  const std::optional<std::string> work = normalised_inside(settings.general.working_dir);
  // With nothing to hide, the checks of a grant are those of a working directory, too.
  const std::string why =
      work ? why_not_mountable(*work, {}) : "it must be an absolute path without '..'";
  if (!why.empty()) {
    problems.push_back({.code = ErrorCode::kUsage,
                        .message = fmt::format("the working directory can't be '{}': {}",
                                               printable(settings.general.working_dir), why),
                        .where = "general.working_dir"});
    return;
  }
  policy.working_dir = *work;
  policy.chdir = *work;
  if (request.chdir.empty()) return;
  const std::string wanted =
      request.chdir.starts_with('/') ? request.chdir : fmt::format("{}/{}", *work, request.chdir);
  const std::optional<std::string> chdir = normalised_inside(wanted);
  if (!chdir) {
    problems.push_back(
        {.code = ErrorCode::kUsage,
         .message = fmt::format("'{}' must not hold '..' or a NUL", printable(request.chdir)),
         .where = "chdir"});
    return;
  }
  policy.chdir = *chdir;
}

}  // namespace

bool is_variable_name(std::string_view name) {
  return !name.empty() && name.find_first_of(std::string_view("=\0", 2)) == std::string_view::npos;
}

bool is_variable_value(std::string_view value) { return !value.contains('\0'); }

Result<Policy> resolve_policy(const Settings& settings, std::string_view runtime,
                              const Request& request) {
  const RuntimeSettings& mine = settings_for(settings, runtime);
  Policy policy;
  std::vector<Error> problems;

  MergedLimits merged = merge_limits(settings.limits, mine.limits, request.limits, runtime);
  policy.limits = merged.limits;
  policy.warnings = std::move(merged.warnings);
  move_into(problems, std::move(merged.problems));

  merge_security(settings, mine, request, policy);
  const bool requested = request.network || !request.hosts.empty();
  resolve_network(requested ? wish_of(request) : wish_of(settings.security, mine.security), policy,
                  problems);
  const bool is_wasm = runtime == kWasmRuntimeName;
  if (is_wasm) adapt_to_modules(settings.wasm, requested, policy);
  check_environment(policy, problems);
  resolve_directories(settings, request, policy, problems);

  std::vector<PathGrant> grants = settings.security.allowed_paths;
  append(grants, mine.security.allowed_paths);
  if (is_wasm) append(grants, settings.wasm.preopens);
  append(grants, request.paths);
  ResolvedGrants resolved =
      resolve_grants(grants, policy.working_dir, is_wasm ? JailRoot::kBare : JailRoot::kSystem);
  policy.paths = std::move(resolved.paths);
  policy.path_order = std::move(resolved.order);
  move_into(policy.warnings, std::move(resolved.warnings));
  move_into(problems, std::move(resolved.problems));
  if (!mine.packages_dir.empty()) {
    const Result<std::string> packages =
        resolve_directory(mine.packages_dir, fmt::format("runtimes.{}.packages_dir", runtime));
    if (!packages) problems.push_back(packages.error());
  }

  if (!problems.empty()) return fail(first_with_others(std::move(problems)));
  return policy;
}

}  // namespace sandpit
