#include "runtime/interpreter.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "runtime/read_head.h"

namespace sandpit {
namespace {

namespace fs = std::filesystem;

// As many links as the kernel follows (path_resolution(7)).
constexpr int kMostLinks = 40;

constexpr std::size_t kMostVersionFile = 4096;

bool is_executable_file(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string parent_of(const std::string& path) { return fs::path(path).parent_path().string(); }

std::string name_of(const std::string& path) { return fs::path(path).filename().string(); }

// A version manager's stand-in: a small script in a directory named shims (pyenv, rbenv, nodenv,
// asdf).
bool is_shim(const std::string& path) {
  if (name_of(parent_of(path)) != "shims") return false;
  return read_head(path, 2) == "#!";
}

// The versions that the user chose for this manager, best first: ~/.pyenv -> $PYENV_VERSION, then
// ~/.pyenv/version.
std::vector<std::string> chosen_versions(const std::string& root, const LookupContext& context) {
  std::string variable = name_of(root);
  std::erase(variable, '.');
  std::transform(variable.begin(), variable.end(), variable.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  variable += "_VERSION";
  for (const auto& [name, value] : context.environment) {
    if (name == variable && !value.empty()) return split(value, ':');
  }
  std::vector<std::string> versions;
  for (std::string& line : split(read_head(root + "/version", kMostVersionFile), '\n')) {
    line.erase(std::find_if(line.begin(), line.end(),
                            [](unsigned char c) { return std::isspace(c) != 0 || c == '#'; }),
               line.end());
    if (!line.empty()) versions.push_back(std::move(line));
  }
  return versions;
}

// "3.11" as "3.11.10" rather than "3.11.9": numbers compare as numbers.
bool version_less(std::string_view a, std::string_view b) {
  const std::vector<std::string> left = split(a, '.');
  const std::vector<std::string> right = split(b, '.');
  return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end(),
                                      [](const std::string& x, const std::string& y) {
                                        return x.size() != y.size() ? x.size() < y.size() : x < y;
                                      });
}

std::string installed_version(const std::string& root, const std::string& wanted) {
  std::error_code error;
  if (fs::is_directory(root + "/versions/" + wanted, error)) return wanted;
  std::string best;
  for (const fs::directory_entry& entry : fs::directory_iterator(root + "/versions", error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(wanted + ".") && (best.empty() || version_less(best, name))) best = name;
  }
  return best;
}

// What a shim stands for; empty: nothing chosen, look further along PATH ("system").
std::string behind_shim(const std::string& shim, const LookupContext& context) {
  const std::string root = parent_of(parent_of(shim));
  for (const std::string& wanted : chosen_versions(root, context)) {
    if (wanted == "system" || wanted.find('/') != std::string::npos) continue;
    const std::string version = installed_version(root, wanted);
    const std::string candidate =
        fmt::format("{}/versions/{}/bin/{}", root, version, name_of(shim));
    if (!version.empty() && is_executable_file(candidate)) return candidate;
  }
  return {};
}

std::string variable_of(const LookupContext& context, std::string_view name) {
  for (const auto& [key, value] : context.environment) {
    if (key == name) return value;
  }
  return {};
}

// ~/.cargo/bin/NAME is rustup, which starts the chosen tool chain's NAME: $RUSTUP_TOOLCHAIN, else
// default_toolchain in ~/.rustup/settings.toml.
std::string behind_rustup(const std::string& name, const LookupContext& context) {
  std::string home = variable_of(context, "RUSTUP_HOME");
  if (home.empty()) home = context.home + "/.rustup";
  std::string toolchain = variable_of(context, "RUSTUP_TOOLCHAIN");
  if (toolchain.empty()) {
    constexpr std::string_view kKey = "default_toolchain = \"";
    const std::string settings = read_head(home + "/settings.toml", kMostVersionFile);
    const std::size_t at = settings.find(kKey);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + kKey.size();
    toolchain = settings.substr(begin, settings.find('"', begin) - begin);
  }
  if (toolchain.empty() || toolchain.find('/') != std::string::npos) return {};
  std::string program = fmt::format("{}/toolchains/{}/bin/{}", home, toolchain, name);
  return is_executable_file(program) ? program : std::string{};
}

// The candidate itself, or the file behind it when it is a shim. Empty when it is of no use.
std::string usable(const std::string& candidate, const LookupContext& context) {
  if (!is_executable_file(candidate)) return {};
  if (name_of(candidate) != "rustup" && name_of(real_path(candidate)) == "rustup") {
    return behind_rustup(name_of(candidate), context);
  }
  return is_shim(candidate) ? behind_shim(candidate, context) : candidate;
}

std::string absolute(std::string_view path, const LookupContext& context) {
  if (path.starts_with('/')) return std::string(path);
  if (path.starts_with("~/")) return context.home + std::string(path.substr(1));
  return (fs::path(context.cwd) / path).lexically_normal().string();
}

std::string look_up(std::string_view name, const LookupContext& context) {
  if (name.find('/') != std::string_view::npos) return usable(absolute(name, context), context);
  std::vector<std::string> directories = context.first;
  for (std::string& directory : split(context.path, ':')) {
    // An empty entry means the current directory (environ(7)), where an untrusted program may lie.
    if (directory.starts_with('/')) directories.push_back(std::move(directory));
  }
  for (const std::string& directory : directories) {
    std::string found = usable(fmt::format("{}/{}", directory, name), context);
    if (!found.empty()) return found;
  }
  return {};
}

bool is_below(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

bool is_home(const std::string& directory, const LookupContext& context) {
  return !directory.empty() && (directory == context.home || directory == real_path(context.home) ||
                                directory == "/root" || parent_of(directory) == "/home");
}

// Directories that hold other people's, or the user's own, things beside the tool chain.
bool is_too_wide(const std::string& directory, const LookupContext& context) {
  static constexpr std::array<std::string_view, 17> kShared = {
      "",     "/",    "/home", "/opt", "/srv",     "/tmp",  "/var",   "/var/tmp", "/etc",
      "/mnt", "/run", "/dev",  "/sys", "/var/lib", "/boot", "/media", "/proc"};
  if (std::find(kShared.begin(), kShared.end(), directory) != kShared.end()) return true;
  return is_home(directory, context) || is_below(context.home, directory) ||
         is_below(real_path(context.home), directory);
}

// ~/.cargo, ~/.local and their like hold credentials and keyrings beside their bin. What lies
// deeper (~/.nvm/versions/…) is a tool chain.
bool may_hold_secrets(const std::string& directory, const LookupContext& context) {
  return name_of(directory).starts_with('.') && is_home(parent_of(directory), context);
}

}  // namespace

LookupContext LookupContext::of_this_process() {
  LookupContext context;
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): we never call setenv
    return std::string(value != nullptr ? value : "");
  };
  context.path = variable("PATH");
  context.home = variable("HOME");
  while (context.home.size() > 1 && context.home.ends_with('/')) context.home.pop_back();
  for (const char* name :
       {"PYENV_VERSION", "RBENV_VERSION", "NODENV_VERSION", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"}) {
    context.environment.emplace_back(name, variable(name));
  }
  std::error_code error;
  context.cwd = fs::current_path(error).string();
  return context;
}

std::string real_path(const std::string& path) {
  if (path.empty()) return {};
  std::array<char, PATH_MAX> resolved{};
  return ::realpath(path.c_str(), resolved.data()) != nullptr ? std::string(resolved.data())
                                                              : std::string();
}

bool is_below_usr(std::string_view path) {
  if (is_below(path, "/usr")) return true;
  for (const std::string_view merged : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    if (is_below(path, merged)) return true;
  }
  return false;
}

std::vector<std::string> toolchain_trees(const std::string& real, const LookupContext& context) {
  if (is_below_usr(real)) return {};
  const std::string directory = parent_of(real);
  const std::string last = name_of(directory);
  const bool in_prefix = last == "bin" || last == "sbin" || last == "libexec";
  // ~/bin is the user's collection of everything: where its prefix is too wide, not even the
  // directory is shown.
  std::string tree = in_prefix ? parent_of(directory) : directory;
  if (is_too_wide(tree, context) || may_hold_secrets(tree, context)) return {real};
  return {std::move(tree)};
}

std::optional<FoundProgram> find_interpreter(std::string_view name, const LookupContext& context,
                                             std::string_view environment_marker) {
  FoundProgram program;
  program.path = look_up(name, context);
  program.real = real_path(program.path);
  if (program.real.empty()) return std::nullopt;
  program.trees = toolchain_trees(program.real, context);

  const std::string environment = parent_of(parent_of(program.path));
  std::error_code error;
  const bool marked = !environment_marker.empty() && !is_too_wide(environment, context) &&
                      fs::exists(fmt::format("{}/{}", environment, environment_marker), error);
  if (marked) {
    if (!is_below_usr(program.path)) program.trees.push_back(environment);
  } else {
    program.path = visible_name(program.path, program.real, program.trees);
  }
  std::sort(program.trees.begin(), program.trees.end());
  program.trees.erase(std::unique(program.trees.begin(), program.trees.end()), program.trees.end());
  return program;
}

std::string visible_name(const std::string& path, const std::string& real,
                         const std::vector<std::string>& trees) {
  std::string name = path;
  for (int links = 0; links < kMostLinks; ++links) {
    const bool visible = is_below_usr(name) || name.starts_with("/etc/alternatives/") ||
                         std::any_of(trees.begin(), trees.end(), [&](const std::string& tree) {
                           return name == tree || is_below(name, tree);
                         });
    if (!visible) return real;
    std::error_code error;
    const fs::path target = fs::read_symlink(name, error);
    if (error) return path;
    name = (fs::path(name).parent_path() / target).lexically_normal().string();
  }
  return real;
}

std::optional<std::string> find_in_path(std::string_view name, const LookupContext& context) {
  if (name.find('/') != std::string_view::npos) {
    std::string path = usable(absolute(name, context), context);
    return path.empty() ? std::nullopt : std::optional(std::move(path));
  }
  for (const std::string& directory :
       split(context.path.empty() ? "/usr/local/bin:/usr/bin:/bin" : context.path, ':')) {
    std::string path = fmt::format("{}/{}", directory.empty() ? context.cwd : directory, name);
    path = usable(path, context);
    if (!path.empty()) return path;
  }
  return std::nullopt;
}

}  // namespace sandpit
