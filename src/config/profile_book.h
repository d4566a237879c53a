// Every profile that any layer defines, and who inherits from whom. Only config/ includes it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/setting.h"

namespace sandpit::config {

// Which definitions count: those of untrusted files can only tighten what the others give.
enum class Sources { kTrusted, kUntrusted, kAll };

class ProfileBook {
 public:
  ProfileBook();  // with the built-in profiles in it

  // Layers in their order, the lowest first.
  void add(const Profile& profile);
  // Parents that don't exist and circles.
  void report(Problems& problems) const;

  [[nodiscard]] bool has(std::string_view name, Sources sources) const;
  // `name`'s ancestors from the root down, then itself. To be called only after report() found
  // nothing.
  [[nodiscard]] std::vector<std::string> chain(const std::string& name, Sources sources) const;
  // The settings of a chain, in the order in which they apply.
  [[nodiscard]] std::vector<Setting> settings(const std::vector<std::string>& chain,
                                              Sources sources) const;
  // "did you mean …" for a name that does not exist.
  [[nodiscard]] std::string suggest(std::string_view name) const;

 private:
  // The definition whose `inherits` counts; null: none inherits.
  [[nodiscard]] const Profile* heir(std::string_view name, Sources sources) const;

  std::map<std::string, std::vector<Profile>, std::less<>> profiles_;
};

}  // namespace sandpit::config
