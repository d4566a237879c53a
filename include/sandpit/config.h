// The configuration: TOML in layers. Public.
//
//   auto config = Config::load({.project = "sandbox.toml", .profile = "strict"});
//   if (!config) std::cerr << config.error().to_string();     // every problem, file:line:column
//   each
//
// Layers, each overriding the one before key by key: built-in defaults, system, user, project,
// profile. A Request's own limits, paths and environment come last (Policy).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sandpit/error.h"
#include "sandpit/export.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"

namespace sandpit {

struct GeneralSettings {
  std::string working_dir = "/work";  // the program's private working directory, inside the jail
  std::string tmp_dir = "/tmp";       // host directory for what is too large to keep in memory
  std::string log_level = "warn";     // trace, debug, info, warn, error, off
  std::string default_profile = "development";
};

struct SecuritySettings {
  NetworkMode network = NetworkMode::kNone;  // enable_network = true means kHost
  std::vector<std::string> hosts;            // of kAllow: "HOST:PORT" and its like
  std::vector<PathGrant> allowed_paths;
  std::map<std::string, std::string> env;
  LintLevel lint = LintLevel::kWarn;
  std::vector<std::string>
      allow_degraded;   // names of limits and walls that may be weaker: see docs
  std::string profile;  // system-call profile; empty: the runtime's own
  std::vector<std::string> allow_syscalls;
  std::vector<std::string> deny_syscalls;
  bool report_denials = true;  // list in the Outcome what the system-call profile denied
};

// The same, of one [runtimes.NAME.security] table: what is empty is inherited. Lists and maps are
// added to the general ones.
struct SecurityOverrides {
  std::optional<NetworkMode> network;
  std::optional<std::vector<std::string>> hosts;  // none with kAllow: the general ones
  std::vector<PathGrant> allowed_paths;
  std::map<std::string, std::string> env;
  std::optional<LintLevel> lint;
  std::vector<std::string> allow_degraded;
  std::optional<std::string> profile;
  std::vector<std::string> allow_syscalls;
  std::vector<std::string> deny_syscalls;
  std::optional<bool> report_denials;
};

struct RuntimeSettings {
  std::string interpreter;  // [runtimes.python] interpreter, [runtimes.javascript] runtime; empty:
                            // the manifest's
  std::vector<std::string> extra_args;
  std::string packages_dir;          // host directory, mounted read-only and importable ("" none);
                                     // modules_dir for javascript
  std::vector<std::string> preload;  // modules that warm starts have loaded already, besides the
                                     // manifest's
  LimitOverrides limits;
  SecurityOverrides security;
};

// [runtimes.wasm.capabilities]: the interfaces of WASI that a module may import. What is off is
// refused before the start; standard streams that are off are closed.
struct WasmCapabilities {
  bool args = true;
  bool env = true;
  bool standard_input = true;   // key "stdin"
  bool standard_output = true;  // key "stdout"
  bool standard_error = true;   // key "stderr"
  bool clocks = true;
  bool random = true;
};

// [runtimes.wasm]: one switch for each proposal that a module may use. Those that are off are the
// ones whose implementation is young or costs the host more than it gives most modules.
struct WasmFeatures {
  bool bulk_memory = true;
  bool reference_types = true;
  bool simd = true;
  bool relaxed_simd = true;  // its deterministic form
  bool multi_memory = true;
  bool memory64 = true;
  bool tail_calls = true;
  bool component_model = true;
  bool threads = false;
  bool exceptions = false;
  bool gc = false;
};

enum class WasmCompiler : std::uint8_t { kAuto, kCranelift, kWinch };

// How a computing module is stopped at its deadline. kEpoch: its code looks at a counter in every
// loop and call, so its backtrace is told and a warm worker lives on; costs about an eighth of the
// speed of tight loops. kKill: the worker ends its own process. kAuto: kEpoch in warm workers.
enum class WasmInterruption : std::uint8_t { kAuto, kEpoch, kKill };

// [runtimes.wasm]
struct WasmSettings {
  bool wasi_enabled = true;
  std::uint64_t max_memory_pages = 4096;         // of 64 KiB each, of each linear memory
  ByteCount stack_size = ByteCount::kib(512);    // of the guest's own call stack
  std::uint64_t max_table_elements = 1'000'000;  // of each table
  std::uint64_t max_instances = 1000;            // core instances of one program
  std::uint64_t max_tables = 1000;
  std::uint64_t max_memories = 100;
  std::uint64_t fuel = 0;  // instructions, roughly; 0: not counted
  WasmFeatures features;   // keys "allow_bulk_memory", "allow_simd" …
  WasmCapabilities capabilities;
  WasmCompiler compiler = WasmCompiler::kAuto;
  WasmInterruption interruption = WasmInterruption::kAuto;
  bool cache = true;
  std::string cache_dir;  // empty: $XDG_CACHE_HOME/sandpit/wasm, else ~/.cache/sandpit/wasm
  ByteCount cache_max_size = ByteCount::mib(512);
  std::vector<PathGrant> preopens;   // added to the allowed paths, for modules only
  std::vector<std::string> network;  // "HOST:PORT", "10.0.0.0/8:5432", "[::1]:80", "HOST:*"; not
                                     // empty: these and no others
};

// [compile]: the cache of what compile steps made.
struct CompileSettings {
  bool cache = true;
  std::string cache_dir;  // empty: $XDG_CACHE_HOME/sandpit/compile, else ~/.cache/sandpit/compile
  ByteCount cache_max_size = ByteCount::mib(1024);
  bool share_between_domains = false;  // one trust domain may get what another one's run compiled
};

struct Settings {
  GeneralSettings general;
  Limits limits;
  SecuritySettings security;
  std::map<std::string, RuntimeSettings> runtimes;
  std::map<std::string, std::string> extensions;  // "pyw" -> "python", without the dot
  WasmSettings wasm;
  CompileSettings compile;
};

// Where one effective value came from, for `sandpit config show`.
struct ConfigEntry {
  std::string key;     // "resource_limits.timeout_s"
  std::string value;   // as TOML
  std::string layer;   // "default", "system", "user", "project", "profile NAME"
  std::string origin;  // "file:line", empty for built-in values
  std::string where;   // the same as "file:line:column"
};

// Which files to read. The defaults are the command line's; a library user who wants no file at all
// calls Config::defaults().
struct ConfigSources {
  std::string system_file = "/etc/sandpit/sandbox.toml";
  std::string user_file;  // empty: $XDG_CONFIG_HOME/sandpit/sandbox.toml, else
                          // ~/.config/sandpit/sandbox.toml
  std::optional<std::string>
      named_file;  // --config: takes the project layer's place and is trusted
  std::string project_dir =
      ".";  // looked in for sandbox.toml, else config/sandbox.toml; such a file can only tighten
  std::string profile;     // empty: general.default_profile
  std::string trust_file;  // empty: $XDG_STATE_HOME/sandpit/trusted.toml, else ~/.local/state/…
};

class SANDPIT_API Config {
 public:
  // Built-in defaults and the profile `production`, no file read.
  [[nodiscard]] static Config defaults();
  // All layers. Error kUsage, with every problem in it, when any file or value is bad.
  [[nodiscard]] static Result<Config> load(const ConfigSources& sources);

  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] Settings& settings() {
    return settings_;
  }  // a library user may change values in code
  [[nodiscard]] const std::vector<ConfigEntry>& entries() const { return entries_; }
  // One sentence each: keys ignored because the project file is not trusted, limits lowered to fit
  // others.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  friend class ConfigBuilder;
  Settings settings_;
  std::vector<ConfigEntry> entries_;
  std::vector<std::string> warnings_;
};

}  // namespace sandpit
