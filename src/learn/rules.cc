#include "learn/rules.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/result.h"
#include "base/utf8.h"
#include "egress/address.h"
#include "egress/rules.h"
#include "learn/need.h"
#include "policy/inside_path.h"
#include "sandpit/error.h"

namespace sandpit::learn {
namespace {

constexpr std::string_view kSecretNames[] = {
    ".aws",    ".azure",   ".bash_history", ".docker",      ".env",         ".git-credentials",
    ".gnupg",  ".kube",    ".mozilla",      ".netrc",       ".npmrc",       ".password-store",
    ".pgpass", ".pypirc",  ".ssh",          ".thunderbird", ".vault-token", "gshadow",
    "id_dsa",  "id_ecdsa", "id_ed25519",    "id_rsa",       "master.key",   "shadow",
    "shadow-", "gshadow-", "sudoers",       "sudoers.d"};
constexpr std::string_view kSecretEndings[] = {".gpg",  ".jks", ".kdbx", ".key", ".keystore",
                                               ".ovpn", ".p12", ".pem",  ".pfx"};
// Trees that are the system's own business, or the kernel's.
constexpr std::string_view kSystemTrees[] = {
    "/boot", "/dev", "/etc/ssh", "/etc/ssl/private", "/proc",
    "/run",  "/sys", "/var/run", "/var/lib/docker"};
// Nothing is to be written there for a program that nobody trusts.
constexpr std::string_view kNeverWritten[] = {"/bin",  "/boot", "/etc",     "/lib",
                                              "/sbin", "/usr",  "/var/lib", "/var/spool"};
constexpr int kMostEntries = 4096;
constexpr const char* kNothing = "nothing was to be granted";

// "SERVER.PEM" holds a key as well, and some file systems tell no case.
std::string lower(std::string_view name) {
  std::string text(name);
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

bool is_secret_name(std::string_view as_written) {
  const std::string name = lower(as_written);
  if (std::ranges::find(kSecretNames, name) != std::end(kSecretNames)) return true;
  if (name.starts_with(".env.")) return true;
  return std::ranges::any_of(kSecretEndings,
                             [&](std::string_view ending) { return name.ends_with(ending); });
}

std::vector<std::string> homes(const std::string& home) {
  std::vector<std::string> found = {"/root"};
  if (home.starts_with('/') && home != "/") found.push_back(home);
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/home", error), end; !error && entry != end;
       entry.increment(error)) {
    found.push_back(entry->path().string());
  }
  // Some hosts have links in their place (/home -> /var/home), and what is asked for has none.
  for (std::string& owner : found) {
    const auto real = std::filesystem::canonical(owner, error);
    if (!error && real != "/") owner = real.string();
  }
  return found;
}

// The first name below `directory`.
std::string_view first_name(std::string_view path, std::string_view directory) {
  if (path.size() <= directory.size()) return {};
  const std::string_view rest = path.substr(directory.size() + 1);
  return rest.substr(0, rest.find('/'));
}

// A directory is granted with all that is in it, and who listens on a socket there answers whoever
// reaches it (an agent of keys, a terminal): reading is enough to connect.
std::string secret_inside(const std::string& directory) {
  std::error_code error;
  using std::filesystem::directory_options;
  std::filesystem::recursive_directory_iterator entry(
      directory, directory_options::skip_permission_denied, error);
  const std::filesystem::recursive_directory_iterator end;
  for (int count = 0; !error && entry != end; entry.increment(error)) {
    if (++count > kMostEntries) return "it holds too many files to look through";
    const std::string name = entry->path().filename().string();
    if (is_secret_name(name)) return fmt::format("it holds {}", printable(name));
    std::error_code unknown;
    if (std::filesystem::is_socket(entry->symlink_status(unknown))) {
      return fmt::format("it holds a socket, {}", printable(name));
    }
  }
  return error ? "it can't be looked through" : std::string();
}

std::string why_not_read(const Need& need, const Rules& rules) {
  const bool below = !rules.here.empty() && is_within(need.grant.host, rules.here);
  if (below || rules.read) return {};
  return "it lies outside the current directory: --allow read";
}

std::string why_not_written(const Need& need, const Rules& rules) {
  for (const std::string_view tree : kNeverWritten) {
    if (is_within(need.grant.host, tree)) return "the system's own";
  }
  return rules.write ? "" : "a program that nobody has reviewed would change it: --allow write";
}

std::string why_no_path(const Need& need, const Rules& rules) {
  if (need.grant.host.empty()) return "it can't be found any more";
  if (printable(need.grant.host) != need.grant.host || !is_valid_utf8(need.grant.host) ||
      printable(need.grant.inside) != need.grant.inside) {
    return "its name is not one that can be reviewed";
  }
  if (std::string why = why_sensitive(need.grant.host, rules.home); !why.empty()) return why;
  if (std::string why = why_sensitive(need.grant.inside, rules.home); !why.empty()) return why;
  std::string why =
      need.kind == NeedKind::kWrite ? why_not_written(need, rules) : why_not_read(need, rules);
  if (!why.empty()) return why;
  struct stat status{};
  if (::stat(need.grant.host.c_str(), &status) != 0) return "it can't be found any more";
  return S_ISDIR(status.st_mode) ? secret_inside(need.grant.host) : std::string();
}

std::string why_no_limit(const Need& need, const Rules& rules) {
  if (!rules.unasked) return kNothing;
  constexpr std::uint64_t kMostSeconds = 60;
  constexpr std::uint64_t kMostProcesses = 1024;
  constexpr std::uint64_t kMostInodes = std::uint64_t{1} << 20U;
  constexpr std::uint64_t kMostOutput = std::uint64_t{1} << 20U;  // KiB
  std::uint64_t most = kMostSeconds;
  if (need.name == "memory_limit_mb" || need.name == "max_disk_mb") most = rules.most_memory_mib;
  if (need.name == "max_processes") most = kMostProcesses;
  if (need.name == "max_inodes") most = kMostInodes;
  if (need.name == "max_output_kb") most = kMostOutput;
  return need.value <= most ? "" : fmt::format("learn raises it to {} at most", most);
}

// Where clouds hand out the machine's own credentials.
bool is_metadata(std::string_view host) {
  return host.starts_with("169.254.") || host.starts_with("[fd00:ec2::254]") ||
         host.starts_with("metadata.");
}

// This host, its networks, or what can't be told. What serves there often asks nobody who it is
// that comes; the program says what it likes to the proxy, which tells us.
bool is_not_public(std::string_view host) {
  constexpr std::uint16_t kAnyPort = 1;
  const auto asked = egress::parse_authority(host, kAnyPort);
  if (!asked) return true;
  const auto address = egress::Address::parse(asked->host);
  return address && egress::is_special(*address);
}

}  // namespace

Result<void> set_allowed(std::string_view words, Rules& rules) {
  if (words == "none") {
    rules.here.clear();
    rules.unasked = false;
    return {};
  }
  for (std::size_t begin = 0; begin <= words.size();) {
    const std::size_t end = std::min(words.find(',', begin), words.size());
    const std::string_view word = words.substr(begin, end - begin);
    if (word == "read") {
      rules.read = true;
    } else if (word == "write") {
      rules.write = true;
    } else if (word == "net") {
      rules.net = true;
    } else if (word == "syscalls") {
      rules.syscalls = true;
    } else {
      return fail({.code = ErrorCode::kUsage,
                   .message = fmt::format("\"{}\" is nothing to allow", printable(word)),
                   .where = {},
                   .hint = "read, write, net, syscalls, joined by commas; or none"});
    }
    begin = end + 1;
  }
  return {};
}

std::string why_sensitive(const std::string& path, const std::string& home) {
  if (path == "/") return "it is all of this host";
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (is_secret_name(std::string_view(path).substr(begin, end - begin))) {
      return "it may hold keys or passwords";
    }
    begin = end + 1;
  }
  for (const std::string_view tree : kSystemTrees) {
    if (is_within(path, tree) || is_within(tree, path)) return "the system's own";
  }
  for (const std::string& owner : homes(home)) {
    if (is_within(owner, path)) return "a home directory is in it";
    if (is_within(path, owner) && first_name(path, owner).starts_with('.')) {
      return "it is private to a home directory";
    }
  }
  return {};
}

std::string why_refused(const Need& need, const Rules& rules) {
  switch (need.kind) {
    case NeedKind::kLimit:
      return why_no_limit(need, rules);
    case NeedKind::kRead:
    case NeedKind::kWrite:
      return why_no_path(need, rules);
    case NeedKind::kLoopback:
      return rules.unasked ? "" : kNothing;
    case NeedKind::kHost:
      if (is_metadata(need.name)) return "it may hand out this machine's credentials";
      if (is_not_public(need.name)) return "it is this host, or of a private network";
      return rules.net ? "" : "it could send out what it reads: --allow net";
    case NeedKind::kSyscall:
    case NeedKind::kJit:
      return rules.syscalls ? "" : "it opens more of the kernel: --allow syscalls";
  }
  return "unknown";
}

}  // namespace sandpit::learn
