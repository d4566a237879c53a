// load_manifests: from directories to runtimes. Plain system calls: a first std::ifstream costs a
// tenth of a jail's start.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime/interpreter.h"
#include "runtime/known_manifests.h"
#include "runtime/manifest.h"
#include "runtime/manifest_runtime.h"
#include "sandpit/error.h"
#include "sandpit/runtime.h"

namespace sandpit {
namespace {

// A manifest is a page of text; what is larger is something else.
constexpr std::size_t kMostBytes = 256UL << 10U;

// Sorted: a later manifest of the same id wins, so the order must not be the file system's.
std::vector<std::string> names_in(const std::string& directory, std::vector<Error>& errors) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), &::closedir);
  if (!stream) {
    if (errno != ENOENT)
      errors.push_back(errno_error(fmt::format("can't read {}", directory), errno));
    return names;
  }
  while (const dirent* entry = ::readdir(stream.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> read_text(const std::string& path) {
  const auto bad = [&](std::string message) {
    return fail({.code = ErrorCode::kUsage, .message = std::move(message), .where = path});
  };
  // O_NONBLOCK: a FIFO of that name must not stop us.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) {
    Error error = errno_error("can't be read", errno, ErrorCode::kUsage);
    error.where = path;
    return fail(std::move(error));
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return bad("not a regular file");
  if (static_cast<std::size_t>(status.st_size) > kMostBytes) return bad("larger than 256 KiB");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t count = ::read(fd.get(), text.data() + filled, text.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return bad("can't be read");
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  text.resize(filled);
  return text;
}

// A directory, or a directory's file, that is not there at all. A link that leads nowhere is there.
bool is_absent(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) != 0;
}

struct Loaded {
  std::unique_ptr<Runtime> runtime;
  std::string extensions_place;
};

Result<Loaded> load(const std::string& path, std::string_view directory,
                    const std::shared_ptr<const LookupContext>& context) {
  SP_TRY(const std::string text, read_text(path));
  if (const KnownManifest* known = known_manifest(directory, text)) {
    return Loaded{.runtime = std::make_unique<ManifestRuntime>(*known, path, context),
                  .extensions_place = fmt::format("{}{}", path, known->extensions_place)};
  }
  SP_TRY(Manifest manifest, parse_manifest(text, path));
  if (manifest.id != directory) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("id is '{}' but the directory is named '{}'", manifest.id,
                                        directory),
                 .where = path});
  }
  std::string place = manifest.extensions_place;
  return Loaded{.runtime = std::make_unique<ManifestRuntime>(std::move(manifest), context),
                .extensions_place = std::move(place)};
}

// Extension -> who has it, of one directory. That a later directory takes one over is its right.
using Claims = std::map<std::string, std::string>;

void claim(const Loaded& loaded, Claims& claims, std::vector<Error>& errors) {
  const std::string id(loaded.runtime->name());
  for (const std::string& extension : loaded.runtime->extensions()) {
    const auto [place, is_new] = claims.try_emplace(extension, id);
    if (is_new || place->second == id) continue;
    errors.push_back({.code = ErrorCode::kUsage,
                      .message = fmt::format("the extension '{}' is that of '{}' too; files with "
                                             "it run as '{}'",
                                             extension, place->second, id),
                      .where = loaded.extensions_place,
                      .hint = fmt::format("[runtimes.extensions] {} = \"{}\" decides otherwise",
                                          extension, place->second)});
    place->second = id;
  }
}

}  // namespace

std::vector<Error> load_manifests(RuntimeRegistry& registry,
                                  const std::vector<std::string>& directories) {
  std::vector<Error> errors;
  const auto context = std::make_shared<const LookupContext>(LookupContext::of_this_process());
  for (const std::string& directory : directories) {
    Claims claims;
    for (const std::string& name : names_in(directory, errors)) {
      const std::string path = fmt::format("{}/{}/runtime.toml", directory, name);
      Result<Loaded> loaded = load(path, name, context);
      if (loaded) {
        claim(*loaded, claims, errors);
        registry.add(std::move(loaded->runtime));
      } else if (!is_absent(path)) {
        // One by one: each is a warning of its own, and so a line of its own.
        std::vector<Error> others = std::exchange(loaded.error().others, {});
        errors.push_back(std::move(loaded.error()));
        std::ranges::move(others, std::back_inserter(errors));
      }
    }
  }
  return errors;
}

}  // namespace sandpit
