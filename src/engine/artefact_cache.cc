#include "engine/artefact_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/memory_file.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/error.h"
#include "sandpit/units.h"

namespace sandpit {
namespace {

constexpr std::array<char, 8> kMagic = {'S', 'P', 'A', 'R', 'T', 'E', '0', '1'};
// An entry's time is renewed when it is used, no more often than this: a write for each run would
// cost more than it is worth.
constexpr std::time_t kRenewAfterSeconds = 3600;

struct EntryHeader {
  std::array<char, 8> magic = kMagic;
  std::uint64_t size = 0;
  XXH128_hash_t checksum{};
};

// Of the content, together with the key that it was stored under.
XXH128_hash_t checksum_of(std::string_view key, std::string_view bytes) {
  return XXH3_128bits_withSeed(bytes.data(), bytes.size(), XXH3_64bits(key.data(), key.size()));
}

bool is_ours(const struct stat& status) {
  return status.st_uid == ::geteuid() && (status.st_mode & 0022U) == 0;
}

// As root, a link of another user's on the way would choose where directories are made.
Result<void> check_way_to(const std::string& directory, std::string_view setting) {
  std::filesystem::path way;
  for (const std::filesystem::path& part : std::filesystem::path(directory)) {
    way /= part;
    struct stat status{};
    if (::lstat(way.c_str(), &status) < 0) break;
    const bool trusted = status.st_uid == 0 || status.st_uid == ::geteuid();
    if (S_ISLNK(status.st_mode) && !trusted) {
      return fail({.code = ErrorCode::kSystem,
                   .message = fmt::format("{} is a link of another user's", way.string()),
                   .where = std::string(setting),
                   .hint = "name the directory that it leads to"});
    }
  }
  return {};
}

Result<void> copy(int out, int in, off_t from, std::uint64_t size) {
  const auto end = from + static_cast<off_t>(size);
  while (from < end) {
    const ssize_t n = ::sendfile(out, in, &from, static_cast<std::size_t>(end - from));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error("copy an artefact", errno));
    if (n == 0) return fail({.code = ErrorCode::kSystem, .message = "an artefact was cut off"});
  }
  return {};
}

// "<64 hexadecimal digits>.<pid>.<number>.tmp"
bool is_temporary(std::string_view name) {
  constexpr std::size_t kDigits = 64;
  return name.size() > kDigits && name[kDigits] == '.' && name.ends_with(".tmp") &&
         name.substr(0, kDigits).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

struct Entry {
  std::string name;
  std::uint64_t size = 0;
  timespec used{};
};

}  // namespace

std::string ArtefactCache::entry_name(std::string_view key) const {
  return fmt::format("{}{}", key, kind_->suffix);
}

Result<ArtefactCache> ArtefactCache::open(const ArtefactKind& kind, const std::string& directory,
                                          ByteCount max_size) {
  SP_TRY_VOID(check_way_to(directory, kind.setting));
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(directory).parent_path(), error);
  if (::mkdir(directory.c_str(), 0700) < 0 && errno != EEXIST) {
    return fail(errno_error(directory, errno));
  }
  // Not a link, and not in a directory of another user's: as root, somebody's home would else
  // choose where we write.
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return fail(errno_error(directory, errno));
  struct stat status{};
  struct stat parent{};
  if (::fstat(fd.get(), &status) < 0 || ::fstatat(fd.get(), "..", &parent, 0) < 0) {
    return fail(errno_error(directory, errno));
  }
  if (!is_ours(status) || (parent.st_uid != ::geteuid() && parent.st_uid != 0)) {
    return fail(
        {.code = ErrorCode::kSystem,
         .message = fmt::format(
             "{} or the directory above it belongs to another user, or others may write to it",
             directory),
         .where = std::string(kind.setting),
         .hint = "use a directory of your own with mode 0700"});
  }
  return ArtefactCache(kind, std::move(fd), max_size);
}

UniqueFd ArtefactCache::load(std::string_view key, ByteCount most) const {
  const UniqueFd file(::openat(directory_.get(), entry_name(key).c_str(),
                               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid()) return {};
  struct stat status{};
  EntryHeader header;
  if (::fstat(file.get(), &status) < 0 || !S_ISREG(status.st_mode) || !is_ours(status)) return {};
  if (::pread(file.get(), &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header) ||
      header.magic != kMagic || header.size > most.count() ||
      static_cast<std::uint64_t>(status.st_size) != sizeof header + header.size) {
    return {};
  }
  auto memory = memory_file("sandpit-artefact");
  if (!memory || !copy(memory->get(), file.get(), sizeof header, header.size) ||
      !seal(memory->get())) {
    return {};
  }
  const auto view = FileView::map(memory->get(), header.size);
  if (!view || XXH128_isEqual(checksum_of(key, view->bytes()), header.checksum) == 0) return {};
  if (::time(nullptr) - status.st_mtim.tv_sec > kRenewAfterSeconds) {
    (void)::futimens(file.get(), nullptr);
  }
  return std::move(*memory);
}

Result<void> ArtefactCache::store(std::string_view key, int artefact, ByteCount most) const {
  struct stat status{};
  if (!is_sealed(artefact) || ::fstat(artefact, &status) < 0 || status.st_size <= 0) {
    return fail({.code = ErrorCode::kSystem, .message = "the artefact is not finished"});
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  constexpr std::uint64_t kBlock = 512;  // of st_blocks, inode(7)
  if (size > most.count() || static_cast<std::uint64_t>(status.st_blocks) * kBlock < size) {
    return fail({.code = ErrorCode::kSystem,
                 .message = fmt::format("the artefact has {} bytes, more than it may", size)});
  }
  if (size + sizeof(EntryHeader) > max_size_.count()) return {};
  SP_TRY(const FileView view, FileView::map(artefact, size));
  const EntryHeader header{.size = size, .checksum = checksum_of(key, view.bytes())};
  // Written under a name of its own and then renamed: readers see all of it or nothing.
  static std::atomic<unsigned> serial;
  const std::string temporary = fmt::format("{}.{}.{}.tmp", key, ::getpid(), ++serial);
  const UniqueFd file(::openat(directory_.get(), temporary.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) return fail(errno_error("store an artefact", errno));
  const auto written = [&]() -> Result<void> {
    if (::write(file.get(), &header, sizeof header) != static_cast<ssize_t>(sizeof header)) {
      return fail(errno_error("store an artefact", errno));
    }
    SP_TRY_VOID(copy(file.get(), artefact, 0, size));
    if (::renameat(directory_.get(), temporary.c_str(), directory_.get(), entry_name(key).c_str()) <
        0) {
      return fail(errno_error("store an artefact", errno));
    }
    return {};
  }();
  if (!written) {
    (void)::unlinkat(directory_.get(), temporary.c_str(), 0);
    return written;
  }
  evict();
  return {};
}

void ArtefactCache::remove(std::string_view key) const {
  (void)::unlinkat(directory_.get(), entry_name(key).c_str(), 0);
}

void ArtefactCache::evict() const {
  // Of its own: a directory stream moves the position of the descriptor that it takes.
  const int copy_of_directory = ::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy_of_directory < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(copy_of_directory), &::closedir);
  if (!directory) return;
  std::vector<Entry> entries;
  std::uint64_t total = 0;
  const std::time_t now = ::time(nullptr);
  while (const dirent* row = ::readdir(directory.get())) {
    const std::string_view name = row->d_name;
    struct stat status{};
    if (::fstatat(directory_.get(), row->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(status.st_mode)) {
      continue;
    }
    // What a killed writer left behind.
    if (is_temporary(name) && now - status.st_mtim.tv_sec > kRenewAfterSeconds) {
      (void)::unlinkat(directory_.get(), row->d_name, 0);
      continue;
    }
    if (!name.ends_with(kind_->suffix)) continue;
    const auto size = static_cast<std::uint64_t>(status.st_size);
    total += size;
    entries.push_back({.name = std::string(name), .size = size, .used = status.st_mtim});
  }
  if (total <= max_size_.count()) return;
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.used.tv_sec, a.used.tv_nsec) < std::pair(b.used.tv_sec, b.used.tv_nsec);
  });
  for (const Entry& entry : entries) {
    if (total <= max_size_.count()) break;
    if (::unlinkat(directory_.get(), entry.name.c_str(), 0) == 0) total -= entry.size;
  }
}

}  // namespace sandpit
