// Compiled modules on disk, so that a module is compiled once. Only trusted code writes here: the
// worker hands the artefact over in a sealed memory file before any code of the module runs, and
// the supervisor's side stores it. An entry holds machine code, so it is checked: the directory and
// the file must be ours and not writable by others, and the checksum, which covers the key too,
// must be right. Whatever fails a check is ignored, and replaced at the next chance.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/wasm_plan.h"
#include "sandpit/units.h"

namespace sandpit::wasm {

class ArtefactCache {
 public:
  // Makes the directory (0700) when it is missing. Error kSystem when there can't be one.
  [[nodiscard]] static Result<ArtefactCache> open(const std::string& directory, ByteCount max_size);

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
  ArtefactCache(UniqueFd directory, ByteCount max_size)
      : directory_(std::move(directory)), max_size_(max_size) {}
  void evict() const;
  UniqueFd directory_;
  ByteCount max_size_;
};

// What an artefact depends on: the module's bytes, the settings that reach the compiler, Wasmtime's
// version and this processor's features. 64 hexadecimal digits.
[[nodiscard]] std::string artefact_key(const WasmPlan& plan);

}  // namespace sandpit::wasm
