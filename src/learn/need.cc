#include "learn/need.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/inside_path.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/units.h"

namespace sandpit::learn {
namespace {

constexpr std::uint64_t kMib = std::uint64_t{1} << 20U;
constexpr std::uint64_t kKib = std::uint64_t{1} << 10U;

// LimitReached::limit and the key that raises it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kKeys{{
    {"memory", "memory_limit_mb"},
    {"cpu_time", "cpu_time_limit_s"},
    {"wall_time", "timeout_s"},
    {"processes", "max_processes"},
    {"disk", "max_disk_mb"},
    {"inodes", "max_inodes"},
    {"output", "max_output_kb"},
}};

std::uint64_t in_units(std::uint64_t bytes, std::uint64_t unit) {
  return (bytes + unit - 1) / unit;
}

std::uint64_t seconds_of(Microseconds time) {
  return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(time).count());
}

void add_limit(std::string_view key, std::uint64_t value, std::string asked, std::uint64_t count,
               std::vector<Need>& needs) {
  needs.push_back({.kind = NeedKind::kLimit,
                   .name = std::string(key),
                   .grant = {},
                   .value = value,
                   .asked = std::move(asked),
                   .count = count,
                   .why = {}});
}

// The configuration wants no CPU limit above the time limit, and no disk above the memory.
void add_companion(std::string_view key, std::uint64_t value, const Limits& limits,
                   std::vector<Need>& needs) {
  const std::string_view other = key == "cpu_time_limit_s" ? "timeout_s" : "memory_limit_mb";
  if (key != "cpu_time_limit_s" && key != "max_disk_mb") return;
  if (limit_value(limits, other) >= value) return;
  add_limit(other, value, fmt::format("{} may not be above it", key), 1, needs);
}

void observe_limits(const Outcome& outcome, const Limits& limits, Observed& observed) {
  for (const LimitReached& reached : outcome.limits_reached) {
    const auto* key = std::ranges::find(kKeys, reached.limit, &decltype(kKeys)::value_type::first);
    if (key == kKeys.end()) continue;
    const std::uint64_t value = std::max<std::uint64_t>(2 * limit_value(limits, key->second), 1);
    add_limit(key->second, value, "reached: " + reached.detail, reached.count, observed.needs);
    add_companion(key->second, value, limits, observed.needs);
  }
}

void observe_files(const FileTrace& trace, Observed& observed) {
  for (const FileAccess& access : trace.failed) {
    if (!access.grant) continue;
    const bool writes = access.grant->access == Access::kReadWrite;
    observed.needs.push_back({.kind = writes ? NeedKind::kWrite : NeedKind::kRead,
                              .name = access.grant->inside,
                              .grant = *access.grant,
                              .asked = fmt::format("{}, {}", access.access, access.error),
                              .count = access.count,
                              .why = {}});
  }
}

// What follows `begin` in a hint, up to its end.
std::optional<std::string_view> after(std::string_view hint, std::string_view begin,
                                      std::string_view end) {
  if (!hint.starts_with(begin) || !hint.ends_with(end)) return std::nullopt;
  if (hint.size() < begin.size() + end.size()) return std::nullopt;
  return hint.substr(begin.size(), hint.size() - begin.size() - end.size());
}

void observe_denial(const Denial& denial, Observed& observed) {
  const auto need = [&](NeedKind kind, std::string_view name) {
    observed.needs.push_back({.kind = kind,
                              .name = std::string(name),
                              .grant = {},
                              .asked = denial.what,
                              .count = denial.count,
                              .why = {}});
  };
  if (const auto call = after(denial.hint, "security.allow_syscalls = [\"", "\"]")) {
    need(NeedKind::kSyscall, *call);
  } else if (denial.hint == "security.profile = \"jit\"") {
    need(NeedKind::kJit, "jit");
  } else if (const auto host = after(denial.hint, "--net ", "")) {
    observed.wants_network = true;
    if (*host == "loopback") {
      need(NeedKind::kLoopback, "loopback");
    } else if (host->contains(' ')) {
      observed.hopeless.push_back(fmt::format("{}; {}", denial.what, denial.hint));
    } else if (*host != "host") {
      need(NeedKind::kHost, *host);
    } else {
      observed.hopeless.push_back(denial.what + " (only the whole network of the host has that)");
    }
  } else if (denial.hint.empty()) {
    observed.hopeless.push_back(denial.what);
  }
}

bool is_path(const Need& need) {
  return need.kind == NeedKind::kRead || need.kind == NeedKind::kWrite;
}

bool same(const Need& a, const Need& b) {
  if (is_path(a) && is_path(b)) return a.name == b.name;
  return a.kind == b.kind && a.name == b.name;
}

// What `wide` grants holds what `narrow` asks for.
bool covers(const Need& wide, const Need& narrow) {
  if (!is_path(wide) || !is_path(narrow) || wide.state != State::kGranted) return false;
  return is_within(narrow.name, wide.name) &&
         (wide.kind == NeedKind::kWrite || narrow.kind == NeedKind::kRead);
}

}  // namespace

std::uint64_t limit_value(const Limits& limits, std::string_view key) {
  if (key == "memory_limit_mb") return in_units(limits.memory.count(), kMib);
  if (key == "cpu_time_limit_s") return seconds_of(limits.cpu_time);
  if (key == "timeout_s") return seconds_of(limits.wall_time);
  if (key == "max_processes") return limits.processes;
  if (key == "max_disk_mb") return in_units(limits.disk.count(), kMib);
  if (key == "max_inodes") return limits.inodes;
  return in_units(limits.output.count(), kKib);
}

std::uint64_t fitted(const Need& limit, const Outcome& outcome) {
  const auto with_quarter = [&](std::uint64_t bytes, std::uint64_t unit) {
    return std::min(limit.value, in_units(bytes + bytes / 4, unit));
  };
  constexpr std::uint64_t kStep = 16;  // MiB: round numbers
  const auto in_mib = [&](std::uint64_t bytes) {
    return std::min(limit.value, in_units(with_quarter(bytes, kMib), kStep) * kStep);
  };
  if (limit.name == "memory_limit_mb" && outcome.peak_memory.count() > 0) {
    return in_mib(outcome.peak_memory.count());
  }
  if (limit.name == "max_disk_mb" && outcome.files.count() > 0)
    return in_mib(outcome.files.count());
  if (limit.name == "cpu_time_limit_s") {
    return std::min(limit.value, seconds_of(2 * outcome.cpu_time));
  }
  if (limit.name == "timeout_s") return std::min(limit.value, seconds_of(2 * outcome.wall_time));
  if (limit.name == "max_output_kb") {
    return with_quarter(std::max(outcome.stdout_bytes, outcome.stderr_bytes), kKib);
  }
  return limit.value;
}

Observed observe(const Outcome& outcome, const Limits& limits) {
  Observed observed;
  observe_limits(outcome, limits, observed);
  if (outcome.files_traced) observe_files(*outcome.files_traced, observed);
  for (const Denial& denial : outcome.denials) observe_denial(denial, observed);
  return observed;
}

bool merge(Need need, std::vector<Need>& needs) {
  const bool grants = need.state == State::kGranted;
  if (std::ranges::any_of(needs, [&](const Need& other) { return covers(other, need); })) {
    return false;
  }
  const auto found = std::ranges::find_if(needs, [&](const Need& n) { return same(n, need); });
  if (found != needs.end()) {
    const bool more = need.kind != found->kind || need.value > found->value;
    const bool widens = grants && (found->state != State::kGranted || more);
    if (widens || (!grants && found->state != State::kGranted && more)) *found = std::move(need);
    return widens;
  }
  if (grants) std::erase_if(needs, [&](const Need& other) { return covers(need, other); });
  needs.push_back(std::move(need));
  return grants;
}

}  // namespace sandpit::learn
