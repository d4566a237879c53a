// Options that several commands take: limits, and what a program may use. For the files of cli/
// that build CLI11 parsers.
#pragma once

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"

namespace sandpit::cli {

inline constexpr const char* kLimitsGroup = "Limits";
inline constexpr const char* kAccessGroup = "What the program may use";
inline constexpr const char* kOutputGroup = "Output";

// As text, before their values are looked at; empty: not given.
struct RawLimits {
  std::string memory, memory_limit, cpu_time, cpu_limit, timeout, compile_timeout, compile_memory,
      processes, file_size, disk, open_files, stack, output;
};
struct RawAccess {
  std::vector<std::string> read, write, env, net;
  std::string lint;
  bool no_denials = false;
};

enum class CompileLimits : std::uint8_t { kNone, kTaken };

// The last one wins.
CLI::Option* add_text(CLI::App& app, const char* name, std::string& value, const char* type,
                      const char* help, const char* group);
// Repeatable.
void add_list(CLI::App& app, const char* name, std::vector<std::string>& values, const char* type,
              const char* help, const char* group);
void add_flag(CLI::App& app, const char* name, bool& value, const char* help,
              const char* group = kOutputGroup);
void add_limit_options(CLI::App& app, RawLimits& raw, CompileLimits compile);
// --read, --write, --env, --net and --no-denials.
void add_access_options(CLI::App& app, RawAccess& raw);

[[nodiscard]] Error usage_error(std::string message, std::string hint);

// Collects every bad value before it gives up: the user mends all of them in one go.
class Values {
 public:
  // `given` empty: not given, nothing is set.
  template <class T, class Parse>
  void set(std::optional<T>& target, const char* option, const std::string& given, Parse parse) {
    if (given.empty()) return;
    if (auto value = parse(given)) {
      target = std::move(*value);
    } else {
      add(option, std::move(value).error());
    }
  }
  template <class Parse, class Use>
  void each(const char* option, const std::vector<std::string>& given, Parse parse, Use use) {
    for (const std::string& text : given) {
      if (auto value = parse(text)) {
        use(std::move(*value));
      } else {
        add(option, std::move(value).error());
      }
    }
  }
  void add(const char* option, Error error);
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  std::optional<Error> error_;
};

void set_limits(const RawLimits& raw, LimitOverrides& limits, Values& values);
void set_access(const RawAccess& raw, const std::string& current_directory, Request& request,
                Values& values);

// "--memory", "--timeout" …
[[nodiscard]] std::vector<std::string> long_names(const CLI::App& app);
// No option takes an empty value. Of "--name=" CLI11 would take the next word as the value, which
// is the user's file. `words`: those that are options or their values.
[[nodiscard]] Result<void> check_empty_values(std::span<const std::string> words,
                                              const CLI::App& app);

}  // namespace sandpit::cli
