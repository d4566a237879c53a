// The manifests of this source tree as they were when it was built. To read seventy of them as TOML
// takes as long as a jail: of a file that is the same in every byte it is known what it says, and
// only who it is for is asked of most. Used by load_manifests; tools/manifestgen writes the table.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sandpit {

struct KnownManifest {
  std::string_view id;  // and the name of its directory
  std::string_view text;
  // Lists: with a newline between.
  std::string_view aliases;
  std::string_view extensions;
  std::string_view shebangs;
  std::string_view magic;
  std::string_view extensions_place;  // ":line:column", for behind a path
};

// By id. Made at build time, of manifests that were found good then.
[[nodiscard]] std::span<const KnownManifest> known_manifests();

// Null where there is none of this name, or where its text is another in any byte.
[[nodiscard]] const KnownManifest* known_manifest(std::string_view directory,
                                                  std::string_view text);

// The words of such a list.
[[nodiscard]] inline std::vector<std::string> list_of(std::string_view lines) {
  std::vector<std::string> list;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    list.emplace_back(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return list;
}

}  // namespace sandpit
