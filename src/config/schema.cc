#include "config/schema.h"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace sandpit::config {
namespace {

constexpr std::uint64_t kKib = 1ULL << 10U;
constexpr std::uint64_t kMib = 1ULL << 20U;
constexpr std::uint64_t kTib = 1ULL << 40U;
constexpr std::uint64_t kSecond = 1000;
constexpr std::uint64_t kMonth = 30ULL * 24 * 3600 * kSecond;
constexpr std::uint64_t kMostBytes = 16 * kTib;
constexpr std::uint64_t kMostTasks = 4194304;  // PID_MAX_LIMIT, proc(5)
constexpr std::uint64_t kMostFiles = 1048576;  // the kernel's default fs.nr_open
constexpr std::uint64_t kLeastFiles = 3;       // stdin, stdout, stderr
constexpr std::uint64_t kLeastInodes = 8;      // what a jail makes itself
constexpr std::uint64_t kMostInodes = 1ULL << 31U;
constexpr std::uint64_t kPage = 64 * kKib;
constexpr std::uint64_t kMostPages = kMostBytes / kPage;        // 65536 of them in a 32-bit memory
constexpr std::uint64_t kMostElements = 0xffffffff;             // a 32-bit table
constexpr std::uint64_t kMostObjects = 100000;                  // instances, tables, memories
constexpr std::uint64_t kMostFuel = 1'000'000'000'000'000'000;  // what a double holds exactly

constexpr std::array<std::string_view, 6> kLogLevels = {"trace", "debug", "info",
                                                        "warn",  "error", "off"};
constexpr std::array<std::string_view, 3> kLintLevels = {"off", "warn", "deny"};
constexpr std::array<std::string_view, 7> kDegradable = {"memory", "cpu_time", "processes", "disk",
                                                         "proc",   "landlock", "all"};
constexpr std::array<std::string_view, 3> kInterruptions = {"auto", "epoch", "kill"};
constexpr std::array<std::string_view, 3> kCompilers = {"auto", "cranelift", "winch"};

// log_level may only become louder: an untrusted file must not hide the warnings about itself.
constexpr std::array kGeneral = {
    KeySpec{"general", "working_dir", Kind::kInsideDir, Rule::kFree},
    KeySpec{"general", "tmp_dir", Kind::kHostDir, Rule::kNever},
    KeySpec{"general", "log_level", Kind::kChoice, Rule::kEarlier, 1, 0, 0, kLogLevels},
    KeySpec{"general", "default_profile", Kind::kName, Rule::kNever},
};

// tmpfs takes size=0 and nr_inodes=0 as "no limit", so zero is refused for both.
constexpr std::array kLimits = {
    KeySpec{"resource_limits", "memory_limit_mb", Kind::kBytes, Rule::kAtMost, kMib, kMib,
            kMostBytes},
    KeySpec{"resource_limits", "cpu_time_limit_s", Kind::kDuration, Rule::kAtMost, kSecond, 1,
            kMonth},
    KeySpec{"resource_limits", "timeout_s", Kind::kDuration, Rule::kAtMost, kSecond, 1, kMonth},
    KeySpec{"resource_limits", "max_processes", Kind::kCount, Rule::kAtMost, 1, 1, kMostTasks},
    KeySpec{"resource_limits", "max_file_size_kb", Kind::kBytes, Rule::kAtMost, kKib, 0,
            kMostBytes},
    KeySpec{"resource_limits", "max_open_files", Kind::kCount, Rule::kAtMost, 1, kLeastFiles,
            kMostFiles},
    KeySpec{"resource_limits", "max_disk_mb", Kind::kBytes, Rule::kAtMost, kMib, 4 * kKib,
            kMostBytes},
    KeySpec{"resource_limits", "max_inodes", Kind::kCount, Rule::kAtMost, 1, kLeastInodes,
            kMostInodes},
    KeySpec{"resource_limits", "max_output_kb", Kind::kBytes, Rule::kAtMost, kKib, 0, kMostBytes},
    KeySpec{"resource_limits", "stack_size_kb", Kind::kBytes, Rule::kAtMost, kKib, 64 * kKib,
            kMostBytes},
    KeySpec{"resource_limits", "compile_time_limit_s", Kind::kDuration, Rule::kAtMost, kSecond, 1,
            kMonth},
    KeySpec{"resource_limits", "compile_memory_limit_mb", Kind::kBytes, Rule::kAtMost, kMib, kMib,
            kMostBytes},
    KeySpec{"resource_limits", "compile_max_file_size_kb", Kind::kBytes, Rule::kAtMost, kKib, 0,
            kMostBytes},
};

constexpr std::array kSecurity = {
    KeySpec{"security", "network", Kind::kNetwork, Rule::kNetwork},
    KeySpec{"security", "enable_network", Kind::kNetworkFlag, Rule::kNetwork},
    KeySpec{"security", "allowed_paths", Kind::kGrants, Rule::kSubset},
    KeySpec{"security", "lint", Kind::kChoice, Rule::kLater, 1, 0, 0, kLintLevels},
    KeySpec{"security", "allow_degraded", Kind::kChoiceList, Rule::kSubset, 1, 0, 0, kDegradable},
    KeySpec{"security", "profile", Kind::kSyscallProfile, Rule::kNever},
    KeySpec{"security", "allow_syscalls", Kind::kSyscallList, Rule::kSubset},
    KeySpec{"security", "deny_syscalls", Kind::kSyscallList, Rule::kSuperset},
    KeySpec{"security", "report_denials", Kind::kBool, Rule::kNever},
};

// The cache is shared by all projects of a user: one of them must not move, empty or fill it.
constexpr std::array kWasm = {
    KeySpec{"wasm", "wasi_enabled", Kind::kBool, Rule::kFalse},
    KeySpec{"wasm", "max_memory_pages", Kind::kCount, Rule::kAtMost, 1, 1, kMostPages},
    KeySpec{"wasm", "stack_size", Kind::kBytes, Rule::kAtMost, 1, 16 * kKib, 1024 * kMib},
    KeySpec{"wasm", "allow_bulk_memory", Kind::kBool, Rule::kFalse},
    KeySpec{"wasm", "allow_reference_types", Kind::kBool, Rule::kFalse},
    KeySpec{"wasm", "allow_simd", Kind::kBool, Rule::kFalse},
    KeySpec{"wasm", "allow_relaxed_simd", Kind::kBool, Rule::kFalse},
    KeySpec{"wasm", "allow_multi_memory", Kind::kBool, Rule::kFalse},
    KeySpec{"wasm", "allow_memory64", Kind::kBool, Rule::kFalse},
    KeySpec{"wasm", "allow_threads", Kind::kBool, Rule::kFalse},
    KeySpec{"wasm", "allow_tail_calls", Kind::kBool, Rule::kFalse},
    KeySpec{"wasm", "allow_exceptions", Kind::kBool, Rule::kFalse},
    KeySpec{"wasm", "allow_gc", Kind::kBool, Rule::kFalse},
    KeySpec{"wasm", "allow_component_model", Kind::kBool, Rule::kFalse},
    KeySpec{"wasm", "max_table_elements", Kind::kCount, Rule::kAtMost, 1, 0, kMostElements},
    KeySpec{"wasm", "max_instances", Kind::kCount, Rule::kAtMost, 1, 1, kMostObjects},
    KeySpec{"wasm", "max_tables", Kind::kCount, Rule::kAtMost, 1, 0, kMostObjects},
    KeySpec{"wasm", "max_memories", Kind::kCount, Rule::kAtMost, 1, 0, kMostObjects},
    KeySpec{"wasm", "fuel", Kind::kCount, Rule::kBudget, 1, 0, kMostFuel},
    KeySpec{"wasm", "compiler", Kind::kChoice, Rule::kFree, 1, 0, 0, kCompilers},
    KeySpec{"wasm", "interruption", Kind::kChoice, Rule::kFree, 1, 0, 0, kInterruptions},
    KeySpec{"wasm", "cache", Kind::kBool, Rule::kFalse},
    KeySpec{"wasm", "cache_dir", Kind::kCacheDir, Rule::kNever},
    KeySpec{"wasm", "cache_max_size", Kind::kBytes, Rule::kNever, 1, kMib, kMostBytes},
    KeySpec{"wasm", "preopens", Kind::kGrants, Rule::kSubset},
    KeySpec{"wasm", "network", Kind::kNetworkList, Rule::kSomeOf},
};

constexpr std::array kCapabilities = {
    KeySpec{"capabilities", "args", Kind::kBool, Rule::kFalse},
    KeySpec{"capabilities", "env", Kind::kBool, Rule::kFalse},
    KeySpec{"capabilities", "stdin", Kind::kBool, Rule::kFalse},
    KeySpec{"capabilities", "stdout", Kind::kBool, Rule::kFalse},
    KeySpec{"capabilities", "stderr", Kind::kBool, Rule::kFalse},
    KeySpec{"capabilities", "clocks", Kind::kBool, Rule::kFalse},
    KeySpec{"capabilities", "random", Kind::kBool, Rule::kFalse},
};

constexpr std::array kRuntime = {
    KeySpec{"runtime", "interpreter", Kind::kInterpreter, Rule::kNever},
    KeySpec{"runtime", "extra_args", Kind::kTextList, Rule::kNever},
    KeySpec{"runtime", "packages_dir", Kind::kHostDir, Rule::kNever},
    KeySpec{"runtime", "preload", Kind::kTextList, Rule::kNever},
};
constexpr std::array kJavascript = {
    KeySpec{"runtime", "runtime", Kind::kInterpreter, Rule::kNever},
    KeySpec{"runtime", "extra_args", Kind::kTextList, Rule::kNever},
    KeySpec{"runtime", "modules_dir", Kind::kHostDir, Rule::kNever},
    KeySpec{"runtime", "preload", Kind::kTextList, Rule::kNever},
};

// As with modules: the cache is shared by all projects of a user.
constexpr std::array kCompile = {
    KeySpec{"compile", "cache", Kind::kBool, Rule::kFalse},
    KeySpec{"compile", "cache_dir", Kind::kCacheDir, Rule::kNever},
    KeySpec{"compile", "cache_max_size", Kind::kBytes, Rule::kNever, 1, kMib, kMostBytes},
    KeySpec{"compile", "share_between_domains", Kind::kBool, Rule::kFalse},
};

constexpr KeySpec kEnvironment{"security", "env", Kind::kText, Rule::kFree};
constexpr KeySpec kExtension{"extensions", "extensions", Kind::kName, Rule::kFree};

}  // namespace

std::span<const KeySpec> general_keys() { return kGeneral; }
std::span<const KeySpec> limit_keys() { return kLimits; }
std::span<const KeySpec> security_keys() { return kSecurity; }
std::span<const KeySpec> compile_keys() { return kCompile; }
std::span<const KeySpec> wasm_keys() { return kWasm; }
std::span<const KeySpec> capability_keys() { return kCapabilities; }
const KeySpec& environment_key() { return kEnvironment; }
const KeySpec& extension_key() { return kExtension; }
const KeySpec& default_profile_key() { return kGeneral.back(); }
const KeySpec& network_key() { return kSecurity.front(); }

std::span<const KeySpec> runtime_keys(std::string_view runtime) {
  if (runtime == "javascript") return kJavascript;
  // Neither has packages of its own: a key that could have no effect is refused.
  if (runtime == "shell" || runtime == "native") return std::span(kRuntime).first(2);
  if (runtime == "wasm") return wasm_keys();
  return kRuntime;
}

const KeySpec* find_key(std::span<const KeySpec> keys, std::string_view name) {
  for (const KeySpec& key : keys) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

}  // namespace sandpit::config
