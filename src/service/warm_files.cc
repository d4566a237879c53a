#include "service/warm_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/binary.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/unique_fd.h"
#include "engine/artefact_cache.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"
#include "service/copy_out.h"

namespace sandpit {
namespace {

namespace fs = std::filesystem;

bool is_ours(const std::string& directory) {
  struct stat status{};
  return ::lstat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == ::geteuid() && (status.st_mode & 0022U) == 0;
}

bool is_of_ours_or_root(const std::string& directory) {
  struct stat status{};
  return ::stat(directory.c_str(), &status) == 0 &&
         (status.st_uid == ::geteuid() || status.st_uid == 0);
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Newer compilers' directories come beside the old ones'; a version or two may be in use at the
// same time.
void remove_old(const std::string& directory) {
  constexpr std::size_t kKept = 3;
  constexpr auto kUnfinishedFor = std::chrono::hours(1);
  const fs::path path(directory);
  const std::string name = path.filename().string();
  const std::string prefix = name.substr(0, name.rfind('-') + 1);
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path.parent_path(), error)) {
    const std::string other = entry.path().filename().string();
    // A runtime's name may begin like another's: what follows is the digest and nothing else.
    if (!other.starts_with(prefix) || other.find('-', prefix.size()) != std::string::npos) continue;
    const auto used = entry.last_write_time(error);
    if (!other.ends_with(".tmp")) {
      found.emplace_back(used, entry.path());
    } else if (fs::file_time_type::clock::now() - used > kUnfinishedFor) {
      fs::remove_all(entry.path(), error);
    }
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  for (std::size_t i = kKept; i < found.size(); ++i) fs::remove_all(found[i].second, error);
}

}  // namespace

std::string warm_directory(std::string_view cache_dir, std::string_view runtime, const Step& step) {
  binary::Writer writer;
  writer(std::string("sandpit-warm-1"), step.argv, step.env, step.identity, step.read_only_paths);
  constexpr std::size_t kDigits = 32;
  return fmt::format("{}/warm-{}-{}", cache_dir, runtime,
                     sha256_hex(std::move(writer).take()).substr(0, kDigits));
}

bool is_warm(const std::string& directory) {
  const std::string cache = parent_of(directory);
  return is_ours(directory) && is_ours(cache) && is_of_ours_or_root(parent_of(cache));
}

Result<void> keep_warm(const std::string& directory, const UniqueFd& volume, const Outcome& outcome,
                       ByteCount most) {
  if (outcome.status != Status::kExited || outcome.exit_code != 0) {
    return fail({.code = ErrorCode::kRefused,
                 .message = fmt::format("what the compiler needs could not be made: {} {}",
                                        to_string(outcome.status), outcome.message),
                 .where = "compile.warm",
                 .hint = outcome.stderr_text});
  }
  if (outcome.files > most) {
    return fail({.code = ErrorCode::kRefused, .message = "what the compiler needs is too large"});
  }
  // The cache's own checks of the place: it is made when it is missing, and never changed.
  SP_TRY_VOID(ArtefactCache::open(kCompiledProgram, parent_of(directory), {}));
  std::error_code error;
  static std::atomic<unsigned> serial;
  const std::string temporary = fmt::format("{}.{}.{}.tmp", directory, ::getpid(), ++serial);
  if (::mkdir(temporary.c_str(), 0755) < 0) return fail(errno_error(temporary, errno));
  const UniqueFd to(::open(temporary.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!to.valid()) return fail(errno_error(temporary, errno));
  const auto copied = copy_out(volume, {}, to);
  // Programs of every user that a jail may have read them.
  for (fs::recursive_directory_iterator it(temporary, error), end; !error && it != end;
       it.increment(error)) {
    const bool directory_entry = it->is_directory(error);
    (void)::chmod(it->path().c_str(), directory_entry ? 0755 : 0644);
  }
  const bool whole = copied && copied->skipped_count == 0;
  if (whole && ::rename(temporary.c_str(), directory.c_str()) == 0) {
    remove_old(directory);
    return {};
  }
  const int saved = errno;
  fs::remove_all(temporary, error);
  if (is_warm(directory)) return {};
  if (!copied) return fail(copied.error());
  if (!whole) {
    return fail({.code = ErrorCode::kRefused,
                 .message = fmt::format("what the compiler needs holds more than plain files: {}",
                                        copied->skipped.front())});
  }
  return fail(errno_error(directory, saved));
}

}  // namespace sandpit
