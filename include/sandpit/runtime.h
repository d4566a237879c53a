// The plug-in interface for language runtimes, and their registry. Public.
// Most runtimes are manifests (runtimes/<id>/runtime.toml); a C++ program may add classes of its
// own:
//
//   registry.add(std::make_unique<MyRuntime>());
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/export.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"

namespace sandpit {

enum class Severity : std::uint8_t { kInfo, kWarning, kError };

struct LintFinding {
  std::string rule;  // id, e.g. "binary-source"
  Severity severity = Severity::kWarning;
  std::string message;
  unsigned line = 0;  // 1-based, 0 when it concerns the whole file
  unsigned column = 0;
  // Of findings with a place: where it ends (the column behind it), and the source around it.
  unsigned end_line = 0;
  unsigned end_column = 0;
  std::string excerpt;          // bytes of line `line`, as they are in the file
  unsigned excerpt_column = 0;  // the column of its first byte
};
using LintReport = std::vector<LintFinding>;

// How a run of this step may start warm: from an interpreter that has started already, in a jail,
// and waits where it would open its program.
struct WarmStart {
  std::string prelude;    // of the host: what that interpreter runs, copied into its work directory
  std::string rehearsal;  // of the host, likewise: a program that it runs once before the others
  std::vector<std::string> argv;
  std::vector<std::string> env;   // "K=V", besides that of the step
  std::string trigger;            // inside; the interpreter is ready when it opens this
  std::string source;             // the program, inside
  std::vector<std::string> args;  // its own
  // The last words of `argv` hold the places of `args`, one for each: they are put there before the
  // interpreter looks. Else its prelude reads them.
  bool args_in_argv = false;
  friend bool operator==(const WarmStart&, const WarmStart&) = default;
};

// One command to run in the jail, as the runtime wants it.
struct Step {
  std::vector<std::string> argv;  // argv[0] is an absolute path inside the jail
  std::vector<std::string> env;   // "K=V", added to PATH, HOME, LANG, TMPDIR, TZ
  std::vector<std::string>
      read_only_paths;  // of the host, absolute, visible read-only at the same path (besides /usr)
  std::vector<PathGrant> packages;  // the user's packages_dir or modules_dir, read-only, where this
                                    // runtime imports from
  std::string syscall_profile;      // "interpreter", "native", …
  std::uint32_t helper_tasks = 0;   // threads and processes that the interpreter itself needs
  std::uint32_t helper_files = 0;   // descriptors that the interpreter itself needs
  bool executable_work_dir = false;  // may files made in the work directory and /tmp be executed?
  // Not empty: a directory of the host, visible read-only at /warm. It may not be there yet when
  // the plan is made.
  std::string warm_dir;
  // The jail's root holds read_only_paths, the work directory, /tmp and what was granted; no /usr,
  // /etc, /dev or /proc.
  bool bare_root = false;
  std::string program;  // not empty: a file of the host that is visible, read-only, as argv[0]
  std::string engine = "jail";  // "wasm": argv[0] is the wasm worker, which gets the source as a
                                // descriptor
  // Of a compile step: what leaves its jail, relative to the work directory; directories are taken
  // whole. The run step finds it in its own work directory.
  std::vector<std::string> outputs;
  std::optional<WarmStart> warm;  // none: always cold
  std::string identity;  // of a compile step: the compiler, as far as it can be told without
                         // running it; the cache's key holds it
};

// What a runtime answers to a request: where the source goes, and what to run.
struct Steps {
  std::string source_name;  // file name of the source in the work directory; empty: no source file
  bool source_executable = false;  // the source file gets mode 0755 (native)
  std::optional<Step> compile;
  std::optional<Step>
      warm;                 // makes what the compile step finds at /warm; the same for every source
  bool keep_source = true;  // the run step's work directory holds the source, too
  Step run;
};

// What the runtime knows of the source when it makes its steps.
struct SourceInfo {
  std::string
      name;  // the user's own file name, without directories; may hold any byte but '/' and NUL
  std::string head;  // its first bytes, at most 4096: a "#!" line may choose between interpreters
  std::vector<std::string> others;  // the other files, relative to the work directory
  Limits limits;                    // of this run: an interpreter may size its heap by them
};

enum class RuntimeState : std::uint8_t { kReady, kNotInstalled, kNotBuilt };

struct RuntimeInfo {
  std::string name;
  std::string display_name;
  std::vector<std::string> extensions;  // without the dot
  std::string engine;
  RuntimeState state = RuntimeState::kNotInstalled;
  std::string version;          // as the interpreter itself says; empty when not asked or not found
  std::string interpreter;      // absolute host path that was found
  std::string install_hint;     // the command that installs it
  std::string compiler;         // absolute host path; empty when there is no compile step
  std::string syscall_profile;  // of the run step, without the configuration's own choice
  std::string compile_profile;  // of the compile step; empty when there is none
  unsigned tier = 2;            // 1: must pass every conformance program
  std::vector<std::string> aliases;
  std::vector<std::string> versions;
  std::string origin;  // manifest file
};

class SANDPIT_API Runtime {
 public:
  Runtime() = default;
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  virtual ~Runtime() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual std::vector<std::string> extensions() const = 0;
  // Interpreter names of a "#!" line, without directories ("python3", "node").
  [[nodiscard]] virtual std::vector<std::string> shebangs() const { return {}; }
  // Other names for `--runtime`.
  [[nodiscard]] virtual std::vector<std::string> aliases() const { return {}; }
  // The versions that "NAME@VERSION" may ask for.
  [[nodiscard]] virtual std::vector<std::string> versions() const { return {}; }
  // What this runtime needs where the configuration leaves the built-in value.
  [[nodiscard]] virtual LimitOverrides default_limits() const { return {}; }
  // Is this source text, by its first bytes, one of ours (ELF, wasm)? `head` is at most 4096 bytes.
  [[nodiscard]] virtual bool recognises(std::string_view /*head*/) const { return false; }
  // Looks the interpreter up on this host; runs it once for its version when `with_version`.
  enum class Probe : std::uint8_t { kPathOnly, kWithVersion };
  [[nodiscard]] virtual RuntimeInfo info(const RuntimeSettings& settings, Probe probe) const = 0;
  [[nodiscard]] virtual LintReport lint(std::string_view source) const = 0;
  // The steps for this request. Error kNoRuntime (with the install hint) when the interpreter is
  // missing.
  [[nodiscard]] virtual Result<Steps> plan(const Request& request, const SourceInfo& source,
                                           const Settings& settings) const = 0;
};

class SANDPIT_API RuntimeRegistry {
 public:
  // A later runtime of the same name replaces the earlier one.
  void add(std::unique_ptr<Runtime> runtime);
  // By name or alias; what follows an '@' is a version, which is not looked at.
  [[nodiscard]] const Runtime* find(std::string_view name) const;
  // By the extension map of the configuration, the runtimes' extensions, the shebang line or magic
  // bytes in `head`; the one that was added last where several fit. Error kNoRuntime when none
  // does.
  [[nodiscard]] Result<const Runtime*> for_source(std::string_view file_name, std::string_view head,
                                                  const Settings& settings) const;
  [[nodiscard]] std::vector<const Runtime*> all() const;  // ordered by name

 private:
  std::vector<std::unique_ptr<Runtime>> runtimes_;
};

// Adds the runtimes that are no manifests: wasm.
SANDPIT_API void add_builtin_runtimes(RuntimeRegistry& registry);

// Reads `<dir>/*/runtime.toml` of each directory, in order, into the registry. Bad manifests are
// returned as errors with file:line and do not stop the others; a missing directory is no error.
// Two of one directory that want the same extension are reported too; both are added.
[[nodiscard]] SANDPIT_API std::vector<Error> load_manifests(
    RuntimeRegistry& registry, const std::vector<std::string>& directories);

}  // namespace sandpit
