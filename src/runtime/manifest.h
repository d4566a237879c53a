// A runtime as data: what one runtimes/<id>/runtime.toml says. Parsed and validated once, at the
// edge. Used by runtime/ only; docs/ lists the keys. Placeholders of `argv` and `env`: see
// kPlaceholders.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandpit/limits.h"

namespace sandpit {

// What a compiler needs that no user's source changes (a precompiled header, the standard library's
// archives): made once for each compiler, in a jail, and shown read-only at kWarmPath.
struct ManifestWarm {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
};

struct ManifestCompile {
  std::vector<std::string> compilers;  // names or absolute paths, the first that is found
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  std::vector<std::string> outputs;  // relative to the work directory
  bool keep_source = false;
  std::string syscall_profile = "compiler";
  std::uint32_t helper_tasks = 0;
  std::uint32_t helper_files = 0;
  bool executable_work_dir = false;
  std::vector<std::string> read_only_paths;
  std::optional<ManifestWarm> warm;
};

// An interpreter that can be started before its program is known.
struct ManifestTemplate {
  std::string prelude;  // a file beside the manifest, absolute once it is read; empty: none needed
  std::string rehearsal;  // likewise: a program that touches what all programs touch
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  std::string trigger = "/.sandpit/go";  // {source}: the interpreter's own open of its program
  std::string program = "{source}";      // what a run's record says that its program is
  bool once = false;                     // not forked: each process serves one run
  std::vector<std::string> directories;  // of such a process, in its work directory from the start
};

// Modules that a template loads before it is forked.
struct ManifestPreload {
  std::vector<std::string> modules;        // always; the configuration adds its own
  std::map<std::string, std::string> env;  // of every run, cold ones too, where any is loaded
  std::optional<ManifestTemplate> warm;    // in the place of Manifest::warm, where any is
};

struct Manifest {
  std::string id;
  std::string display_name;
  std::vector<std::string> aliases;
  std::uint32_t tier = 2;
  std::vector<std::string> extensions;    // without the dot
  std::vector<std::string> shebangs;      // interpreter names of a "#!" line
  std::vector<std::string> magic;         // first bytes of a source file
  std::vector<std::string> interpreters;  // names or absolute paths, the first that is found;
                                          // empty: the source runs itself
  // A name in the "#!" line that chooses another interpreter ("sh" -> "sh").
  std::map<std::string, std::string> interpreter_for;
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  std::string source_name;  // of a source that came without a name
  bool source_executable = false;
  bool text = true;  // the source is text: lint looks for what is not
  std::string syscall_profile;
  std::uint32_t helper_tasks = 0;
  std::uint32_t helper_files = 0;
  bool executable_work_dir = false;
  std::vector<std::string> read_only_paths;  // glob(7) patterns
  std::vector<std::string> needs;  // the same: not installed where one of them matches nothing
  // A file beside the interpreter's bin directory that marks a virtual environment ("pyvenv.cfg"):
  // the interpreter is then started by the name it was found under, because it finds its packages
  // by that name.
  std::string environment_marker;
  std::string install;  // the command that installs it

  // Where packages_dir or modules_dir is mounted, and the environment that makes it importable.
  std::string packages_mount;
  std::map<std::string, std::string> packages_env;

  std::optional<ManifestCompile> compile;
  std::optional<ManifestTemplate> warm;
  std::optional<ManifestPreload> preload;  // none: this runtime has no preloads
  LimitOverrides limits;                   // where the configuration leaves the built-in value
  // For "ID@VERSION": the interpreter's (or else the compiler's) name.
  std::map<std::string, std::string> versions;

  std::vector<std::string> version_argv;
  std::string
      version_after;  // the version is the word after the first occurrence of this in the output

  std::string origin;            // path of the manifest
  std::string extensions_place;  // file:line:column of `extensions`, where there are any
};

// Where a template's prelude is, inside (plan/template_plan.h).
inline constexpr std::string_view kPreludeDirectory = "/.sandpit";

// Of what serves one run (ManifestTemplate::once): "NAME=1", and "NAME=a,b" with the directories.
inline constexpr std::string_view kOnceVariable = "SANDPIT_ONCE";
inline constexpr std::string_view kDirectoriesVariable = "SANDPIT_DIRECTORIES";

// As a trigger: where java(1) looks for its main class, with the machine started
// (engine/warm/library_java.cc).
inline constexpr std::string_view kJavaTrigger = "java";

// Of a template: the names of modules for its prelude to load, with commas between them.
inline constexpr std::string_view kPreloadVariable = "SANDPIT_PRELOAD";

// Where ManifestWarm's files are, inside.
inline constexpr std::string_view kWarmPath = "/warm";

// These stand inside a word; {memory_mb} is the memory limit in MiB, {memory_mb*60%} a part of it.
// The lists are words of their own, replaced by none, one or several.
inline constexpr std::string_view kWordPlaceholders[] = {
    "interpreter", "compiler", "source", "source_name", "stem",
    "work_dir",    "packages", "warm",   "memory_mb",   "prelude"};
inline constexpr std::string_view kListPlaceholders[] = {"args", "extra_args", "shebang_args",
                                                         "sources"};

// A word of `argv` with white space in it is a script (`sh -c`): its braces are its own. A file's
// name put into it would be code, so it gets names as arguments.
[[nodiscard]] bool is_script(std::string_view word);

// 60 for "memory_mb*60%", 100 for "memory_mb"; empty for anything else.
[[nodiscard]] std::optional<unsigned> memory_percentage(std::string_view placeholder);

// Error kUsage with every problem in it, each with "file:line:column".
[[nodiscard]] Result<Manifest> parse_manifest(std::string_view text, const std::string& path);

}  // namespace sandpit
