#include "config/project_file.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "config/file.h"
#include "config/paths.h"

namespace sandpit::config {

std::string below(std::string_view directory, std::string_view name) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.remove_suffix(1);
  if (directory.empty() || directory == ".") return std::string(name);
  std::string path(directory);
  if (path != "/") path.push_back('/');
  return path.append(name);
}

Result<std::optional<ProjectFile>> find_project_file(const std::string& directory) {
  for (const std::string_view name : kProjectFileNames) {
    std::string shown = below(directory, name);
    SP_TRY(std::optional<ReadFile> file, read_small_file(shown));
    if (!file) continue;
    SP_TRY(const std::string real_directory, canonical(directory.empty() ? "." : directory));
    return ProjectFile{.shown = std::move(shown),
                       .canonical = below(real_directory, name),
                       .text = std::move(file->text)};
  }
  return std::nullopt;
}

}  // namespace sandpit::config
