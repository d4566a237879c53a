#include "lint/rules.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/suggest.h"
#include "runtime/toml_reader.h"
#include "sandpit/error.h"
#include "sandpit/runtime.h"
#include "sys/tomlplusplus.h"

namespace sandpit::lint {
namespace {

constexpr std::size_t kMostBytes = 256UL << 10U;
// Each rule is a part of one query; far above what a language needs.
constexpr std::size_t kMostRules = 200;

template <class T>
using Words = std::vector<std::pair<std::string_view, T>>;

const Words<Capability>& capabilities() {
  static const Words<Capability> kWords = {{"network", Capability::kNetwork},
                                           {"subprocess", Capability::kSubprocess},
                                           {"filesystem-write", Capability::kFilesystemWrite},
                                           {"native-code", Capability::kNativeCode},
                                           {"dynamic-code", Capability::kDynamicCode},
                                           {"environment", Capability::kEnvironment}};
  return kWords;
}

const Words<Severity>& severities() {
  static const Words<Severity> kWords = {
      {"info", Severity::kInfo}, {"warning", Severity::kWarning}, {"error", Severity::kError}};
  return kWords;
}

const toml::source_region& place(const toml::table& table, std::string_view key) {
  const toml::node* node = table.get(key);
  return node != nullptr ? node->source() : table.source();
}

template <class T>
void read_word(TomlReader& reader, const toml::table& table, std::string_view key,
               const Words<T>& words, T& into) {
  std::string word;
  reader.read(table, key, word);
  const auto found =
      std::ranges::find(words, std::string_view(word), [](const auto& pair) { return pair.first; });
  if (found != words.end()) {
    into = found->second;
    return;
  }
  std::vector<std::string_view> known;
  for (const auto& [name, value] : words) known.push_back(name);
  std::string hint = suggestion(word, known);
  if (hint.empty()) hint = fmt::format("one of {}", fmt::join(known, ", "));
  reader.problem(place(table, key), fmt::format("'{}' is no {}", word, key), std::move(hint));
}

bool is_denied_by_some_policy(Capability capability) {
  return capability == Capability::kNetwork || capability == Capability::kSubprocess ||
         capability == Capability::kFilesystemWrite;
}

void check_rule(TomlReader& reader, const toml::table& table, const Rule& rule) {
  for (const auto& [key, text] : {std::pair<std::string_view, const std::string&>{"id", rule.id},
                                  {"message", rule.message},
                                  {"query", rule.query}}) {
    if (text.empty()) reader.problem(place(table, key), fmt::format("'{}' is missing", key));
  }
  if (rule.names.empty()) {
    reader.problem(place(table, "names"), "'names' is missing",
                   "the words without which a source can't have this finding");
  }
  if (std::ranges::any_of(rule.names, &std::string::empty)) {
    reader.problem(place(table, "names"), "an empty name is in every source");
  }
  if (rule.severity != Severity::kInfo && !is_denied_by_some_policy(rule.capability)) {
    reader.problem(
        place(table, "severity"),
        fmt::format("'{}' is never more than info: every run may do it", to_word(rule.capability)));
  }
  const bool judged_by_literal = rule.capability == Capability::kFilesystemWrite ||
                                 rule.capability == Capability::kEnvironment;
  if (rule.query.find("@finding") == std::string::npos) {
    reader.problem(place(table, "query"), "the query captures no @finding");
  }
  if (judged_by_literal && rule.query.find("@literal") == std::string::npos) {
    reader.problem(place(table, "query"),
                   fmt::format("a rule of '{}' captures the name as @literal, which is what is "
                               "compared with the policy",
                               to_word(rule.capability)));
  }
}

void read_rule(TomlReader& reader, const toml::table& table, Rules& rules) {
  Rule rule;
  reader.check_keys(
      table, {"id", "severity", "capability", "message", "names", "query", "only_if", "unless"});
  reader.read(table, "id", rule.id);
  read_word(reader, table, "severity", severities(), rule.severity);
  read_word(reader, table, "capability", capabilities(), rule.capability);
  reader.read(table, "message", rule.message);
  reader.read(table, "names", rule.names);
  reader.read(table, "query", rule.query);
  reader.read(table, "only_if", rule.only_if);
  reader.read(table, "unless", rule.unless);
  check_rule(reader, table, rule);
  if (std::ranges::find(rules.rules, rule.id, &Rule::id) != rules.rules.end()) {
    reader.problem(place(table, "id"), fmt::format("there is a rule '{}' already", rule.id));
  }
  rules.rules.push_back(std::move(rule));
}

void read_all(TomlReader& reader, const toml::table& table, Rules& rules) {
  const toml::node* node = table.get("rule");
  if (node == nullptr) return;
  const toml::array* list = node->as_array();
  if (list == nullptr || !list->is_homogeneous<toml::table>()) {
    reader.problem(node->source(), "'rule' must be tables: [[rule]]");
    return;
  }
  if (list->size() > kMostRules) {
    reader.problem(node->source(), fmt::format("more than {} rules", kMostRules));
    return;
  }
  for (const toml::node& item : *list) read_rule(reader, *item.as_table(), rules);
}

bool is_id(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

// Nothing when there is no such file.
Result<std::optional<std::string>> read_file(const std::string& path) {
  const auto bad = [&](std::string message) {
    return fail({.code = ErrorCode::kUsage, .message = std::move(message), .where = path});
  };
  // O_NONBLOCK: a FIFO of that name must not stop us.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return bad("can't be read");
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return bad("not a regular file");
  if (static_cast<std::size_t>(status.st_size) > kMostBytes) return bad("larger than 256 KiB");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t count = ::read(fd.get(), text.data() + filled, text.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return bad("can't be read");
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  text.resize(filled);
  return text;
}

bool holds_none(std::string_view source, std::string_view rules) {
  const auto names = plain_names(rules);
  return names && std::ranges::none_of(*names, [&](std::string_view name) {
           return source.find(name) != std::string_view::npos;
         });
}

Result<std::optional<Rules>> load_one(const std::string& directory,
                                      std::optional<std::string_view> source) {
  const std::string path = directory + "/lint/rules.toml";
  SP_TRY(const std::optional<std::string> text, read_file(path));
  if (!text || (source && holds_none(*source, *text))) return std::nullopt;
  SP_TRY(Rules rules, parse_rules(*text, path));
  return rules;
}

// ` "a", "b"]` -> its words.
bool take_words(std::string_view list, std::vector<std::string_view>& into) {
  for (;;) {
    const std::size_t open = list.find_first_not_of(" ,");
    if (open == std::string_view::npos) return false;
    if (list[open] == ']') return true;
    const std::size_t close = list[open] == '"' ? list.find('"', open + 1) : std::string_view::npos;
    if (close == std::string_view::npos) return false;
    into.push_back(list.substr(open + 1, close - open - 1));
    if (into.back().find('\\') != std::string_view::npos) return false;
    list.remove_prefix(close + 1);
  }
}

}  // namespace

std::string_view to_word(Capability capability) {
  const auto& words = capabilities();
  const auto found =
      std::ranges::find(words, capability, [](const auto& pair) { return pair.second; });
  return found == words.end() ? std::string_view() : found->first;
}

Result<Rules> parse_rules(std::string_view text, const std::string& path) {
  TomlReader reader(path);
  const toml::parse_result parsed = toml::parse(text, std::string_view(path));
  if (!parsed) {
    reader.problem(parsed.error().source(), std::string(parsed.error().description()));
    return fail(reader.take_error());
  }
  const toml::table& table = parsed.table();
  Rules rules;
  reader.check_keys(table, {"language", "rules_of", "rule"});
  reader.read(table, "language", rules.language);
  reader.read(table, "rules_of", rules.rules_of);
  if (rules.language.empty()) reader.problem(place(table, "language"), "'language' is missing");
  if (!rules.rules_of.empty() && !is_id(rules.rules_of)) {
    reader.problem(place(table, "rules_of"), fmt::format("'{}' is no runtime", rules.rules_of));
  }
  read_all(reader, table, rules);
  if (!reader.good()) return fail(reader.take_error());
  return rules;
}

std::optional<std::vector<std::string_view>> plain_names(std::string_view text) {
  constexpr std::string_view kNames = "names = [";
  std::vector<std::string_view> names;
  std::size_t rules = 0;
  std::size_t lists = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("rules_of")) return std::nullopt;
    rules += line.starts_with("[[rule]]") ? 1 : 0;
    if (!line.starts_with(kNames)) continue;
    if (!take_words(line.substr(kNames.size()), names)) return std::nullopt;
    ++lists;
  }
  if (rules != lists) return std::nullopt;
  return names;
}

Result<std::optional<Rules>> load_rules(const std::string& directory,
                                        std::optional<std::string_view> source) {
  SP_TRY(std::optional<Rules> rules, load_one(directory, source));
  if (!rules || rules->rules_of.empty()) return rules;
  SP_TRY(std::optional<Rules> others, load_one(directory + "/../" + rules->rules_of, {}));
  if (!others) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("'rules_of' names {}, which has no rules", rules->rules_of),
                 .where = directory + "/lint/rules.toml"});
  }
  // Not further: theirs may name others again, in a circle.
  rules->rules.insert(rules->rules.end(), std::make_move_iterator(others->rules.begin()),
                      std::make_move_iterator(others->rules.end()));
  return rules;
}

}  // namespace sandpit::lint
