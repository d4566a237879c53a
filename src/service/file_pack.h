// Many files as one: a request's further sources, or what a compile step made. One descriptor holds
// their bytes, so that any number of them travels to the launcher and into the cache.
#pragma once

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
#include "sandpit/units.h"

namespace sandpit {

struct PackedFile {
  std::string name;  // relative, checked by is_relative_name
  std::uint16_t mode = 0644;
  bool directory = false;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// Below what a name may be in a pack: components that are neither empty nor "." nor "..", no NUL.
[[nodiscard]] bool is_relative_name(std::string_view name);

class FilePack {
 public:
  static constexpr std::size_t kMostEntries = 16384;
  static constexpr std::uint64_t kMostNameBytes = 4U << 20U;
  // With its directories; the kernel takes no longer path (PATH_MAX).
  static constexpr std::size_t kLongestName = 4000;

  // `store`: an empty file of ours, which takes the bytes. `most`: of all files together.
  FilePack(UniqueFd store, ByteCount most) : store_(std::move(store)), most_(most) {}

  // These refuse (kRefused) what makes the pack too large: in bytes, in entries or in their names.
  [[nodiscard]] Result<void> add_directory(const std::string& name);
  // Copies `size` bytes from the beginning of `fd`, or fewer when it is shorter.
  [[nodiscard]] Result<void> add_file(const std::string& name, std::uint16_t mode, int fd,
                                      std::uint64_t size);
  [[nodiscard]] Result<void> add_text(const std::string& name, std::string_view text);

  [[nodiscard]] const std::vector<PackedFile>& files() const { return files_; }
  [[nodiscard]] bool holds(const std::string& name) const { return names_.contains(name); }
  [[nodiscard]] int descriptor() const { return store_.get(); }
  // Of all names, modes and bytes.
  [[nodiscard]] Result<std::string> digest() const;
  // Appends the files to the inputs of a plan, with one descriptor for all of them. Directories
  // that their names need and that nobody has made yet are made. kUsage when a name would be a file
  // twice, or both a file and a directory.
  [[nodiscard]] Result<void> append_to(std::vector<InputFile>& inputs,
                                       std::vector<UniqueFd>& descriptors) const;

  // The pack with its own table of contents and `note` behind the bytes, sealed: for the cache.
  [[nodiscard]] Result<UniqueFd> to_blob(const std::string& note) &&;
  // Error kSystem for anything that to_blob could not have made.
  [[nodiscard]] static Result<FilePack> from_blob(UniqueFd blob, std::string& note);

 private:
  [[nodiscard]] Result<void> make_room(std::string_view name, std::uint64_t size) const;
  void add(PackedFile file);
  UniqueFd store_;
  ByteCount most_;
  std::uint64_t end_ = 0;
  std::uint64_t name_bytes_ = 0;
  std::vector<PackedFile> files_;
  std::unordered_set<std::string> names_;
};

}  // namespace sandpit
