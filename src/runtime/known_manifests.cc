#include "runtime/known_manifests.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace sandpit {

const KnownManifest* known_manifest(std::string_view directory, std::string_view text) {
  const std::span<const KnownManifest> all = known_manifests();
  const auto found = std::lower_bound(
      all.begin(), all.end(), directory,
      [](const KnownManifest& known, std::string_view id) { return known.id < id; });
  return found != all.end() && found->id == directory && found->text == text ? &*found : nullptr;
}

}  // namespace sandpit
