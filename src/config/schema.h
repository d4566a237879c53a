// The configuration's keys as data: one row each, with its type, range and what an untrusted
// project file may do to it. Only config/ includes it. A new key is a row here and a line in
// settings_of.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sandpit::config {

enum class Kind : std::uint8_t {
  kBool,
  kBytes,        // a number in the key's unit, or "256MiB"; held as bytes
  kDuration,     // a number of seconds, or "1.5s"; held as milliseconds
  kCount,        // a whole number
  kChoice,       // one of `choices`
  kName,         // letters, digits, - _ + .
  kText,         // any text without NUL
  kInsideDir,    // an absolute path inside the jail
  kHostDir,      // a directory of the host
  kCacheDir,     // the same, made when it is missing
  kInterpreter,  // a bare name, or a path of the host
  kTextList,
  kChoiceList,
  kSyscallList,     // names of system calls
  kGrants,          // allowed_paths
  kNetworkList,     // HOST:PORT and its like
  kNetwork,         // a table with `mode` and `hosts`
  kNetworkFlag,     // true: the host's network, false: none; held like kNetwork
  kSyscallProfile,  // the name of a built-in one
};

// What a project file that was found, not named and not trusted, may change.
enum class Rule : std::uint8_t {
  kFree,      // anything: the key has effect inside the jail only
  kAtMost,    // lower it
  kBudget,    // lower it; zero means no limit and is the loosest
  kFalse,     // turn it off
  kLater,     // move it to a later choice
  kEarlier,   // move it to an earlier choice
  kSubset,    // drop elements
  kSomeOf,    // drop elements, but not all: an empty list stands for everything
  kSuperset,  // add elements: the result is the union
  kNetwork,   // go to an earlier mode, drop hosts
  kNever,     // nothing
};

struct KeySpec {
  std::string_view section;  // "general", "resource_limits", "security", "runtime", "compile",
                             // "wasm", "capabilities" (of wasm)
  std::string_view name;
  Kind kind = Kind::kText;
  Rule rule = Rule::kNever;
  std::uint64_t unit = 1;  // bytes or milliseconds that a plain 1 means
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  std::span<const std::string_view> choices{};
};

[[nodiscard]] std::span<const KeySpec> general_keys();
[[nodiscard]] std::span<const KeySpec> limit_keys();
[[nodiscard]] std::span<const KeySpec> security_keys();  // env is a table and not among them
[[nodiscard]] std::span<const KeySpec> wasm_keys();
[[nodiscard]] std::span<const KeySpec> compile_keys();
[[nodiscard]] std::span<const KeySpec> capability_keys();  // [runtimes.wasm.capabilities]
// The runtime's own keys under their proper names: `runtime` and `modules_dir` for javascript.
[[nodiscard]] std::span<const KeySpec> runtime_keys(std::string_view runtime);
[[nodiscard]] const KeySpec& environment_key();
[[nodiscard]] const KeySpec& extension_key();
[[nodiscard]] const KeySpec& default_profile_key();
[[nodiscard]] const KeySpec& network_key();  // also of what enable_network says

// The row named so, or null.
[[nodiscard]] const KeySpec* find_key(std::span<const KeySpec> keys, std::string_view name);

}  // namespace sandpit::config
