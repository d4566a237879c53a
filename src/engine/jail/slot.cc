#include "engine/jail/slot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/error.h"

namespace sandpit::jail {
namespace {

std::string state_directory(const HostFacts& facts) {
  if (facts.is_root) return "/run/sandpit";
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  struct stat status{};
  if (runtime != nullptr && runtime[0] == '/' && ::stat(runtime, &status) == 0 &&
      status.st_uid == ::geteuid()) {
    return fmt::format("{}/sandpit", runtime);
  }
  return fmt::format("/tmp/sandpit-{}", ::geteuid());
}

Result<UniqueFd> own_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST) return fail(errno_error(path, errno));
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return fail(errno_error(path, errno));
  struct stat status{};
  if (::fstat(fd.get(), &status) < 0) return fail(errno_error(path, errno));
  if (status.st_uid != ::geteuid() || (status.st_mode & 022U) != 0) {
    return fail(
        {.message = fmt::format("{} belongs to another user or is writable by others", path),
         .hint = fmt::format("remove it, or set XDG_RUNTIME_DIR: rm -r {}", path)});
  }
  return fd;
}

}  // namespace

std::string Slot::cgroup_name() const { return fmt::format("sandpit-{}", number_); }

Result<SlotDirectory> SlotDirectory::open(const HostFacts& facts) {
  const std::string state = state_directory(facts);
  SP_TRY_VOID(own_directory(state));
  SP_TRY(UniqueFd slots, own_directory(state + "/slots"));
  return SlotDirectory(std::move(slots));
}

Result<Slot> SlotDirectory::acquire() const {
  for (unsigned number = 0; number < kSlotCount; ++number) {
    const std::string name = fmt::format("{}", number);
    UniqueFd lock(
        ::openat(directory_.get(), name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!lock.valid()) return fail(errno_error("run slot", errno));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return Slot(number, std::move(lock));
    if (errno != EWOULDBLOCK) return fail(errno_error("run slot", errno));
  }
  return fail({.message = "all run slots are taken", .hint = "wait for running programs to end"});
}

}  // namespace sandpit::jail
