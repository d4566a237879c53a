#include "batch/results_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/kernel_link.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "base/write_all.h"
#include "batch/id_set.h"
#include "batch/line_reader.h"
#include "codec/batch_json.h"
#include "sandpit/error.h"

namespace sandpit::batch {
namespace {

// Far above a result with two streams of the default limit, base64 or escaped.
constexpr std::size_t kLongestResult = std::size_t{1} << 30U;

Error exists(const std::string& path) {
  return Error{.code = ErrorCode::kUsage,
               .message = fmt::format("{} exists", path),
               .where = {},
               .hint = "--resume goes on with it, --force begins anew",
               .errno_value = EEXIST};
}

// A symbolic link that leads to a file, or will: a program that could write there may have laid it.
// Not by O_NOFOLLOW, as one to a device or a FIFO is no harm.
bool is_link_to_file(const std::string& path) {
  struct stat status{};
  if (is_kernel_link(path) || ::lstat(path.c_str(), &status) < 0 || !S_ISLNK(status.st_mode))
    return false;
  return ::stat(path.c_str(), &status) < 0 || S_ISREG(status.st_mode);
}

Result<UniqueFd> open_file(const std::string& path, Existing existing) {
  if (is_link_to_file(path)) return fail(link_not_followed(path));
  int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY;
  if (existing == Existing::kRefuse) flags |= O_EXCL;
  constexpr mode_t kMode = 0666;
  UniqueFd file(::open(path.c_str(), flags, kMode));
  // What is no file can't be emptied or gone on with; it is written as it is.
  struct stat status{};
  if (!file.valid() && (errno == EEXIST || errno == ENXIO || errno == EACCES)) {
    const int error = errno;
    if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
      file = UniqueFd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    } else {
      errno = error;
    }
  }
  if (file.valid()) return file;
  if (errno == EEXIST) return fail(exists(path));
  return fail(errno_error(fmt::format("cannot write {}", path), errno, ErrorCode::kUsage));
}

// The beginning of a result (batch_result_to_json()), NULs where a power cut has left no data. What
// begins otherwise is somebody else's, and not to be cut.
bool may_be_torn(const Line& last) {
  constexpr std::string_view kBeginning = R"({"id":)";
  const std::string_view start = std::string_view(last.text).substr(0, kBeginning.size());
  return !last.too_long && std::ranges::equal(start, kBeginning.substr(0, start.size()),
                                              [](char a, char b) { return a == b || a == '\0'; });
}

}  // namespace

Result<ResultsFile> ResultsFile::open(const std::string& path, Existing existing, IdSet& ids,
                                      Resumed& resumed) {
  SP_TRY(UniqueFd file, open_file(path, existing));
  const int descriptor = file.get();
  ResultsFile results(std::move(file), descriptor, path);
  struct stat status{};
  if (::fstat(descriptor, &status) < 0) return fail(errno_error(path, errno));
  results.regular_ = S_ISREG(status.st_mode);
  if (!results.regular_) {
    if (existing != Existing::kResume) return results;
    return fail(
        {.code = ErrorCode::kUsage,
         .message = fmt::format("{} is not a regular file: there is nothing to resume", path)});
  }
  // Before anything of it is changed: two batches would write into each other's lines.
  if (::flock(descriptor, LOCK_EX | LOCK_NB) < 0) {
    if (errno != EWOULDBLOCK) return fail(errno_error(fmt::format("cannot lock {}", path), errno));
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("another batch is writing {}", path),
                 .where = {},
                 .hint = "wait for it, or name another file"});
  }
  if (existing == Existing::kResume) SP_TRY_VOID(results.resume(ids, resumed));
  if (existing == Existing::kReplace && ::ftruncate(descriptor, 0) < 0) {
    return fail(errno_error(fmt::format("cannot empty {}", path), errno));
  }
  return results;
}

ResultsFile ResultsFile::borrow(int descriptor, std::string name) {
  return ResultsFile(UniqueFd(), descriptor, std::move(name));
}

Result<void> ResultsFile::resume(IdSet& ids, Resumed& resumed) {
  LineReader reader(descriptor_, kLongestResult);
  while (true) {
    auto line = reader.next();
    if (!line) return fail(with_context(std::move(line).error(), name_));
    if (!*line) return {};
    Line& one = **line;
    auto id = batch_result_id(one.text);
    if (!one.ended && (id || may_be_torn(one))) return repair(one, id, ids, resumed);
    if (!id) {
      Error error = std::move(id).error();
      return fail({.code = ErrorCode::kUsage,
                   .message = fmt::format("not a result of a batch: {}",
                                          one.too_long ? "too long" : error.message),
                   .where = fmt::format("{}:{}", name_, one.number),
                   .hint = "is it the right file? --force begins anew"});
    }
    (void)ids.mark(*id, IdSet::kDone);
    ++resumed.results;
    size_ += static_cast<off_t>(one.bytes);
  }
}

Result<void> ResultsFile::repair(const Line& last, const Result<std::string>& id, IdSet& ids,
                                 Resumed& resumed) {
  if (id) {
    SP_TRY_VOID(append("\n"));
    size_ += static_cast<off_t>(last.text.size());
    (void)ids.mark(*id, IdSet::kDone);
    ++resumed.results;
    resumed.newline_added = true;
    return {};
  }
  struct stat status{};
  if (::fstat(descriptor_, &status) < 0) return fail(errno_error(name_, errno));
  if (::ftruncate(descriptor_, static_cast<off_t>(last.offset)) < 0) {
    return fail(errno_error(fmt::format("cannot cut the torn last line off {}", name_), errno));
  }
  resumed.cut_bytes = static_cast<std::uint64_t>(status.st_size) - last.offset;
  return {};
}

Result<void> ResultsFile::append(std::string_view line) {
  const int error = write_all(descriptor_, line);
  if (error == 0) {
    size_ += static_cast<off_t>(line.size());
    return {};
  }
  Error failure = errno_error(fmt::format("cannot write {}", name_), error);
  // What came before is whole; the beginning of this line must not stay behind it.
  if (regular_ && ::ftruncate(descriptor_, size_) < 0) {
    failure.others.push_back(
        errno_error(fmt::format("cannot cut the torn last line off {}", name_), errno));
  }
  return fail(std::move(failure));
}

Result<void> ResultsFile::sync() {
  if (!regular_ || ::fdatasync(descriptor_) == 0) return {};
  return fail(errno_error(fmt::format("cannot write {}", name_), errno));
}

}  // namespace sandpit::batch
