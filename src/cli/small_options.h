// The command lines of the subcommands that run nothing: a few flags and words. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace sandpit::cli {

enum SmallFlag : std::uint8_t {
  kFlagJson = 1,     // --json
  kFlagConfig = 2,   // --config PATH, --profile NAME
  kFlagRemove = 4,   // --remove
  kFlagRuntime = 8,  // --runtime NAME
  kFlagSarif = 16,   // --sarif
  kFlagOutput = 32,  // -o, --output FILE
  kFlagProve = 64,   // --prove
};

inline constexpr std::size_t kManyWords = 65536;  // as good as any number

struct SmallCommand {
  const char* usage = "";
  const char* description = "";
  std::uint8_t flags = 0;
  std::size_t min_words = 0;
  std::size_t max_words = 0;
};

struct SmallOptions {
  std::string help;  // not empty: print it and do nothing else
  bool json = false;
  bool sarif = false;
  bool remove = false;
  bool prove = false;
  std::string output;
  std::string config;
  std::string profile;
  std::string runtime;
  std::vector<std::string> words;
};

[[nodiscard]] Result<SmallOptions> parse_small(const SmallCommand& command,
                                               std::span<const std::string> arguments);

}  // namespace sandpit::cli
