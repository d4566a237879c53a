// What the host's root directory looks like, as far as a jail copies it. Read once per plan;
// build_plan() is pure beyond it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sandpit/request.h"

namespace sandpit {

struct RootEntry {
  std::string path;  // "/bin"
  std::string link;  // what it links to ("usr/bin"); empty: it is a directory or file of its own
};

struct RootLayout {
  std::vector<RootEntry> system;         // /bin, /sbin, /lib … those that exist
  std::vector<std::string> files;        // of /etc/ld.so.cache …: those that exist
  std::vector<std::string> directories;  // of /etc/alternatives, /etc/ssl/certs …: those that exist
  std::map<std::string, std::string>
      texts;  // of /etc/resolv.conf: its content, for runs in the host's network

  [[nodiscard]] bool has(const std::string& path) const;
  [[nodiscard]] static RootLayout of_this_host(NetworkMode network);
};

}  // namespace sandpit
