// Is there such a file on this host? For paths that a stranger named: links are followed by us, one
// name at a time, and what is served from elsewhere (a network file system, FUSE, automounts) is
// not entered, since to look there may take any time, or make this host call another one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace sandpit::sys {

struct HostFile {
  std::string path;  // without links
  mode_t mode = 0;
};

// As this process may see it; none for what is not there, or not on a file system of this host.
[[nodiscard]] std::optional<HostFile> find_host_file(const std::string& path);

}  // namespace sandpit::sys
