#include "service/file_pack.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/binary.h"
#include "base/memory_file.h"
#include "base/outcome_text.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "plan/plan.h"
#include "sandpit/error.h"
#include "sandpit/units.h"
#include "service/source_input.h"

namespace sandpit {

// NOLINTBEGIN(misc-use-internal-linkage): look-up by argument passes unnamed namespaces over.
template <class Archive, binary::Is<PackedFile> T>
void describe(Archive& a, T& v) {
  a(v.name, v.mode, v.directory, v.offset, v.size);
}
// NOLINTEND(misc-use-internal-linkage)

namespace {

// What stands behind the table of contents: its length.
using Footer = std::uint64_t;

Result<void> write_at(int fd, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error("can't keep a copy of a file", errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

Error damaged() { return {.code = ErrorCode::kSystem, .message = "a damaged pack of files"}; }

Error in_the_way(std::string_view name) {
  return {.code = ErrorCode::kUsage,
          .message = fmt::format("'{}' would be two things: there is a file or a directory of this "
                                 "name already",
                                 printable(name))};
}

// What there is: a name, and whether it is a directory.
using Names = std::unordered_map<std::string, bool>;

Result<void> add_parents(std::string_view name, Names& known, std::vector<InputFile>& inputs) {
  for (std::size_t slash = name.find('/'); slash != std::string_view::npos;
       slash = name.find('/', slash + 1)) {
    std::string parent(name.substr(0, slash));
    const auto [there, added] = known.emplace(parent, true);
    if (!there->second) return fail(in_the_way(parent));
    if (added) inputs.push_back({.name = std::move(parent), .mode = 0755, .directory = true});
  }
  return {};
}

}  // namespace

bool is_relative_name(std::string_view name) {
  while (true) {
    const std::size_t slash = name.find('/');
    if (!is_component(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

void FilePack::add(PackedFile file) {
  name_bytes_ += file.name.size();
  names_.insert(file.name);
  files_.push_back(std::move(file));
}

Result<void> FilePack::make_room(std::string_view name, std::uint64_t size) const {
  if (name.size() > kLongestName) {
    return fail({.code = ErrorCode::kRefused,
                 .message = fmt::format("a file's name with its directories has more than {} bytes",
                                        kLongestName)});
  }
  if (files_.size() >= kMostEntries || name_bytes_ + name.size() > kMostNameBytes) {
    return fail({.code = ErrorCode::kRefused,
                 .message = fmt::format("there are more than {} files, or their names are too long "
                                        "together",
                                        files_.size())});
  }
  if (size <= most_.count() && end_ <= most_.count() - size) return {};
  return fail({.code = ErrorCode::kRefused,
               .message = fmt::format("the files have more than {} together", to_text(most_))});
}

Result<void> FilePack::add_directory(const std::string& name) {
  SP_TRY_VOID(make_room(name, 0));
  add({.name = name, .mode = 0755, .directory = true});
  return {};
}

Result<void> FilePack::add_file(const std::string& name, std::uint16_t mode, int fd,
                                std::uint64_t size) {
  SP_TRY_VOID(make_room(name, size));
  const std::uint64_t begin = end_;
  if (::lseek(store_.get(), static_cast<off_t>(begin), SEEK_SET) < 0)
    return fail(errno_error("can't keep a copy of a file", errno));
  off_t from = 0;
  while (static_cast<std::uint64_t>(from) < size) {
    const ssize_t n = ::sendfile(store_.get(), fd, &from, size - static_cast<std::uint64_t>(from));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error(fmt::format("can't copy '{}'", printable(name)), errno));
    if (n == 0) break;
  }
  end_ = begin + static_cast<std::uint64_t>(from);
  add({.name = name, .mode = mode, .offset = begin, .size = end_ - begin});
  return {};
}

Result<void> FilePack::add_text(const std::string& name, std::string_view text) {
  SP_TRY_VOID(make_room(name, text.size()));
  SP_TRY_VOID(write_at(store_.get(), text, end_));
  add({.name = name, .offset = end_, .size = text.size()});
  end_ += text.size();
  return {};
}

Result<void> FilePack::append_to(std::vector<InputFile>& inputs,
                                 std::vector<UniqueFd>& descriptors) const {
  bool first = true;
  Names known;
  for (const InputFile& input : inputs) known.emplace(input.name, input.directory);
  for (const PackedFile& file : files_) {
    SP_TRY_VOID(add_parents(file.name, known, inputs));
    const auto [there, added] = known.emplace(file.name, file.directory);
    if (!added && !(there->second && file.directory)) return fail(in_the_way(file.name));
    if (!added) continue;
    InputFile input{.name = file.name,
                    .mode = file.mode,
                    .size = file.size,
                    .offset = file.offset,
                    .directory = file.directory,
                    .same_descriptor = !first && !file.directory};
    if (!file.directory && first) {
      UniqueFd copy(::fcntl(store_.get(), F_DUPFD_CLOEXEC, 3));
      if (!copy.valid()) return fail(errno_error("dup", errno));
      descriptors.push_back(std::move(copy));
      first = false;
    }
    inputs.push_back(std::move(input));
  }
  return {};
}

Result<std::string> FilePack::digest() const {
  binary::Writer writer;
  writer(files_);
  SP_TRY(const FileView view, FileView::map(store_.get(), end_));
  return sha256_hex(std::move(writer).take() + sha256_hex(view.bytes()));
}

Result<UniqueFd> FilePack::to_blob(const std::string& note) && {
  binary::Writer writer;
  writer(files_, note);
  std::string table = std::move(writer).take();
  const Footer size = table.size();
  table.append(reinterpret_cast<const char*>(&size), sizeof size);
  SP_TRY_VOID(write_at(store_.get(), table, end_));
  SP_TRY_VOID(seal(store_.get()));
  return std::move(store_);
}

Result<FilePack> FilePack::from_blob(UniqueFd blob, std::string& note) {
  const std::uint64_t size = size_of_file(blob.get());
  Footer table = 0;
  if (!is_sealed(blob.get()) || size < sizeof table ||
      ::pread(blob.get(), &table, sizeof table, static_cast<off_t>(size - sizeof table)) !=
          static_cast<ssize_t>(sizeof table) ||
      table > size - sizeof table) {
    return fail(damaged());
  }
  const std::uint64_t bytes = size - sizeof table - table;
  FilePack pack(std::move(blob), ByteCount::bytes(bytes));
  SP_TRY(const FileView view, FileView::map(pack.store_.get(), size));
  binary::Reader reader(view.bytes().substr(bytes, table));
  reader(pack.files_, note);
  if (!reader.finished()) return fail(damaged());
  if (pack.files_.size() > kMostEntries) return fail(damaged());
  constexpr unsigned kPermissions = 0755;
  for (const PackedFile& file : pack.files_) {
    if (!is_relative_name(file.name) || file.name.size() > kLongestName ||
        (file.mode & ~kPermissions) != 0 || file.offset > bytes ||
        file.size > bytes - file.offset || !pack.names_.insert(file.name).second)
      return fail(damaged());
  }
  pack.end_ = bytes;
  return pack;
}

}  // namespace sandpit
