// A runtime as data: what one runtimes/<id>/runtime.toml says. Parsed and validated once, at the
// edge. Used by runtime/ only; docs/ lists the keys. Placeholders of `argv` and `env`: see
// kPlaceholders.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sandpit {

struct Manifest {
  std::string id;
  std::string display_name;
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
  std::vector<std::string> read_only_paths;
  // A file beside the interpreter's bin directory that marks a virtual environment ("pyvenv.cfg"):
  // the interpreter is then started by the name it was found under, because it finds its packages
  // by that name.
  std::string environment_marker;
  std::string install;  // the command that installs it

  // Where packages_dir or modules_dir is mounted, and the environment that makes it importable.
  std::string packages_mount;
  std::map<std::string, std::string> packages_env;

  std::vector<std::string> version_argv;
  std::string
      version_after;  // the version is the word after the first occurrence of this in the output

  std::string origin;  // path of the manifest
};

// {interpreter} {source} {work_dir} {packages}: inside a word. {args} {extra_args} {shebang_args}:
// a word of their own, replaced by none, one or several.
inline constexpr std::string_view kWordPlaceholders[] = {"interpreter", "source", "work_dir",
                                                         "packages"};
inline constexpr std::string_view kListPlaceholders[] = {"args", "extra_args", "shebang_args"};

// Error kUsage with every problem in it, each with "file:line:column".
[[nodiscard]] Result<Manifest> parse_manifest(std::string_view text, const std::string& path);

}  // namespace sandpit
