#include "service/extra_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/memory_file.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "sandpit/units.h"
#include "service/file_pack.h"
#include "service/source_input.h"

namespace sandpit {
namespace {

constexpr std::size_t kMostFiles = 4096;
constexpr int kDeepest = 32;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

Error unreadable(const std::string& name, int error) {
  return errno_error(fmt::format("can't read '{}'", printable(name)), error, ErrorCode::kUsage);
}

class Walker {
 public:
  Walker(const std::string& main, ExtraFiles& into) : main_(main), into_(into) {}

  Result<void> directory(int at, const char* name, const std::string& path, int depth) {
    if (depth > kDeepest) {
      into_.warnings.push_back(fmt::format("'{}' is nested too deeply", printable(path)));
      return {};
    }
    UniqueFd fd(
        ::openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth > 0 ? O_NOFOLLOW : 0)));
    if (!fd.valid()) return fail(unreadable(path.empty() ? name : path, errno));
    const std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(fd.get()));
    if (!stream) return fail(errno_error("fdopendir", errno));
    const int directory = fd.release();
    std::vector<std::string> names;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (const dirent* found = ::readdir(stream.get())) {
      // ".git" and its like are no part of a program, and "." and ".." neither.
      if (found->d_name[0] != '.') names.emplace_back(found->d_name);
      if (names.size() > kMostFiles) return fail(too_many());
    }
    std::sort(names.begin(), names.end());
    for (const std::string& entry : names) {
      SP_TRY_VOID(one(directory, entry.c_str(),
                      path.empty() ? entry : fmt::format("{}/{}", path, entry), depth));
    }
    return {};
  }

 private:
  static Error too_many() {
    return {.code = ErrorCode::kRefused,
            .message = fmt::format("the source directory has more than {} files", kMostFiles)};
  }

  Result<void> one(int at, const char* name, const std::string& path, int depth) {
    struct stat status{};
    if (::fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return fail(unreadable(path, errno));
    if (S_ISDIR(status.st_mode)) {
      SP_TRY_VOID(into_.pack.add_directory(path));
      return directory(at, name, path, depth + 1);
    }
    if (path == main_) return {};
    if (!S_ISREG(status.st_mode)) {
      into_.warnings.push_back(
          fmt::format("'{}' was left out: {}", printable(path),
                      S_ISLNK(status.st_mode) ? "a symbolic link" : "no regular file"));
      return {};
    }
    const UniqueFd file(::openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid() || ::fstat(file.get(), &status) < 0 || !S_ISREG(status.st_mode))
      return fail(unreadable(path, errno));
    if (into_.names.size() >= kMostFiles) return fail(too_many());
    const bool executable = (status.st_mode & S_IXUSR) != 0;
    SP_TRY_VOID(into_.pack.add_file(path, executable ? 0755 : 0644, file.get(),
                                    static_cast<std::uint64_t>(status.st_size)));
    into_.names.push_back(path);
    return {};
  }

  const std::string& main_;
  ExtraFiles& into_;
};

Result<void> add(const ExtraFile& file, const std::string& main, ExtraFiles& into) {
  if (!is_relative_name(file.name)) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("'{}' can't be a file's name: it must be relative, without "
                                        "'.' and '..'",
                                        printable(file.name))});
  }
  if (file.name == main || into.pack.holds(file.name)) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("there are two files '{}'", printable(file.name))});
  }
  if (into.names.size() >= kMostFiles) {
    return fail(
        {.code = ErrorCode::kRefused, .message = fmt::format("more than {} files", kMostFiles)});
  }
  if (const auto* text = std::get_if<SourceText>(&file.content)) {
    SP_TRY_VOID(into.pack.add_text(file.name, text->text));
  } else {
    SP_TRY(const SourceInput input, open_source_file(std::get<SourceFile>(file.content)));
    SP_TRY_VOID(into.pack.add_file(file.name, 0644, input.fd.get(), input.size));
  }
  into.names.push_back(file.name);
  return {};
}

}  // namespace

bool is_source_directory(const Request& request) {
  const auto* file = std::get_if<SourceFile>(&request.source);
  struct stat status{};
  return file != nullptr && ::stat(file->path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Result<SourceInput> open_entry(const Request& request) {
  const std::string& directory = std::get<SourceFile>(request.source).path;
  if (request.entry.empty()) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("'{}' is a directory; which of its files is the program?",
                                        printable(directory)),
                 .where = {},
                 .hint = "--entry FILE names it, relative to the directory"});
  }
  if (!is_relative_name(request.entry)) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("'{}' must be relative to the directory, without '..'",
                                        printable(request.entry)),
                 .where = "--entry"});
  }
  SP_TRY(SourceInput input, open_source_file({.path = directory + "/" + request.entry}));
  input.name = request.entry;
  return input;
}

Result<ExtraFiles> pack_extra_files(const Request& request, const std::string& main, ByteCount most,
                                    const std::string& tmp_dir) {
  UniqueFd store(::open(tmp_dir.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!store.valid()) {
    SP_TRY(store, memory_file("sandpit-files"));
  }
  ExtraFiles files{.pack = FilePack(std::move(store), most), .names = {}, .warnings = {}};
  if (is_source_directory(request)) {
    const std::string& path = std::get<SourceFile>(request.source).path;
    SP_TRY_VOID(Walker(main, files).directory(AT_FDCWD, path.c_str(), {}, 0));
  }
  for (const ExtraFile& file : request.files) SP_TRY_VOID(add(file, main, files));
  return files;
}

}  // namespace sandpit
