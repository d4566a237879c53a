#include "service/file_hints.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/utf8.h"
#include "plan/plan.h"
#include "policy/inside_path.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sys/host_file.h"

namespace sandpit {
namespace {

bool is_writing(const FileAccess& access) {
  return access.access == "write" || access.access == "create" || access.access == "remove" ||
         access.access == "change";
}

std::string parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

// A colon would begin the place inside.
std::string escaped(std::string_view path) {
  std::string text;
  for (const char c : path) {
    if (c == ':' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

std::string shell_word(std::string text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
  if (text.find_first_not_of(kPlain) == std::string::npos) return text;
  for (std::size_t i = text.find('\''); i != std::string::npos; i = text.find('\'', i + 4)) {
    text.replace(i, 1, R"('\'')");
  }
  return fmt::format("'{}'", text);
}

// `rest` begins with a slash, or is empty.
std::string below(std::string_view directory, std::string_view rest) {
  return fmt::format("{}{}", directory == "/" ? "" : directory, rest);
}

}  // namespace

std::string option_for(const PathGrant& grant) {
  if (printable(grant.host) != grant.host || printable(grant.inside) != grant.inside) return {};
  std::string value = escaped(grant.host);
  if (grant.inside != grant.host) value += ":" + escaped(grant.inside);
  return fmt::format("{} {}", grant.access == Access::kRead ? "--read" : "--write",
                     shell_word(std::move(value)));
}

FileHints::FileHints(const Plan& plan, std::string current_directory)
    : work_dir_(plan.work_dir), current_directory_(std::move(current_directory)) {
  if (!plan.trace) return;
  for (const Mount& mount : plan.mounts) {
    if (mount.kind == MountKind::kBind && (mount.flags & kMountGranted) != 0) {
      granted_.push_back(mount);
    }
  }
}

// The innermost one.
const Mount* FileHints::granted_over(std::string_view path) const {
  const Mount* found = nullptr;
  for (const Mount& mount : granted_) {
    const bool nearer = found == nullptr || mount.target.size() > found->target.size();
    if (nearer && is_within(path, mount.target)) found = &mount;
  }
  return found;
}

void FileHints::explain_one(FileAccess& access) const {
  const Access wanted = is_writing(access) ? Access::kReadWrite : Access::kRead;
  const auto allow = [&](std::string host, std::string inside) {
    access.grant = {.host = std::move(host), .inside = std::move(inside), .access = wanted};
    access.hint = option_for(*access.grant);
  };
  if (const Mount* mount = granted_over(access.path)) {
    // What was granted has that, too: only its being read-only is ours.
    if (wanted == Access::kReadWrite && (mount->flags & kMountReadOnly) != 0) {
      allow(mount->source, mount->target);
    }
    return;
  }
  std::string inside = access.path;
  const auto host_of = [&](const std::string& path) {
    return is_within(path, work_dir_)
               ? below(current_directory_, std::string_view(path).substr(work_dir_.size()))
               : path;
  };
  auto file = sys::find_host_file(host_of(inside));
  if (!file && access.access == "create") {
    inside = parent_of(inside);
    file = sys::find_host_file(host_of(inside));
    if (file && !S_ISDIR(file->mode)) return;
  }
  if (!file || (!S_ISREG(file->mode) && !S_ISDIR(file->mode))) return;
  if (!why_not_mountable(inside, work_dir_).empty()) return;
  allow(host_of(inside), inside);
}

void FileHints::explain(FileTrace& trace) const {
  for (FileAccess& access : trace.failed) explain_one(access);
  std::ranges::stable_partition(trace.failed,
                                [](const FileAccess& access) { return access.grant.has_value(); });
}

FileHints hints_for(const Plan& plan) {
  if (!plan.trace) return {plan, {}};
  std::error_code error;
  std::string here = std::filesystem::current_path(error).string();
  return {plan, error ? "/" : std::move(here)};
}

}  // namespace sandpit
