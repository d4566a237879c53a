#include "config/trust.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/sha256.h"
#include "base/unique_fd.h"
#include "config/file.h"
#include "config/paths.h"
#include "config/project_file.h"
#include "config/setting.h"
#include "config/toml_tree.h"

namespace sandpit {
namespace {

struct Trusted {
  std::string path;
  std::string sha256;
};

Error usage(std::string message, std::string hint = {}) {
  return Error{.code = ErrorCode::kUsage,
               .message = std::move(message),
               .where = {},
               .hint = std::move(hint)};
}

Result<std::string> file_or_default(std::string trust_file) {
  if (trust_file.empty()) trust_file = config::default_trust_file();
  if (trust_file.empty()) return fail(usage("no place for the record of trust: HOME is not set"));
  return trust_file;
}

const std::string* text_at(const config::Node::Table& table, std::string_view key) {
  const auto found = std::ranges::find(table, key, &config::Entry::key);
  return found == table.end() ? nullptr : found->node.as<std::string>();
}

// An entry that is not as we write it is left out: it can't make anything trusted.
std::vector<Trusted> parse_record(const config::Node& root) {
  std::vector<Trusted> record;
  for (const config::Entry& entry : *root.as<config::Node::Table>()) {
    const auto* list = entry.node.as<config::Node::Array>();
    if (entry.key != "trusted" || list == nullptr) continue;
    for (const config::Node& node : *list) {
      const auto* table = node.as<config::Node::Table>();
      if (table == nullptr) continue;
      const std::string* const path = text_at(*table, "path");
      const std::string* const digest = text_at(*table, "sha256");
      if (path != nullptr && digest != nullptr) record.push_back({*path, *digest});
    }
  }
  return record;
}

Result<std::vector<Trusted>> read_record(const std::string& trust_file) {
  SP_TRY(const std::optional<config::ReadFile> file, config::read_small_file(trust_file));
  if (!file) return std::vector<Trusted>{};
  if (!file->private_to_us) {
    return fail(usage(fmt::format("{}: others may write it, so it is not believed", trust_file),
                      fmt::format("chmod 600 {}, after a look at what is in it", trust_file)));
  }
  const config::Layer layer{.name = "trust", .file = trust_file, .directory = {}, .home = {}};
  config::Problems problems;
  const config::Node root = config::parse_toml(file->text, layer, problems);
  if (!problems.empty()) return fail(problems.take());
  return parse_record(root);
}

Result<void> write_record(const std::string& trust_file, const std::vector<Trusted>& record) {
  std::string text = "# Written by `sandpit trust`.\n";
  for (const Trusted& entry : record) {
    text += fmt::format("\n[[trusted]]\npath = {}\nsha256 = {}\n", config::quote(entry.path),
                        config::quote(entry.sha256));
  }
  return config::replace_file(trust_file, text);
}

// Held while the record is read, changed and replaced. The lock is a file of its own, because a
// rename would leave a waiting process with a lock on the file that is gone.
Result<UniqueFd> lock_record(const std::string& trust_file) {
  SP_TRY_VOID(config::make_directories_above(trust_file));
  const std::string path = trust_file + ".lock";
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.valid()) return fail(errno_error(path, errno));
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail(errno_error(path, errno));
  }
  return lock;
}

}  // namespace

Result<void> trust_directory(const std::string& dir, std::string trust_file) {
  SP_TRY(const std::string record_file, file_or_default(std::move(trust_file)));
  SP_TRY(const std::optional<config::ProjectFile> project, config::find_project_file(dir));
  if (!project) {
    return fail(usage(fmt::format("{}: no sandbox.toml and no config/sandbox.toml here", dir)));
  }
  SP_TRY(const UniqueFd lock, lock_record(record_file));
  SP_TRY(std::vector<Trusted> record, read_record(record_file));
  std::erase_if(record, [&](const Trusted& entry) { return entry.path == project->canonical; });
  record.push_back({project->canonical, sha256_hex(project->text)});
  return write_record(record_file, record);
}

Result<void> untrust_directory(const std::string& dir, std::string trust_file) {
  SP_TRY(const std::string record_file, file_or_default(std::move(trust_file)));
  const std::string directory = config::canonical(dir).value_or(dir);
  SP_TRY(const UniqueFd lock, lock_record(record_file));
  SP_TRY(std::vector<Trusted> record, read_record(record_file));
  const auto removed = std::erase_if(record, [&](const Trusted& entry) {
    return std::ranges::any_of(config::kProjectFileNames, [&](std::string_view name) {
      return entry.path == config::below(directory, name);
    });
  });
  if (removed == 0) return fail(usage(fmt::format("{}: was not trusted", dir)));
  return write_record(record_file, record);
}

Result<TrustState> look_up_trust(const std::string& canonical_path, std::string_view content,
                                 std::string trust_file) {
  if (trust_file.empty()) trust_file = config::default_trust_file();
  if (trust_file.empty()) return TrustState::kUnknown;
  SP_TRY(const std::vector<Trusted> record, read_record(trust_file));
  const auto found = std::ranges::find(record, canonical_path, &Trusted::path);
  if (found == record.end()) return TrustState::kUnknown;
  return found->sha256 == sha256_hex(content) ? TrustState::kTrusted : TrustState::kChanged;
}

}  // namespace sandpit
