// The system calls that name a file, and what each asks of it: what a trace of file accesses hears
// of. A call that names two files has two rows.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sandpit::sys {

enum class FileIntent : std::uint8_t {
  kOpen,      // as its flags say
  kOpenHow,   // as the flags in its struct open_how say
  kMakeOpen,  // creat(2)
  kLook,      // is it there, and what is it
  kAccess,    // as its mode says
  kExecute,
  kEnter,   // as the working directory
  kCreate,  // a new name
  kRemove,  // the name
  kWrite,   // the content of a file that is there
  kChange,  // its attributes
};

struct FileCall {
  static constexpr int kNone = -1;
  std::string_view name;
  FileIntent intent = FileIntent::kLook;
  int directory = kNone;  // the argument whose descriptor relative paths start from; none: the
                          // working directory
  int path = 0;
  int flags = kNone;    // of open, or AT_*; the mode of kAccess, the structure of kOpenHow
  bool itself = false;  // a link is what it is about, not what that leads to
};

// The rows of a call; empty for one that names no file.
[[nodiscard]] std::span<const FileCall> file_calls(std::string_view name);

}  // namespace sandpit::sys
