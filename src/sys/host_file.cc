#include "sys/host_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace sandpit::sys {
namespace {

constexpr int kMostLinks = 40;  // as the kernel has it (path_resolution(7))

bool is_of_elsewhere(std::string_view type) {
  static constexpr std::string_view kTypes[] = {"afs",    "autofs", "ceph", "cifs",
                                                "coda",   "nfs",    "nfs4", "glusterfs",
                                                "lustre", "smb3",   "smbfs"};
  return type.starts_with("fuse") || std::ranges::find(kTypes, type) != std::end(kTypes);
}

// "\040" for a space: proc_pid_mountinfo(5).
std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      const int value = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
      result += static_cast<char>(value);
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::set<std::string> mounts_of_elsewhere() {
  std::set<std::string> places;
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    std::string skipped;
    std::string place;
    words >> skipped >> skipped >> skipped >> skipped >> place;
    const std::size_t rest = line.find(" - ");
    if (rest == std::string::npos) continue;
    const std::string_view type =
        std::string_view(line).substr(rest + 3, line.find(' ', rest + 3) - rest - 3);
    if (place != "/" && is_of_elsewhere(type)) places.insert(unescaped(place));
  }
  return places;
}

// The names still to go, the next one last.
void push_names(std::string_view path, std::vector<std::string>& names) {
  for (std::size_t end = path.size(); end > 0;) {
    const std::size_t slash = path.rfind('/', end - 1);
    const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
    if (const std::string_view name = path.substr(begin, end - begin); !name.empty()) {
      names.emplace_back(name);
    }
    end = begin == 0 ? 0 : begin - 1;
  }
}

UniqueFd open_name(const UniqueFd& directory, const char* name) {
  return UniqueFd(::openat(directory.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

std::optional<std::string> read_link(const UniqueFd& link) {
  std::string target(PATH_MAX, '\0');
  const ssize_t n = ::readlinkat(link.get(), "", target.data(), target.size());
  if (n <= 0 || static_cast<std::size_t>(n) == target.size()) return std::nullopt;
  target.resize(static_cast<std::size_t>(n));
  return target;
}

}  // namespace

std::optional<HostFile> find_host_file(const std::string& path) {
  if (!path.starts_with('/') || path.size() >= PATH_MAX) return std::nullopt;
  const std::set<std::string> elsewhere = mounts_of_elsewhere();
  std::vector<std::string> names;
  push_names(path, names);
  HostFile file{.path = {}, .mode = S_IFDIR};
  UniqueFd place(::open("/", O_PATH | O_CLOEXEC));
  for (int links = 0; place.valid() && !names.empty();) {
    const std::string name = std::move(names.back());
    names.pop_back();
    if (name == ".") continue;
    std::string next =
        name == ".." ? file.path.substr(0, file.path.rfind('/') + 1) : file.path + "/" + name;
    if (name == ".." && !next.empty()) next.pop_back();
    if (elsewhere.contains(next)) return std::nullopt;
    UniqueFd there = open_name(place, name.c_str());
    struct stat status{};
    if (!there.valid() || ::fstat(there.get(), &status) != 0) return std::nullopt;
    if (S_ISLNK(status.st_mode)) {
      const auto target = read_link(there);
      if (!target || ++links > kMostLinks) return std::nullopt;
      push_names(*target, names);
      if (!target->starts_with('/')) continue;
      file = {.path = {}, .mode = S_IFDIR};
      place = UniqueFd(::open("/", O_PATH | O_CLOEXEC));
      continue;
    }
    place = std::move(there);
    file = {.path = std::move(next), .mode = status.st_mode};
  }
  if (!place.valid()) return std::nullopt;
  if (file.path.empty()) file.path = "/";
  return file;
}

}  // namespace sandpit::sys
