#include "policy/limits_merge.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/units.h"

namespace sandpit {
namespace {

// What a jail needs at least to start anything.
constexpr ByteCount kLeastMemory = ByteCount::kib(256);
constexpr ByteCount kLeastStack = ByteCount::kib(64);
constexpr std::uint32_t kLeastOpenFiles = 3;
constexpr std::uint64_t kLeastInodes = 8;

std::string seconds(Milliseconds time) {
  return fmt::format("{:g} s", static_cast<double>(time.count()) / 1000.0);
}

std::string size(ByteCount bytes) {
  if (bytes.count() % (1U << 20U) == 0) return fmt::format("{} MiB", bytes.count() >> 20U);
  if (bytes.count() % (1U << 10U) == 0) return fmt::format("{} KiB", bytes.count() >> 10U);
  return fmt::format("{} bytes", bytes.count());
}

void apply(Limits& limits, const LimitOverrides& over) {
  limits.memory = over.memory.value_or(limits.memory);
  limits.cpu_time = over.cpu_time.value_or(limits.cpu_time);
  limits.wall_time = over.wall_time.value_or(limits.wall_time);
  limits.processes = over.processes.value_or(limits.processes);
  limits.file_size = over.file_size.value_or(limits.file_size);
  limits.open_files = over.open_files.value_or(limits.open_files);
  limits.disk = over.disk.value_or(limits.disk);
  limits.inodes = over.inodes.value_or(limits.inodes);
  limits.output = over.output.value_or(limits.output);
  limits.stack = over.stack.value_or(limits.stack);
  limits.compile_time = over.compile_time.value_or(limits.compile_time);
  limits.compile_memory = over.compile_memory.value_or(limits.compile_memory);
  limits.compile_file_size = over.compile_file_size.value_or(limits.compile_file_size);
}

// In one layer both values are the same person's, so there is no telling which was meant.
void check_layer(const LimitOverrides& layer, std::string_view where,
                 std::vector<Error>& problems) {
  if (layer.cpu_time && layer.wall_time && *layer.cpu_time > *layer.wall_time) {
    problems.push_back(
        {.code = ErrorCode::kUsage,
         .message = fmt::format("the CPU time limit ({}) is above the wall time limit ({})",
                                seconds(*layer.cpu_time), seconds(*layer.wall_time)),
         .where = std::string(where)});
  }
  if (layer.disk && layer.memory && *layer.disk > *layer.memory) {
    problems.push_back(
        {.code = ErrorCode::kUsage,
         .message = fmt::format(
             "the disk limit ({}) is above the memory limit ({}), of which files are a part",
             size(*layer.disk), size(*layer.memory)),
         .where = std::string(where)});
  }
}

void check_values(const Limits& limits, std::vector<Error>& problems) {
  const auto require = [&](bool good, std::string_view name, std::string message) {
    if (!good) {
      problems.push_back({.code = ErrorCode::kUsage,
                          .message = std::move(message),
                          .where = fmt::format("limits.{}", name)});
    }
  };
  require(limits.memory >= kLeastMemory, "memory",
          fmt::format("must be at least {}", size(kLeastMemory)));
  require(limits.cpu_time.count() > 0, "cpu_time", "must be above 0");
  require(limits.wall_time.count() > 0, "wall_time", "must be above 0");
  require(limits.processes > 0, "processes", "must be at least 1");
  require(limits.open_files >= kLeastOpenFiles, "open_files",
          fmt::format("must be at least {}", kLeastOpenFiles));
  require(limits.disk.count() > 0, "disk", "must be above 0");
  require(limits.inodes >= kLeastInodes, "inodes",
          fmt::format("must be at least {}", kLeastInodes));
  require(limits.compile_time.count() > 0, "compile_time", "must be above 0");
  require(limits.compile_memory >= kLeastMemory, "compile_memory",
          fmt::format("must be at least {}", size(kLeastMemory)));
  require(limits.stack >= kLeastStack, "stack",
          fmt::format("must be at least {}", size(kLeastStack)));
}

void lower_cpu_time(Limits& limits, std::vector<std::string>& warnings) {
  if (limits.cpu_time <= limits.wall_time) return;
  limits.cpu_time = limits.wall_time;
  warnings.push_back(fmt::format("cpu_time lowered to {}: wall_time is {}",
                                 seconds(limits.cpu_time), seconds(limits.wall_time)));
}

void lower_disk(Limits& limits, std::vector<std::string>& warnings) {
  // Files live in memory: a disk that may fill all of it leaves the program none.
  const ByteCount half = ByteCount::bytes(limits.memory.count() / 2);
  if (limits.disk <= half) return;
  // The built-in value is documented as "at most half the memory", so lowering that is no news.
  if (limits.disk != Limits{}.disk) {
    warnings.push_back(fmt::format("disk lowered to {}: files count as memory, and memory is {}",
                                   size(half), size(limits.memory)));
  }
  limits.disk = half;
}

}  // namespace

void apply_runtime_defaults(Limits& configured, const LimitOverrides& defaults) {
  const Limits builtin;
  const auto raise = [&](auto Limits::* member, const auto& value) {
    if (value && configured.*member == builtin.*member) configured.*member = *value;
  };
  raise(&Limits::memory, defaults.memory);
  raise(&Limits::cpu_time, defaults.cpu_time);
  raise(&Limits::wall_time, defaults.wall_time);
  raise(&Limits::processes, defaults.processes);
  raise(&Limits::file_size, defaults.file_size);
  raise(&Limits::open_files, defaults.open_files);
  raise(&Limits::disk, defaults.disk);
  raise(&Limits::inodes, defaults.inodes);
  raise(&Limits::output, defaults.output);
  raise(&Limits::stack, defaults.stack);
  raise(&Limits::compile_time, defaults.compile_time);
  raise(&Limits::compile_memory, defaults.compile_memory);
  raise(&Limits::compile_file_size, defaults.compile_file_size);
}

MergedLimits merge_limits(const Limits& configured, const LimitOverrides& runtime,
                          const LimitOverrides& request, std::string_view runtime_name) {
  MergedLimits merged{.limits = configured, .warnings = {}, .problems = {}};
  check_layer(runtime, fmt::format("runtimes.{}.resource_limits", runtime_name), merged.problems);
  check_layer(request, "limits", merged.problems);
  apply(merged.limits, runtime);
  apply(merged.limits, request);
  check_values(merged.limits, merged.problems);
  lower_cpu_time(merged.limits, merged.warnings);
  const bool disk_is_deliberate = request.disk && *request.disk <= merged.limits.memory;
  if (!disk_is_deliberate) lower_disk(merged.limits, merged.warnings);
  return merged;
}

}  // namespace sandpit
