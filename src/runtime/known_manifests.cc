#include "runtime/known_manifests.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sandpit {

const KnownManifest* known_manifest(std::string_view directory, std::string_view text) {
  const std::span<const KnownManifest> all = known_manifests();
  const auto found = std::ranges::lower_bound(all, directory, {}, &KnownManifest::id);
  return found != all.end() && found->id == directory && found->text == text ? &*found : nullptr;
}

std::vector<std::string> list_of(std::string_view lines) {
  std::vector<std::string> list;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    list.emplace_back(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return list;
}

}  // namespace sandpit
