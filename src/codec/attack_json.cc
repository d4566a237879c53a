#include "codec/attack_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/utf8.h"
#include "codec/limit_json.h"
#include "config/limit_values.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"

namespace sandpit {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::array<std::string_view, 7> kCategories = {
    "files", "processes", "kernel", "resources", "network", "information", "supervisor"};
constexpr std::array<std::string_view, 15> kMembers = {
    "name", "program",  "category", "attempts", "args",  "limits", "ends",      "truncated",
    "read", "loopback", "write",    "beside",   "known", "prove",  "prove_args"};

class AttackReader {
 public:
  explicit AttackReader(const object& json) : json_(json) {}

  Result<Attack> read() {
    for (const auto& member : json_) {
      const std::string_view name(member.key().data(), member.key().size());
      if (std::ranges::find(kMembers, name) == kMembers.end()) bad(name, "no such member");
    }
    Attack attack;
    attack.name = text("name");
    attack.program = text("program");
    attack.category = text("category");
    attack.attempts = text("attempts");
    for (const std::string_view needed : {"name", "program", "category", "attempts"}) {
      if (json_.if_contains(needed) == nullptr) bad(needed, "is missing");
    }
    if (std::ranges::find(kCategories, attack.category) == kCategories.end())
      bad("category", "no such category");
    if (attack.program.find('/') != std::string::npos) bad("program", "is no name of a file");
    attack.args = list("args");
    attack.ends = list("ends");
    attack.beside = list("beside");
    attack.prove_args = list("prove_args");
    attack.truncated = flag("truncated");
    attack.loopback = flag("loopback");
    attack.read_grant = text("read");
    attack.write_grant = text("write");
    attack.known = text("known");
    read_prove(attack);
    read_limits(attack.limits);
    if (!problem_.empty()) return fail({.code = ErrorCode::kSystem, .message = problem_});
    return attack;
  }

 private:
  void bad(std::string_view where, std::string_view message) {
    if (problem_.empty()) problem_ = fmt::format("{}: {}", printable(where), message);
  }
  std::string text(std::string_view name) {
    const value* const found = json_.if_contains(name);
    if (found == nullptr) return {};
    if (found->is_string() && !found->get_string().empty()) return std::string(found->get_string());
    bad(name, "must be a text");
    return {};
  }
  bool flag(std::string_view name) {
    const value* const found = json_.if_contains(name);
    if (found == nullptr) return false;
    if (!found->is_bool()) bad(name, "must be true or false");
    return found->is_bool() && found->get_bool();
  }
  std::vector<std::string> list(std::string_view name) {
    const value* const found = json_.if_contains(name);
    if (found == nullptr) return {};
    std::vector<std::string> texts;
    if (!found->is_array()) bad(name, "must be a list of texts");
    if (!found->is_array()) return {};
    for (const value& one : found->get_array()) {
      if (one.is_string()) {
        texts.emplace_back(one.get_string());
      } else {
        bad(name, "must be a list of texts");
      }
    }
    return texts;
  }
  void read_prove(Attack& attack) {
    const std::string who = text("prove");
    if (who == "anybody") attack.provable = Attack::Provable::kByAnybody;
    if (who == "root") attack.provable = Attack::Provable::kByRoot;
    if (!who.empty() && attack.provable == Attack::Provable::kNo)
      bad("prove", "must be anybody or root");
  }
  void read_limits(LimitOverrides& limits) {
    const value* const found = json_.if_contains("limits");
    if (found == nullptr) return;
    if (!found->is_object()) return bad("limits", "must be an object");
    for (const auto& member : found->get_object()) {
      const std::string_view name(member.key().data(), member.key().size());
      if (const auto set = set_limit(limits, name, codec::limit_value(member.value())); !set)
        bad("limits", set.error().to_string());
    }
  }

  const object& json_;
  std::string problem_;
};

}  // namespace

Result<std::vector<Attack>> parse_attacks(std::string_view text) {
  const auto damaged = [](std::string message) {
    return fail(Error{.code = ErrorCode::kSystem, .message = std::move(message)});
  };
  std::error_code error;
  const value root = boost::json::parse(text, error);
  if (error) return damaged(error.message());
  if (!root.is_array()) return damaged("no list of attacks");
  std::vector<Attack> attacks;
  for (std::size_t i = 0; i < root.get_array().size(); ++i) {
    const value& one = root.get_array()[i];
    if (!one.is_object()) return damaged(fmt::format("attacks[{}] is no object", i));
    Result<Attack> attack = AttackReader(one.get_object()).read();
    if (!attack) return fail(with_context(attack.error(), fmt::format("attacks[{}]", i)));
    if (std::ranges::find(attacks, attack->name, &Attack::name) != attacks.end())
      return damaged(fmt::format("two attacks are called {}", attack->name));
    attacks.push_back(std::move(*attack));
  }
  return attacks;
}

}  // namespace sandpit
