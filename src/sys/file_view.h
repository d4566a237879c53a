// Files as another process sees them: would it get what it asks for? Looked at from outside, in its
// root and with its ids, and by name only (O_PATH): nothing is opened, no FIFO waits, no device
// wakes up, no automount is set off that its own call would not. The answer is a guess about a call
// that this process does not make: the other one may change what is there meanwhile. Never decide
// anything by it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace sandpit::sys {

struct FileAsk {
  int mode = 0;           // R_OK, W_OK, X_OK together; 0: that it is there
  bool itself = false;    // a link is what it is about
  bool creates = false;   // what is not there is made
  bool new_name = false;  // only the directory matters: what is there is another matter (EEXIST)
  bool removes = false;
  bool content = false;  // what is in it: a directory has none to be written (EISDIR)
  bool truncates = false;
  bool enters = false;   // only a directory will do
  bool changes = false;  // its attributes, which is its owner's to do
};

class FileView {
 public:
  // Of any thread; none when it has gone, or may not be looked at.
  [[nodiscard]] static std::optional<FileView> of(pid_t thread);

  // Where a relative path of this thread starts: its descriptor, or AT_FDCWD. As it sees it;
  // empty when that is no directory of its root.
  [[nodiscard]] static std::string start_of(pid_t thread, int directory);

  // The errno that it would get for this absolute path; 0 when none, or when it can't be told.
  [[nodiscard]] int error_of(const std::string& path, const FileAsk& ask) const;

 private:
  FileView() = default;
  [[nodiscard]] int look(const std::string& path, const FileAsk& ask) const;
  [[nodiscard]] UniqueFd open_parent(std::string_view path) const;
  [[nodiscard]] UniqueFd open(const std::string& path, bool itself) const;

  UniqueFd root_;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  bool other_user_ = false;  // of this process, which can become it for a moment
  std::vector<gid_t> groups_;
};

}  // namespace sandpit::sys
