#include "engine/jail/slot.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

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

Result<SlotDirectory> SlotDirectory::open(const HostFacts& facts) {
  const std::string state = state_directory(facts);
  SP_TRY_VOID(own_directory(state));
  SP_TRY(UniqueFd slots, own_directory(state + "/slots"));
  struct stat status{};
  if (::fstat(slots.get(), &status) < 0) return fail(errno_error(state + "/slots", errno));
  return SlotDirectory(std::move(slots), fmt::format("{:x}.{:x}", status.st_dev, status.st_ino));
}

Slot SlotDirectory::slot(unsigned number, UniqueFd lock) const {
  return {number, std::move(lock), directory_.get(), fmt::format("sandpit-{}.{}", number, mark_)};
}

Slot::~Slot() {
  // While the lock is held: whoever locks the file after this sees that it is gone, and makes anew.
  if (lock_.valid() && clean_) {
    (void)::unlinkat(directory_, fmt::format("{}", number_).c_str(), 0);
  }
}

// Invalid with errno EWOULDBLOCK when somebody holds it.
UniqueFd SlotDirectory::lock(const char* name, int flags) const {
  for (;;) {
    UniqueFd file(::openat(directory_.get(), name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600));
    if (!file.valid() || ::flock(file.get(), LOCK_EX | LOCK_NB) < 0) {
      const int saved = errno;
      file.reset();
      errno = saved;
      return file;
    }
    struct stat status{};
    if (::fstat(file.get(), &status) == 0 && status.st_nlink > 0) return file;
    // Its owner has removed it between our open and our lock.
    if ((flags & O_CREAT) == 0) {
      errno = ENOENT;
      return {};
    }
  }
}

Result<Slot> SlotDirectory::acquire() const {
  for (unsigned number = 0; number < kSlotCount; ++number) {
    UniqueFd file = lock(fmt::format("{}", number).c_str(), O_CREAT);
    if (file.valid()) return slot(number, std::move(file));
    if (errno != EWOULDBLOCK) return fail(errno_error("run slot", errno));
  }
  return fail({.message = "all run slots are taken", .hint = "wait for running programs to end"});
}

std::vector<Slot> SlotDirectory::abandoned() const {
  std::vector<Slot> slots;
  UniqueFd again(::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!again.valid()) return slots;
  DIR* stream = ::fdopendir(again.get());
  if (stream == nullptr) return slots;
  (void)again.release();
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
  while (const dirent* entry = ::readdir(stream)) {
    unsigned number = 0;
    const std::string_view name(entry->d_name);
    const auto parsed = std::from_chars(name.begin(), name.end(), number);
    if (parsed.ec != std::errc{} || parsed.ptr != name.end()) continue;
    UniqueFd file = lock(entry->d_name, 0);
    if (file.valid()) slots.push_back(slot(number, std::move(file)));
  }
  ::closedir(stream);
  return slots;
}

}  // namespace sandpit::jail
