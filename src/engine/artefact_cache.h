// What compilers made, on disk, so that a program is compiled once. Only trusted code writes here:
// what comes out of a jail is handed over in a sealed memory file before any code of the program
// runs, and the supervisor's side stores it. An entry holds machine code, so it is checked: the
// directory and the file must be ours and not writable by others, and the checksum, which covers
// the key too, must be right. Whatever fails a check is ignored, and replaced at the next chance.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/units.h"

namespace sandpit {

// Which cache: its entries' suffix, and the setting to name when its directory is no good.
struct ArtefactKind {
  std::string_view suffix;
  std::string_view setting;
};
inline constexpr ArtefactKind kCompiledModule{.suffix = ".cwasm",
                                              .setting = "runtimes.wasm.cache_dir"};
inline constexpr ArtefactKind kCompiledProgram{.suffix = ".program",
                                               .setting = "compile.cache_dir"};

class ArtefactCache {
 public:
  // Makes the directory (0700) when it is missing. Error kSystem when there can't be one.
  [[nodiscard]] static Result<ArtefactCache> open(const ArtefactKind& kind,
                                                  const std::string& directory, ByteCount max_size);

  // The artefact in a sealed memory file; invalid when there is none that can be trusted, or it is
  // larger than `most`.
  [[nodiscard]] UniqueFd load(std::string_view key, ByteCount most) const;
  // Stores what the sealed memory file holds, atomically; entries used least recently go when the
  // directory is larger than max_size. One that is larger than `most`, or that claims bytes which
  // it does not hold (a sparse file costs its maker nothing), is refused.
  [[nodiscard]] Result<void> store(std::string_view key, int artefact, ByteCount most) const;
  // For an entry that the worker could not use (another build of it had made it).
  void remove(std::string_view key) const;

 private:
  ArtefactCache(const ArtefactKind& kind, UniqueFd directory, ByteCount max_size)
      : kind_(&kind), directory_(std::move(directory)), max_size_(max_size) {}
  [[nodiscard]] std::string entry_name(std::string_view key) const;
  void evict() const;
  const ArtefactKind* kind_;
  UniqueFd directory_;
  ByteCount max_size_;
};

}  // namespace sandpit
