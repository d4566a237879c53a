#include "sys/file_view.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace sandpit::sys {
namespace {

// With another file system uid than 0 the kernel takes CAP_DAC_OVERRIDE and its like out of this
// thread's effective set, and gives them back with 0 (capabilities(7)). The raw call, since the C
// library's setgroups() would ask every thread of the process.
class OtherUser {
 public:
  OtherUser(uid_t uid, gid_t gid, const std::vector<gid_t>& groups) : groups_(groups) {
    own_gid_ = static_cast<gid_t>(::setfsgid(gid));
    (void)::syscall(SYS_setgroups, 0, nullptr);
    own_uid_ = static_cast<uid_t>(::setfsuid(uid));
  }
  OtherUser(const OtherUser&) = delete;
  OtherUser& operator=(const OtherUser&) = delete;
  ~OtherUser() {
    (void)::setfsuid(own_uid_);
    (void)::setfsgid(own_gid_);
    (void)::syscall(SYS_setgroups, groups_.size(), groups_.data());
  }

 private:
  const std::vector<gid_t>& groups_;
  uid_t own_uid_;
  gid_t own_gid_;
};

// "Uid:\t1000\t1000\t1000\t1000": real, effective, saved, of the file system.
std::optional<unsigned> file_system_id(std::string_view status, std::string_view name) {
  const std::size_t at = status.find(fmt::format("\n{}:", name));
  if (at == std::string_view::npos) return std::nullopt;
  unsigned ids[4] = {};
  const std::string line(status.substr(at + 1 + name.size() + 1, 128));
  // NOLINTNEXTLINE(cert-err34-c): the kernel's own text
  if (std::sscanf(line.c_str(), "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) != 4) {
    return std::nullopt;
  }
  return ids[3];
}

std::string read_status(pid_t thread) {
  const UniqueFd file(::open(fmt::format("/proc/{}/status", thread).c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> text;  // NOLINT(*-member-init): filled by read
  const ssize_t n = file.valid() ? ::read(file.get(), text.data(), text.size()) : 0;
  return {text.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
}

std::string read_link(const std::string& link) {
  std::string target(PATH_MAX, '\0');
  const ssize_t n = ::readlink(link.c_str(), target.data(), target.size());
  target.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return target;
}

bool is_read_only(const UniqueFd& place) {
  struct statvfs status{};
  return ::fstatvfs(place.get(), &status) == 0 && (status.f_flag & ST_RDONLY) != 0;
}

int access_of(const UniqueFd& place, int mode) {
  if (mode == 0) return 0;
  // faccessat2(2), Linux 5.8; the C library's own answers EINVAL to one of the flags.
  return ::syscall(SYS_faccessat2, place.get(), "", mode, AT_EMPTY_PATH | AT_EACCESS) == 0 ? 0
                                                                                           : errno;
}

// What says that the program may not. Anything else is our own looking's, or a race's.
bool is_an_answer(int error) {
  return error == ENOENT || error == EACCES || error == EROFS || error == ENOTDIR ||
         error == EPERM || error == ENAMETOOLONG;
}

}  // namespace

std::optional<FileView> FileView::of(pid_t thread) {
  const std::string status = read_status(thread);
  const auto uid = file_system_id(status, "Uid");
  const auto gid = file_system_id(status, "Gid");
  FileView view;
  view.root_ = UniqueFd(
      ::open(fmt::format("/proc/{}/root", thread).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!uid || !gid || !view.root_.valid()) return std::nullopt;
  view.uid_ = *uid;
  view.gid_ = *gid;
  view.other_user_ = ::geteuid() == 0 && view.uid_ != 0;
  if (view.other_user_) {
    const int count = ::getgroups(0, nullptr);
    view.groups_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (::getgroups(count, view.groups_.data()) != count) return std::nullopt;
  }
  return view;
}

std::string FileView::start_of(pid_t thread, int directory) {
  std::string path = directory == AT_FDCWD
                         ? read_link(fmt::format("/proc/{}/cwd", thread))
                         : read_link(fmt::format("/proc/{}/fd/{}", thread, directory));
  return path.starts_with('/') && path.size() < PATH_MAX ? path : std::string();
}

UniqueFd FileView::open(const std::string& path, bool itself) const {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC | (itself ? std::uint64_t{O_NOFOLLOW} : 0);
  // Its own links lead where they lead for it. Those of /proc lead past the root, and for us to
  // other files than for it.
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(
      static_cast<int>(::syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof how)));
}

UniqueFd FileView::open_parent(std::string_view path) const {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return open(std::string(path.substr(0, path.rfind('/') + 1)), false);
}

// In the kernel's order: a read-only mount comes before permissions where a name or a size is
// changed, and after them where a file is opened.
int FileView::look(const std::string& path, const FileAsk& ask) const {
  if (ask.removes) {
    const UniqueFd parent = open_parent(path);
    if (!parent.valid()) return errno;
    if (is_read_only(parent)) return EROFS;
    if (!open(path, true).valid()) return errno;
    return access_of(parent, W_OK | X_OK);
  }
  const UniqueFd place = open(path, ask.itself);
  if (!place.valid()) {
    const int error = errno;
    if (error != ENOENT || !ask.creates) return error;
    const UniqueFd parent = open_parent(path);
    if (!parent.valid()) return errno;
    return is_read_only(parent) ? EROFS : access_of(parent, W_OK | X_OK);
  }
  if (ask.new_name) return 0;
  struct stat status{};
  if (::fstat(place.get(), &status) != 0) return 0;
  const bool directory = S_ISDIR(status.st_mode);
  if (ask.enters && !directory) return ENOTDIR;
  if (ask.content && (ask.mode & W_OK) != 0 && directory) return 0;
  if ((ask.truncates || ask.changes) && is_read_only(place)) return EROFS;
  if (ask.changes) {
    const bool may = status.st_uid == uid_ || access_of(place, W_OK) == 0;
    return may ? 0 : EPERM;
  }
  return access_of(place, ask.mode);
}

int FileView::error_of(const std::string& path, const FileAsk& ask) const {
  std::optional<OtherUser> there;
  if (other_user_) there.emplace(uid_, gid_, groups_);
  const int error = look(path, ask);
  return is_an_answer(error) ? error : 0;
}

}  // namespace sandpit::sys
