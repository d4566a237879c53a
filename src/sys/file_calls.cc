#include "sys/file_calls.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace sandpit::sys {
namespace {

using enum FileIntent;
constexpr int kNone = FileCall::kNone;

constexpr std::array kCalls = {
    FileCall{"access", kAccess, kNone, 0, 1},
    FileCall{"chdir", kEnter},
    FileCall{"chmod", kChange},
    FileCall{"chown", kChange},
    FileCall{"creat", kMakeOpen},
    FileCall{"execve", kExecute},
    FileCall{"execveat", kExecute, 0, 1, 4},
    FileCall{"faccessat", kAccess, 0, 1, 2},
    FileCall{"faccessat2", kAccess, 0, 1, 2},
    FileCall{"fchmodat", kChange, 0, 1},
    FileCall{"fchmodat2", kChange, 0, 1, 3},
    FileCall{"fchownat", kChange, 0, 1, 4},
    FileCall{"futimesat", kChange, 0, 1},
    FileCall{"lchown", kChange, kNone, 0, kNone, true},
    FileCall{"link", kLook, kNone, 0, kNone, true},
    FileCall{"link", kCreate, kNone, 1, kNone, true},
    FileCall{"linkat", kLook, 0, 1, kNone, true},
    FileCall{"linkat", kCreate, 2, 3, kNone, true},
    FileCall{"lstat", kLook, kNone, 0, kNone, true},
    FileCall{"mkdir", kCreate, kNone, 0, kNone, true},
    FileCall{"mkdirat", kCreate, 0, 1, kNone, true},
    FileCall{"mknod", kCreate, kNone, 0, kNone, true},
    FileCall{"mknodat", kCreate, 0, 1, kNone, true},
    FileCall{"newfstatat", kLook, 0, 1, 3},
    FileCall{"open", kOpen, kNone, 0, 1},
    FileCall{"openat", kOpen, 0, 1, 2},
    FileCall{"openat2", kOpenHow, 0, 1, 2},
    FileCall{"readlink", kLook, kNone, 0, kNone, true},
    FileCall{"readlinkat", kLook, 0, 1, kNone, true},
    FileCall{"rename", kRemove, kNone, 0, kNone, true},
    FileCall{"rename", kCreate, kNone, 1, kNone, true},
    FileCall{"renameat", kRemove, 0, 1, kNone, true},
    FileCall{"renameat", kCreate, 2, 3, kNone, true},
    FileCall{"renameat2", kRemove, 0, 1, kNone, true},
    FileCall{"renameat2", kCreate, 2, 3, kNone, true},
    FileCall{"rmdir", kRemove, kNone, 0, kNone, true},
    FileCall{"stat", kLook},
    FileCall{"statfs", kLook},
    FileCall{"statx", kLook, 0, 1, 2},
    FileCall{"symlink", kCreate, kNone, 1, kNone, true},
    FileCall{"symlinkat", kCreate, 1, 2, kNone, true},
    FileCall{"truncate", kWrite},
    FileCall{"unlink", kRemove, kNone, 0, kNone, true},
    FileCall{"unlinkat", kRemove, 0, 1, kNone, true},
    FileCall{"utime", kChange},
    FileCall{"utimensat", kChange, 0, 1, 3},
    FileCall{"utimes", kChange},
};
static_assert(std::ranges::is_sorted(kCalls, {}, &FileCall::name));

}  // namespace

std::span<const FileCall> file_calls(std::string_view name) {
  const auto found = std::ranges::equal_range(kCalls, name, {}, &FileCall::name);
  return {found.begin(), found.end()};
}

}  // namespace sandpit::sys
