// What lint looks for in a language: runtimes/<id>/lint/rules.toml as data. Read by
// service/lint_source.cc; the format is described in docs/lint.md. Rule files are trusted as
// manifests are.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandpit/runtime.h"

namespace sandpit::lint {

// What a finding needs of a run. The first three are denied by some policies; the others are only
// worth knowing.
enum class Capability : std::uint8_t {
  kNetwork,
  kSubprocess,
  kFilesystemWrite,
  kNativeCode,
  kDynamicCode,
  kEnvironment,
};

[[nodiscard]] std::string_view to_word(Capability capability);

struct Rule {
  std::string id;
  Severity severity = Severity::kWarning;
  Capability capability = Capability::kNetwork;
  std::string message;             // "{what}" and "{literal}" stand for what the query captured
  std::vector<std::string> names;  // a source without any of these words has no such finding
  std::string query;
  std::string only_if;  // a query that must match as well, anywhere; empty: none
  std::string unless;   // a query that must not match anywhere; empty: none
};

struct Rules {
  std::string language;  // the grammar's name in rust/lint/src/language.rs
  std::vector<Rule> rules;
  std::string rules_of;  // the runtime whose rules are added to these; empty: none
};

// Error kUsage with every problem, each with file:line:column.
[[nodiscard]] Result<Rules> parse_rules(std::string_view text, const std::string& path);

// Reads `<directory>/lint/rules.toml`, and what it takes over from the runtime beside it. Nothing
// when the runtime has no such file, and nothing when `source` is told and none of the names is in
// it: that is seen without reading the file as TOML, which would cost a run a tenth of a
// millisecond.
[[nodiscard]] Result<std::optional<Rules>> load_rules(
    const std::string& directory, std::optional<std::string_view> source = std::nullopt);

// The names of all rules of a file that keeps each rule's on one line, without escapes; nothing
// when it doesn't, or takes over another's rules.
[[nodiscard]] std::optional<std::vector<std::string_view>> plain_names(std::string_view text);

}  // namespace sandpit::lint
