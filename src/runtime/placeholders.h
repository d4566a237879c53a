// The placeholders of a manifest's commands and environments, filled in for one request. What may
// stand where is manifest_checks.h's to say. For manifest_runtime.cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sandpit {

// What the placeholders of one request stand for.
struct PlaceholderValues {
  std::string interpreter;
  std::string compiler;
  std::string source;
  std::string source_name;
  std::string work_dir;
  std::string packages;
  std::uint64_t memory_mb = 0;
  std::vector<std::string> args;
  std::vector<std::string> extra_args;
  std::vector<std::string> shebang_args;
  std::vector<std::string> sources;
  std::string prelude;
};

// A name that no program takes for anything but a file: "-o" is an option, "@x" a file of options
// (gcc, javac, rustc and others), "+RTS" one of GHC's.
[[nodiscard]] std::string as_operand(std::string_view name);

// Of one word; of a command, where {args} and its like are several; of NAME=VALUE lines.
[[nodiscard]] std::string expand_word(std::string_view word, const PlaceholderValues& values);
[[nodiscard]] std::vector<std::string> expand(const std::vector<std::string>& words,
                                              const PlaceholderValues& values);
[[nodiscard]] std::vector<std::string> expand(const std::map<std::string, std::string>& environment,
                                              const PlaceholderValues& values);

}  // namespace sandpit
