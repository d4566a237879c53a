// Finds the smallest profile that lets a program pass, by running it again and again: what it was
// denied is granted, as far as the rules go, until it passes; then each grant is taken away once,
// and stays away when the program does the same without it. Pure but for `run`: tests need no jail.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "learn/need.h"
#include "learn/profile_text.h"
#include "learn/rules.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"

namespace sandpit::learn {

enum class Watch : std::uint8_t { kNo, kYes };

struct Ran {
  Outcome outcome;  // with the program's output
  Limits limits;    // that it ran with
};

// Runs the program once under this configuration file's profile. An error ends the learning.
using Run = std::function<Result<Ran>(const std::string& toml, Watch watch)>;

struct Learner {
  Run run;
  Rules rules;
  std::string name;
  std::string inherits;
  std::string program;
  unsigned most_runs = 40;
};

struct Learned {
  std::string toml;
  bool passes = false;  // the last run, under this very text, ended with 0
  unsigned runs = 0;
  std::size_t granted = 0;
  std::size_t refused = 0;
  Outcome last;
};

[[nodiscard]] Result<Learned> learn(const Learner& learner);

}  // namespace sandpit::learn
