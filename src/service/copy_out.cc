#include "service/copy_out.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "service/beneath.h"

namespace sandpit {
namespace {

constexpr int kDeepest = 64;
constexpr std::size_t kMostNamed = 12;
// Of one directory; far above any inode limit that makes sense.
constexpr std::size_t kMostEntries = 10U << 20U;

// Names come from the program: control bytes in them must not reach a terminal.
std::string printable(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      text += fmt::format("\\x{:02x}", byte);
    } else {
      text += c;
    }
  }
  return text;
}

class Copier {
 public:
  explicit Copier(const std::vector<InputFile>& inputs) {
    for (const InputFile& input : inputs) {
      if (!input.directory) inputs_.insert(input.name);
    }
  }
  Result<void> directory(int from, int to, const std::string& where, int depth);
  [[nodiscard]] CopyReport report() && { return std::move(report_); }

 private:
  Result<void> entry(int from, int to, const char* name, const std::string& path, int depth);
  Result<void> file(const UniqueFd& in, std::uint64_t size, mode_t mode, int to, const char* name,
                    const std::string& path);
  void skip(const std::string& path, std::string_view why) {
    ++report_.skipped_count;
    if (report_.skipped.size() < kMostNamed) {
      report_.skipped.push_back(fmt::format("{}: {}", printable(path), why));
    }
  }
  // A compiler may have made thousands, and the program as many files more.
  std::unordered_set<std::string_view> inputs_;
  CopyReport report_;
};

Result<void> Copier::directory(int from, int to, const std::string& where, int depth) {
  const UniqueFd again = open_directory_beneath(from, ".");
  if (!again.valid()) {
    skip(where, "can't be read");
    return {};
  }
  SP_TRY(const std::vector<std::string> names, names_in(again, kMostEntries));
  for (const std::string& name : names) {
    const std::string path = where.empty() ? name : fmt::format("{}/{}", where, name);
    if (inputs_.contains(path)) continue;
    SP_TRY_VOID(entry(from, to, name.c_str(), path, depth));
  }
  return {};
}

Result<void> Copier::entry(int from, int to, const char* name, const std::string& path, int depth) {
  struct stat status{};
  const UniqueFd handle = look_beneath(from, name, status);
  if (!handle.valid()) {
    skip(path, "can't be opened");
    return {};
  }
  if (S_ISDIR(status.st_mode)) {
    if (depth + 1 >= kDeepest) {
      skip(path, "nested too deeply");
      return {};
    }
    if (::mkdirat(to, name, 0755) < 0 && errno != EEXIST)
      return fail(errno_error(printable(path), errno));
    const UniqueFd below(::openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below.valid()) {
      return fail(errno_error(fmt::format("{} is in the way", printable(path)), errno));
    }
    return directory(handle.get(), below.get(), path, depth + 1);
  }
  if (!S_ISREG(status.st_mode)) {
    skip(path, S_ISLNK(status.st_mode) ? "a symbolic link" : "not a regular file");
    return {};
  }
  struct stat opened{};
  const UniqueFd in = open_file_beneath(from, name, opened);
  if (!in.valid()) {
    skip(path, "can't be read");
    return {};
  }
  return file(in, static_cast<std::uint64_t>(opened.st_size), opened.st_mode & 0755U, to, name,
              path);
}

Result<void> Copier::file(const UniqueFd& in, std::uint64_t size, mode_t mode, int to,
                          const char* name, const std::string& path) {
  // A new file under a temporary name, then a rename: what stood there, a symlink too, is replaced
  // and never followed.
  const std::string temporary = fmt::format(".sandpit-{}-{}", ::getpid(), report_.files);
  const UniqueFd out(
      ::openat(to, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!out.valid()) return fail(errno_error(printable(path), errno));
  const auto give_up = [&](int errno_value) -> Result<void> {
    (void)::unlinkat(to, temporary.c_str(), 0);
    return fail(errno_error(fmt::format("copy out {}", printable(path)), errno_value));
  };
  std::array<char, 65536> buffer;  // NOLINT(*-member-init): filled by pread
  off_t offset = 0;
  while (static_cast<std::uint64_t>(offset) < size) {
    // Holes stay holes: a sparse file must not fill the host's disk.
    const off_t data = ::lseek(in.get(), offset, SEEK_DATA);
    if (data < 0) break;
    const ssize_t n = ::pread(in.get(), buffer.data(), buffer.size(), data);
    if (n <= 0) break;
    if (::pwrite(out.get(), buffer.data(), static_cast<std::size_t>(n), data) != n)
      return give_up(errno);
    offset = data + n;
    report_.bytes += static_cast<std::uint64_t>(n);
  }
  if (::ftruncate(out.get(), static_cast<off_t>(size)) < 0 ||
      ::fchmod(out.get(), mode | 0600U) < 0) {
    return give_up(errno);
  }
  if (::renameat(to, temporary.c_str(), to, name) < 0) return give_up(errno);
  ++report_.files;
  return {};
}

}  // namespace

Result<CopyReport> copy_out(const UniqueFd& volume, const std::vector<InputFile>& inputs,
                            const UniqueFd& to) {
  const UniqueFd from = open_directory_beneath(volume.get(), "work");
  if (!from.valid()) return fail(errno_error("work directory", errno));
  Copier copier(inputs);
  SP_TRY_VOID(copier.directory(from.get(), to.get(), "", 0));
  return std::move(copier).report();
}

void add_copied_out(const UniqueFd& volume, const std::vector<InputFile>& inputs,
                    const UniqueFd& to, Outcome& outcome) {
  const auto report = copy_out(volume, inputs, to);
  if (!report) {
    outcome.warnings.push_back(fmt::format("--out: {}", report.error().to_string()));
    return;
  }
  for (const std::string& skipped : report->skipped) {
    outcome.warnings.push_back(fmt::format("not copied out: {}", skipped));
  }
  if (report->skipped_count > report->skipped.size()) {
    outcome.warnings.push_back(
        fmt::format("{} more were not copied out", report->skipped_count - report->skipped.size()));
  }
}

}  // namespace sandpit
