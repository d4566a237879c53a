// Finds programs of the host: an interpreter by name, through version managers' shims and symbolic
// links, and the part of the host's files that it needs to run (its tool-chain tree). Used by
// runtime/ and service/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sandpit {

struct FoundProgram {
  std::string path;  // what to start: absolute, visible inside when `trees` and /usr are
  std::string real;  // the file itself, every symbolic link resolved
  std::vector<std::string>
      trees;  // host paths besides /usr that must be visible; directories, or the file alone
};

// The host as the look-up sees it; tests give their own.
struct LookupContext {
  std::vector<std::string> first = {"/usr/local/bin", "/usr/bin", "/bin"};  // before PATH
  std::string path;                                                         // PATH
  std::string home;  // never visible as a whole
  std::string cwd;
  // PYENV_VERSION and the like, which choose a version for a shim.
  std::vector<std::pair<std::string, std::string>> environment;

  [[nodiscard]] static LookupContext of_this_process();
};

// A name without a slash: in `first`, then in PATH. With a slash: that file, relative to cwd. Shims
// of version managers
// (<root>/shims/NAME) are resolved through <root>/version to <root>/versions/V/bin/NAME, or passed
// over. `environment_marker`: see Manifest. Empty when nothing executable is found.
[[nodiscard]] std::optional<FoundProgram> find_interpreter(
    std::string_view name, const LookupContext& context, std::string_view environment_marker = {});

// Like execvp(3): by PATH alone, shims resolved.
[[nodiscard]] std::optional<std::string> find_in_path(std::string_view name,
                                                      const LookupContext& context);

// The tool-chain tree of a real path: dirname(dirname(real)) for PREFIX/bin/NAME, else its
// directory; the file alone where that would show a home directory or a directory shared by
// everything (/, /opt, /tmp …). Nothing below /usr.
[[nodiscard]] std::vector<std::string> toolchain_trees(const std::string& real,
                                                       const LookupContext& context);

// How to name a program inside: by `path` while each link on the way to `real` is visible there
// (programs such as busybox or rustup's go by the name they are started under), else by `real`.
[[nodiscard]] std::string visible_name(const std::string& path, const std::string& real,
                                       const std::vector<std::string>& trees);

// Every symbolic link resolved; empty when the file is missing.
[[nodiscard]] std::string real_path(const std::string& path);

// Is it below /usr, or below /bin, /lib … where those are links to /usr?
[[nodiscard]] bool is_below_usr(std::string_view path);

}  // namespace sandpit
