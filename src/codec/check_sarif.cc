#include "codec/check_sarif.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/check_json.h"
#include "codec/json.h"

namespace sandpit {
namespace {

using boost::json::array;
using boost::json::object;

// Problems that are of no rule (a missing file, a module that is not valid) have one all the same.
constexpr std::string_view kNoRule = "load";

std::string_view rule_of(const CheckProblem& problem) {
  return problem.rule.empty() ? kNoRule : std::string_view(problem.rule);
}

const char* level_of(const CheckProblem& problem) {
  if (problem.severity == "error") return "error";
  return problem.severity == "warning" ? "warning" : "note";
}

// RFC 3986: a relative reference; a colon in its first part would read as a scheme.
std::string uri_of(std::string_view path) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string uri = path.starts_with('/') ? "file://" : "";
  for (const char byte : path) {
    if (kPlain.find(byte) != std::string_view::npos) {
      uri += byte;
    } else {
      const auto value = static_cast<unsigned char>(byte);
      uri += '%';
      uri += kDigits[value >> 4U];
      uri += kDigits[value & 15U];
    }
  }
  return uri;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

// Ours count bytes, SARIF's count characters: told where the excerpt holds what lies between.
object region_of(const CheckProblem& problem) {
  object region{{"startLine", problem.line}};
  const std::string_view excerpt = problem.excerpt;
  if (problem.excerpt_column == 1 && problem.column != 0 && problem.column <= excerpt.size() + 1) {
    region["startColumn"] = characters(excerpt.substr(0, problem.column - 1)) + 1;
    if (problem.end_line == problem.line && problem.end_column >= problem.column &&
        problem.end_column <= excerpt.size() + 1) {
      region["endColumn"] = characters(excerpt.substr(0, problem.end_column - 1)) + 1;
    }
  }
  if (problem.end_line >= problem.line) region["endLine"] = problem.end_line;
  return region;
}

object result_of(const FileCheck& check, const CheckProblem& problem, std::size_t rule) {
  object place{{"artifactLocation", object{{"uri", codec::text(uri_of(check.file))}}}};
  if (problem.line != 0) place["region"] = region_of(problem);
  if (problem.excerpt_column == 1) {
    place["contextRegion"] = object{{"startLine", problem.line},
                                    {"snippet", object{{"text", codec::text(problem.excerpt)}}}};
  }
  return object{{"ruleId", codec::text(rule_of(problem))},
                {"ruleIndex", rule},
                {"level", level_of(problem)},
                {"message", object{{"text", codec::text(problem.message)}}},
                {"locations", array{object{{"physicalLocation", std::move(place)}}}}};
}

}  // namespace

std::string checks_to_sarif(std::span<const FileCheck> checks, std::string_view version) {
  std::vector<std::string_view> rules;
  array results;
  for (const FileCheck& check : checks) {
    for (const CheckProblem& problem : check.problems) {
      const auto known = std::ranges::find(rules, rule_of(problem));
      const auto index = static_cast<std::size_t>(known - rules.begin());
      if (known == rules.end()) rules.push_back(rule_of(problem));
      results.push_back(result_of(check, problem, index));
    }
  }
  array descriptions;
  for (const std::string_view rule : rules) {
    descriptions.push_back(object{{"id", codec::text(rule)}});
  }
  object driver{
      {"name", "sandpit"}, {"version", codec::text(version)}, {"rules", std::move(descriptions)}};
  object run{{"tool", object{{"driver", std::move(driver)}}},
             {"columnKind", "unicodeCodePoints"},
             {"results", std::move(results)}};
  const object document{{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                        {"version", "2.1.0"},
                        {"runs", array{std::move(run)}}};
  return codec::render(document, codec::Layout::kIndented);
}

}  // namespace sandpit
