#include "supervisor/file_trace.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>  // strerrorname_np
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "plan/plan.h"
#include "policy/inside_path.h"
#include "sandpit/outcome.h"
#include "supervisor/denial_text.h"
#include "sys/file_calls.h"
#include "sys/file_view.h"

namespace sandpit {
namespace {

struct Question {
  std::string_view access;
  sys::FileAsk ask;
};

Question of_open(std::uint64_t flags) {
  Question question{.access = "read", .ask = {.mode = R_OK}};
  const std::uint64_t mode = flags & O_ACCMODE;
  if ((flags & O_PATH) != 0) return {.access = "look", .ask = {}};
  if (mode == O_WRONLY || mode == O_RDWR) {
    question = {.access = "write", .ask = {.mode = mode == O_RDWR ? R_OK | W_OK : W_OK}};
  }
  const bool unnamed = (flags & O_TMPFILE) == O_TMPFILE;
  if ((flags & O_CREAT) != 0 && !unnamed) {
    question.access = "create";
    question.ask.creates = true;
    question.ask.new_name = (flags & O_EXCL) != 0;
  }
  question.ask.itself = (flags & O_NOFOLLOW) != 0;
  question.ask.content = true;
  question.ask.truncates = (flags & O_TRUNC) != 0;
  return question;
}

Question of_access(std::uint64_t mode) {
  const int wanted = static_cast<int>(mode & (R_OK | W_OK | X_OK));
  std::string_view access = "look";
  if ((wanted & R_OK) != 0) access = "read";
  if ((wanted & X_OK) != 0) access = "execute";
  if ((wanted & W_OK) != 0) access = "write";
  return {.access = access, .ask = {.mode = wanted}};
}

// Their flags for "not what the link leads to" and "the descriptor itself".
constexpr std::uint64_t kItself = AT_SYMLINK_NOFOLLOW;

Question question_of(const sys::FileCall& row, std::uint64_t flags) {
  using enum sys::FileIntent;
  const bool at_flags = row.flags != sys::FileCall::kNone;
  Question question;
  switch (row.intent) {
    case kOpen:
    case kOpenHow:
      return of_open(flags);
    case kMakeOpen:
      return of_open(O_CREAT | O_WRONLY | O_TRUNC);
    case kAccess:
      return of_access(flags);
    case kLook:
      question = {.access = "look", .ask = {}};
      break;
    case kExecute:
      question = {.access = "execute", .ask = {.mode = X_OK}};
      break;
    case kEnter:
      question = {.access = "enter", .ask = {.mode = X_OK, .enters = true}};
      break;
    case kCreate:
      question = {.access = "create", .ask = {.creates = true, .new_name = true}};
      break;
    case kRemove:
      question = {.access = "remove", .ask = {.removes = true}};
      break;
    case kWrite:
      question = {.access = "write", .ask = {.mode = W_OK, .content = true, .truncates = true}};
      break;
    case kChange:
      question = {.access = "change", .ask = {.changes = true}};
      break;
  }
  question.ask.itself = row.itself || (at_flags && (flags & kItself) != 0);
  return question;
}

// Empty: none, or longer than any path can be.
std::string path_at(CallMemory& memory, std::uint64_t address) {
  if (address == 0) return {};
  std::string bytes = memory.bytes(address, PATH_MAX);
  const std::size_t end = bytes.find('\0');
  if (end == std::string::npos) return {};
  bytes.resize(end);
  return bytes;
}

std::uint64_t flags_at(const sys::FileCall& row, const DeniedCall& call, CallMemory& memory) {
  if (row.flags == sys::FileCall::kNone) return 0;
  const std::uint64_t value = call.arguments.at(static_cast<std::size_t>(row.flags));
  if (row.intent != sys::FileIntent::kOpenHow) return value;
  std::uint64_t flags = 0;  // the first member of open_how
  const std::string bytes = memory.bytes(value, sizeof flags);
  if (bytes.size() == sizeof flags) std::memcpy(&flags, bytes.data(), sizeof flags);
  return flags;
}

// Whole trees of the host, /lib as a link to one of them included: what is not there is nowhere.
// And what the loader looks for in every program.
bool is_of_the_system(const Plan& plan, std::string_view path) {
  if (path == "/etc/ld.so.preload") return true;
  return std::ranges::any_of(plan.mounts, [&](const Mount& mount) {
    const bool tree = mount.kind == MountKind::kBind && (mount.flags & kMountIsDirectory) != 0;
    return (tree || mount.kind == MountKind::kSymlink) && is_within(path, mount.target);
  });
}

}  // namespace

std::string normal_path(std::string_view path) {
  std::string result;
  if (!path.starts_with('/')) return result;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part == "..") {
      result.resize(std::min(result.rfind('/'), result.size()));
    } else if (!part.empty() && part != ".") {
      result.append("/").append(part);
    }
    begin = end + 1;
  }
  return result.empty() ? "/" : result;
}

void FileTracer::hear(const DeniedCall& call, pid_t thread, CallMemory& memory) {
  if (!view_) view_ = sys::FileView::of(thread);
  if (!view_) return;
  for (const sys::FileCall& row : sys::file_calls(call.name)) {
    hear_one(row, call, thread, memory);
  }
}

void FileTracer::hear_one(const sys::FileCall& row, const DeniedCall& call, pid_t thread,
                          CallMemory& memory) {
  std::string path = path_at(memory, call.arguments.at(static_cast<std::size_t>(row.path)));
  if (path.empty()) return;  // of a descriptor (AT_EMPTY_PATH), or EFAULT
  if (!path.starts_with('/')) {
    const int directory =
        row.directory == sys::FileCall::kNone
            ? AT_FDCWD
            : static_cast<int>(call.arguments.at(static_cast<std::size_t>(row.directory)));
    const std::string start = sys::FileView::start_of(thread, directory);
    if (start.empty()) return;
    path.insert(0, start + "/");
  }
  if (path.size() >= PATH_MAX) return;
  std::string normal = normal_path(path);
  // What is there depends on who asks.
  if (is_within(normal, "/proc") || is_within(normal, "/dev")) return;
  const Question question = question_of(row, flags_at(row, call, memory));
  const int error = view_->error_of(path, question.ask);
  if (error != 0) count(std::move(normal), question.access, error);
}

void FileTracer::count(std::string path, std::string_view access, int error) {
  if (error == ENOENT && is_of_the_system(plan_, path)) {
    ++trace_.absent;
    return;
  }
  const char* name = ::strerrorname_np(error);
  const auto found = std::ranges::find_if(trace_.failed, [&](const FileAccess& other) {
    return other.path == path && other.access == access && other.error == name;
  });
  if (found != trace_.failed.end()) {
    ++found->count;
  } else if (trace_.failed.size() == kMostRows || bytes_ + path.size() > kMostBytes) {
    ++trace_.unlisted;
  } else {
    bytes_ += path.size();
    trace_.failed.push_back({.path = std::move(path),
                             .access = std::string(access),
                             .error = name,
                             .hint = {},
                             .count = 1,
                             .grant = {}});
  }
}

}  // namespace sandpit
