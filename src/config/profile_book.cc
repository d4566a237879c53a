#include "config/profile_book.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>
#include <string>
#include <string_view>
#include <vector>

#include "config/builtin.h"
#include "config/setting.h"
#include "config/suggest.h"

namespace sandpit::config {
namespace {

bool is_trusted(const Profile& profile) {
  return profile.layer == nullptr || profile.layer->trusted;
}

bool counts(const Profile& profile, Sources sources) {
  return sources == Sources::kAll || is_trusted(profile) == (sources == Sources::kTrusted);
}

}  // namespace

ProfileBook::ProfileBook() {
  for (const std::string_view name : builtin_profile_names()) {
    add({.name = std::string(name),
         .inherits = {},
         .inherits_place = {},
         .place = {},
         .layer = nullptr,
         .settings = builtin_profile(name)});
  }
}

void ProfileBook::add(const Profile& profile) { profiles_[profile.name].push_back(profile); }

bool ProfileBook::has(std::string_view name, Sources sources) const {
  const auto found = profiles_.find(name);
  return found != profiles_.end() &&
         std::ranges::any_of(found->second, [&](const Profile& p) { return counts(p, sources); });
}

const Profile* ProfileBook::heir(std::string_view name, Sources sources) const {
  const auto found = profiles_.find(name);
  if (found == profiles_.end()) return nullptr;
  // An untrusted file may not give a new parent to a profile that trusted layers define.
  if (sources == Sources::kAll && has(name, Sources::kTrusted)) sources = Sources::kTrusted;
  for (const Profile& profile : std::views::reverse(found->second)) {
    if (counts(profile, sources) && profile.inherits_place.line != 0) return &profile;
  }
  return nullptr;
}

void ProfileBook::report(Problems& problems) const {
  bool complete = true;
  for (const auto& [name, definitions] : profiles_) {
    for (const Profile& profile : definitions) {
      if (profile.inherits_place.line == 0 || has(profile.inherits, Sources::kAll)) continue;
      complete = false;
      problems.add(*profile.layer, profile.inherits_place,
                   fmt::format("profile {} inherits from {}, which does not exist", quote(name),
                               quote(profile.inherits)),
                   suggest(profile.inherits));
    }
  }
  if (!complete) return;
  for (const auto& [name, definitions] : profiles_) {
    std::vector<std::string> path = {name};
    const Profile* const first = heir(name, Sources::kAll);
    for (const Profile* next = first; next != nullptr; next = heir(next->inherits, Sources::kAll)) {
      const bool seen = std::ranges::find(path, next->inherits) != path.end();
      path.push_back(next->inherits);
      if (!seen) continue;
      // Told once, of the circle's first name.
      if (path.back() == name && name == *std::ranges::min_element(path)) {
        problems.add(*first->layer, first->inherits_place,
                     fmt::format("profiles inherit in a circle: {}", fmt::join(path, " -> ")));
      }
      break;
    }
  }
}

std::vector<std::string> ProfileBook::chain(const std::string& name, Sources sources) const {
  std::vector<std::string> names = {name};
  for (const Profile* next = heir(name, sources); next != nullptr;
       next = heir(next->inherits, sources)) {
    // Ends: report() found no circle, and an untrusted file can't change the parent of a trusted
    // profile.
    names.insert(names.begin(), next->inherits);
  }
  return names;
}

std::vector<Setting> ProfileBook::settings(const std::vector<std::string>& chain,
                                           Sources sources) const {
  std::vector<Setting> settings;
  for (const std::string& name : chain) {
    const auto found = profiles_.find(name);
    if (found == profiles_.end()) continue;
    for (const Profile& profile : found->second) {
      if (!counts(profile, sources)) continue;
      settings.insert(settings.end(), profile.settings.begin(), profile.settings.end());
    }
  }
  return settings;
}

std::string ProfileBook::suggest(std::string_view name) const {
  std::vector<std::string_view> names;
  names.reserve(profiles_.size());
  for (const auto& [known, definitions] : profiles_) names.emplace_back(known);
  return suggestion(name, names);
}

}  // namespace sandpit::config
