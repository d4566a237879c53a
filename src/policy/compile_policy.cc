#include "policy/compile_policy.h"

#include <algorithm>
#include <cstdint>

#include "policy/policy.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"
#include "sandpit/units.h"

namespace sandpit {
namespace {

constexpr std::uint32_t kTasks = 64;  // a driver, the compiler, an assembler, a linker and threads
constexpr std::uint32_t kOpenFiles = 256;
constexpr std::uint64_t kInodes = 65536;
// A hundred errors in a template-heavy program are about as long.
constexpr ByteCount kMessages = ByteCount::mib(1);
// Compilers recurse over what they read; gcc itself asks for 64 MiB.
constexpr ByteCount kStack = ByteCount::mib(64);
constexpr Milliseconds kWarmTime{600'000};
constexpr ByteCount kWarmMemory = ByteCount::mib(3072);

}  // namespace

Policy compile_policy(const Policy& run) {
  Policy policy;
  policy.limits = run.limits;
  policy.limits.memory = run.limits.compile_memory;
  policy.limits.wall_time = run.limits.compile_time;
  policy.limits.cpu_time = 2 * run.limits.compile_time;
  policy.limits.file_size = run.limits.compile_file_size;
  policy.limits.disk = ByteCount::bytes(run.limits.compile_memory.count() / 2);
  policy.limits.inodes = kInodes;
  policy.limits.processes = kTasks;
  policy.limits.open_files = kOpenFiles;
  policy.limits.output = std::min(run.limits.output, kMessages);
  policy.limits.stack = kStack;
  policy.lint = LintLevel::kOff;
  policy.report_denials = run.report_denials;
  policy.allow_degraded = run.allow_degraded;
  policy.working_dir = run.working_dir;
  policy.chdir = run.working_dir;
  return policy;
}

Policy warm_policy(const Policy& run) {
  Policy policy = compile_policy(run);
  policy.limits.wall_time = kWarmTime;
  policy.limits.cpu_time = 2 * kWarmTime;
  policy.limits.memory = std::max(policy.limits.memory, kWarmMemory);
  policy.limits.disk = ByteCount::bytes(policy.limits.memory.count() / 2);
  policy.limits.file_size = policy.limits.disk;
  return policy;
}

}  // namespace sandpit
