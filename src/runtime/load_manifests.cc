// load_manifests: from directories to runtimes.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "runtime/manifest_runtime.h"
#include "sandpit/runtime.h"

namespace sandpit {
namespace {

namespace fs = std::filesystem;

// A manifest is a page of text; what is larger is something else.
constexpr std::size_t kMostBytes = 256UL << 10U;

std::vector<std::string> subdirectories(const std::string& directory, std::vector<Error>& errors) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().string());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    errors.push_back(errno_error(fmt::format("can't read {}", directory), error.value()));
  }
  // readdir's order is the file system's; a later manifest of the same id wins, so the order must not depend on it.
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> read_text(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    return fail({.code = ErrorCode::kUsage, .message = "not a regular file", .where = path});
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(std::min<std::uintmax_t>(fs::file_size(path, error), kMostBytes + 1), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file && !file.eof()) return fail({.code = ErrorCode::kUsage, .message = "can't be read", .where = path});
  if (text.size() > kMostBytes) return fail({.code = ErrorCode::kUsage, .message = "larger than 256 KiB", .where = path});
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

Result<Manifest> load(const std::string& path) {
  SP_TRY(const std::string text, read_text(path));
  SP_TRY(Manifest manifest, parse_manifest(text, path));
  const std::string directory = fs::path(path).parent_path().filename().string();
  if (manifest.id != directory) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("id is '{}' but the directory is named '{}'", manifest.id, directory),
                 .where = path});
  }
  return manifest;
}

}  // namespace

std::vector<Error> load_manifests(RuntimeRegistry& registry, const std::vector<std::string>& directories) {
  std::vector<Error> errors;
  const LookupContext context = LookupContext::of_this_process();
  for (const std::string& directory : directories) {
    for (const std::string& subdirectory : subdirectories(directory, errors)) {
      const std::string path = subdirectory + "/runtime.toml";
      std::error_code error;
      if (!fs::exists(fs::symlink_status(path, error))) continue;
      Result<Manifest> manifest = load(path);
      if (manifest) {
        registry.add(std::make_unique<ManifestRuntime>(std::move(*manifest), context));
      } else {
        errors.push_back(std::move(manifest.error()));
      }
    }
  }
  return errors;
}

}  // namespace sandpit
