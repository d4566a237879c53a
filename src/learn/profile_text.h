// What was learned as a TOML profile: a grant on each line, with the reason behind it. What was not
// granted is there too, commented out. All that comes from the program is escaped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "learn/need.h"

namespace sandpit::learn {

struct ProfileText {
  std::string name;      // letters, digits, '-' and '_'
  std::string inherits;  // the profile below it
  std::string program;   // for the comments
  std::vector<Need> needs;
  std::vector<std::string> hopeless;  // what was denied, and nothing allows
  std::string verdict;                // one sentence; empty while it is being learned
  // Names are asked of a list that has no host in it: the proxy says which are missing, and reaches
  // none.
  bool observe_network = false;
};

[[nodiscard]] std::string to_toml(const ProfileText& profile);

// A basic string of TOML, quotes included. `text` must be UTF-8.
[[nodiscard]] std::string toml_string(std::string_view text);

}  // namespace sandpit::learn
