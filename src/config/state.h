// The values in effect while layers are put on each other. Only config/ includes it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "config/setting.h"

namespace sandpit::config {

class State {
 public:
  using Map = std::map<std::string, Setting, std::less<>>;

  // In the way that its mode says.
  void apply(const Setting& setting);
  // Replaces whatever is there.
  void set(Setting setting);

  [[nodiscard]] const Setting* find(std::string_view key) const;
  // What holds for `runtime`: its own value, else the general one. Null when neither is set.
  [[nodiscard]] const Setting* in_effect(const KeySpec& spec, const std::string& runtime,
                                         const std::string& leaf = {}) const;
  [[nodiscard]] std::uint64_t number(std::string_view limit, const std::string& runtime) const;
  // What holds for `runtime`, with the general hosts where it has the mode alone.
  [[nodiscard]] Network network(const std::string& runtime) const;
  // A network's mode "allow" alone means the hosts that are there: those of its own table only, or
  // the general ones as well.
  [[nodiscard]] Setting with_own_hosts(Setting setting) const;
  [[nodiscard]] Setting with_hosts(Setting setting) const;
  // Would `setting`, from a file that may only tighten, give more than what is in effect?
  [[nodiscard]] bool would_loosen(const Setting& setting) const;
  [[nodiscard]] const Map& map() const { return map_; }

 private:
  void append(const Setting& setting);
  void clamp(const Setting& setting);
  [[nodiscard]] bool has_all_elements(const Setting& setting) const;
  [[nodiscard]] bool drops_all(const Setting& setting) const;
  [[nodiscard]] bool outgrows_defaults(const Setting& setting, std::uint64_t wanted) const;

  Map map_;
};

// max_disk_mb when no layer sets it: at most half the memory limit, because files count as memory.
[[nodiscard]] std::uint64_t default_disk(std::uint64_t memory);

}  // namespace sandpit::config
