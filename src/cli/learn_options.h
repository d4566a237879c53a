// The command line of `sandpit learn`. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "learn/rules.h"
#include "sandpit/request.h"

namespace sandpit::cli {

struct LearnArguments {
  std::string help;     // not empty: print it and do nothing else
  std::string output;   // empty: standard output
  bool force = false;   // the output may exist
  std::string name;     // of the profile that is made
  std::string profile;  // that it is to inherit; empty: the default one
  std::string program;  // as the user named it
  unsigned most_runs = 40;
  bool quiet = false;
  learn::Rules rules;  // without `here`, `home` and what the host has
  Request request;
  bool is_command = false;
};

[[nodiscard]] Result<LearnArguments> parse_learn(std::span<const std::string> arguments,
                                                 const std::string& current_directory);

// For the tests of completions and man page.
[[nodiscard]] std::vector<std::string> learn_option_names();

}  // namespace sandpit::cli
