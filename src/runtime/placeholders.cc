#include "runtime/placeholders.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/manifest.h"

namespace sandpit {
namespace {

std::string value_of(std::string_view name, const PlaceholderValues& values) {
  if (name == "interpreter") return values.interpreter;
  if (name == "compiler") return values.compiler;
  if (name == "source") return values.source;
  if (name == "source_name") return as_operand(values.source_name);
  if (name == "stem") {
    const std::size_t dot = values.source_name.rfind('.');
    return as_operand(
        std::string_view(values.source_name).substr(0, dot == 0 ? std::string::npos : dot));
  }
  if (name == "work_dir") return values.work_dir;
  if (name == "warm") return std::string(kWarmPath);
  if (name == "prelude") return values.prelude;
  if (const auto percentage = memory_percentage(name)) {
    return fmt::format("{}", std::max<std::uint64_t>(values.memory_mb * *percentage / 100, 1));
  }
  return values.packages;
}

}  // namespace

std::string as_operand(std::string_view name) {
  constexpr std::string_view kSpecial = "-@+~";
  const bool special = !name.empty() && kSpecial.find(name.front()) != std::string_view::npos;
  return special ? fmt::format("./{}", name) : std::string(name);
}

// In one pass: what a placeholder stands for may itself hold braces (a file may be named "{args}").
std::string expand_word(std::string_view word, const PlaceholderValues& values) {
  std::string result;
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t close = word[at] == '{' ? word.find('}', at) : std::string_view::npos;
    if (close == std::string_view::npos) {
      result += word[at++];
      continue;
    }
    result += value_of(word.substr(at + 1, close - at - 1), values);
    at = close + 1;
  }
  return result;
}

std::vector<std::string> expand(const std::vector<std::string>& words,
                                const PlaceholderValues& values) {
  std::vector<std::string> result;
  const auto append = [&](const std::vector<std::string>& list) {
    result.insert(result.end(), list.begin(), list.end());
  };
  for (const std::string& word : words) {
    if (word == "{args}") {
      append(values.args);
    } else if (word == "{extra_args}") {
      append(values.extra_args);
    } else if (word == "{shebang_args}") {
      append(values.shebang_args);
    } else if (word == "{sources}") {
      append(values.sources);
    } else {
      result.push_back(is_script(word) ? word : expand_word(word, values));
    }
  }
  return result;
}

std::vector<std::string> expand(const std::map<std::string, std::string>& environment,
                                const PlaceholderValues& values) {
  std::vector<std::string> result;
  result.reserve(environment.size());
  for (const auto& [key, value] : environment)
    result.push_back(key + "=" + expand_word(value, values));
  return result;
}

}  // namespace sandpit
