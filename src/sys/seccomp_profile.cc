// profiles/<name>.toml to rules. The format is described in profiles/README.md.
#include "sys/seccomp_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sandpit/error.h"
#include "sys/syscall_names.h"
#include "sys/tomlplusplus.h"

namespace sandpit::sys {
namespace {

constexpr std::uint64_t kLow32 = 0xffffffff;
constexpr unsigned kMaximumInherits = 8;

class Reader {
 public:
  Reader(std::string file, std::string_view name) : file_(std::move(file)) {
    profile_.name = std::string(name);
  }

  // The profile's own rows; `parent` receives the name that it inherits from.
  Result<SyscallProfile> read(std::string_view text, std::string& parent) {
    toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
      const toml::parse_error& error = parsed.error();
      report(error.source(), std::string(error.description()));
      return finish();
    }
    const toml::table& root = parsed.table();
    allow_keys(root, {"description", "inherits", "default_errno", "group", "unmeasured"});
    profile_.description = required_text(root, "description");
    parent = root["inherits"].value_or(std::string());
    if (const toml::node* node = root.get("default_errno")) {
      profile_.default_errno = static_cast<int>(number(*node));
    }
    if (const toml::node* groups = root.get("group")) {
      each_table(*groups, [this](const toml::table& group) { read_group(group); });
    }
    // For tools/check_profiles.py, which asks for a reason for what was never seen in use; here
    // they only have to make sense.
    if (const toml::node* rows = root.get("unmeasured")) {
      each_table(*rows, [this](const toml::table& row) {
        allow_keys(row, {"name", "names", "measured_in", "why"});
        (void)required_text(row, "why");
        if (row.contains("measured_in")) {
          (void)required_text(row, "measured_in");
        } else {
          (void)read_names(row);
        }
      });
    }
    return finish();
  }

 private:
  void report(const toml::source_region& source, std::string message, std::string hint = {}) {
    errors_.push_back(
        Error{.code = ErrorCode::kUsage,
              .message = std::move(message),
              .where = fmt::format("{}:{}:{}", file_, source.begin.line, source.begin.column),
              .hint = std::move(hint)});
  }

  Result<SyscallProfile> finish() {
    if (errors_.empty()) return std::move(profile_);
    Error first = std::move(errors_.front());
    first.others.assign(std::make_move_iterator(errors_.begin() + 1),
                        std::make_move_iterator(errors_.end()));
    return fail(std::move(first));
  }

  void allow_keys(const toml::table& table, std::initializer_list<std::string_view> known) {
    for (const auto& [key, node] : table) {
      if (std::ranges::find(known, key.str()) == known.end()) {
        report(key.source(), fmt::format("unknown key '{}'", key.str()),
               fmt::format("known: {}", fmt::join(known, ", ")));
      }
    }
  }

  template <class Visit>
  void each_table(const toml::node& node, Visit visit) {
    const toml::array* array = node.as_array();
    if (array == nullptr) return report(node.source(), "expected an array of tables");
    for (const toml::node& item : *array) {
      if (const toml::table* table = item.as_table()) {
        visit(*table);
      } else {
        report(item.source(), "expected a table");
      }
    }
  }

  std::string required_text(const toml::table& table, std::string_view key) {
    auto text = table[key].value<std::string>().value_or(std::string());
    if (text.empty()) report(table.source(), fmt::format("'{}' is missing or empty", key));
    return text;
  }

  // An integer, or the name of a constant.
  std::uint64_t number(const toml::node& node) {
    if (const auto value = node.value_exact<std::int64_t>()) {
      return static_cast<std::uint64_t>(*value);
    }
    if (const auto text = node.value_exact<std::string>()) {
      if (const auto value = profile_constant(*text)) return *value;
      report(node.source(), fmt::format("unknown constant '{}'", *text),
             "the names are in src/sys/seccomp_constants.cc");
      return 0;
    }
    report(node.source(), "expected an integer or the name of a constant");
    return 0;
  }

  void read_group(const toml::table& group) {
    allow_keys(group, {"name", "rules"});
    (void)required_text(group, "name");
    if (const toml::node* rules = group.get("rules")) {
      each_table(*rules, [this](const toml::table& rule) { read_rule(rule); });
    } else {
      report(group.source(), "'rules' is missing");
    }
  }

  void read_rule(const toml::table& table) {
    allow_keys(table, {"name", "names", "action", "errno", "when", "why"});
    SyscallRule rule;
    rule.why = required_text(table, "why");
    rule.action = read_action(table);
    if (const toml::node* node = table.get("errno")) {
      rule.errno_value = static_cast<int>(number(*node));
      if (rule.action != SyscallAction::kErrno && rule.action != SyscallAction::kNotify) {
        report(node->source(), "'errno' has no meaning with this action");
      }
    }
    const auto alternatives = read_when(table);
    for (const auto& name : read_names(table)) {
      rule.name = name;
      if (unconditional_.contains(name)) {
        report(table.source(), fmt::format("'{}' was decided by a row above", name));
      }
      if (alternatives.size() == 1 && alternatives.front().empty()) unconditional_.insert(name);
      for (const auto& tests : alternatives) {
        rule.when = tests;
        profile_.rules.push_back(rule);
      }
    }
  }

  SyscallAction read_action(const toml::table& table) {
    const auto text = table["action"].value<std::string>().value_or("allow");
    if (text == "allow") return SyscallAction::kAllow;
    if (text == "errno") return SyscallAction::kErrno;
    if (text == "notify") return SyscallAction::kNotify;
    if (text == "observe") return SyscallAction::kObserve;
    if (text == "kill") return SyscallAction::kKill;
    report(table.source(), fmt::format("unknown action '{}'", text),
           "allow, errno, notify, observe, kill");
    return SyscallAction::kErrno;
  }

  std::vector<std::string> read_names(const toml::table& table) {
    std::vector<std::string> names;
    const auto add = [&](const toml::node& node) {
      const auto name = node.value_exact<std::string>();
      if (name && find_syscall(*name) != nullptr) return names.push_back(*name);
      const std::string nearest = nearest_syscall(name.value_or(""));
      report(node.source(), fmt::format("unknown system call '{}'", name.value_or("")),
             nearest.empty() ? "" : fmt::format("did you mean '{}'?", nearest));
    };
    if (const toml::node* one = table.get("name")) add(*one);
    if (const toml::array* many = table["names"].as_array()) {
      for (const toml::node& node : *many) add(node);
    }
    if (!table.contains("name") && !table.contains("names")) {
      report(table.source(), "a rule needs 'name' or 'names'");
    }
    return names;
  }

  // A row with `in` lists stands for one row per combination.
  std::vector<std::vector<ArgumentTest>> read_when(const toml::table& table) {
    std::vector<std::vector<ArgumentTest>> rows{{}};
    const toml::node* when = table.get("when");
    if (when == nullptr) return rows;
    each_table(*when, [&](const toml::table& test) {
      std::vector<std::vector<ArgumentTest>> product;
      for (const ArgumentTest& alternative : read_test(test)) {
        for (auto row : rows) {
          row.push_back(alternative);
          product.push_back(std::move(row));
        }
      }
      rows = std::move(product);
    });
    return rows;
  }

  std::vector<ArgumentTest> read_test(const toml::table& table) {
    allow_keys(table, {"arg", "bits", "mask", "op", "value", "in"});
    ArgumentTest test;
    if (const auto index = table["arg"].value<std::int64_t>(); index && *index >= 0 && *index < 6) {
      test.index = static_cast<unsigned>(*index);
    } else {
      report(table.source(), "'arg' is missing or not between 0 and 5");
    }
    if (const toml::node* bits = table.get("bits")) {
      const auto width = bits->value<std::int64_t>().value_or(0);
      if (width != 32 && width != 64) report(bits->source(), "'bits' is 32 or 64");
      if (width == 32) test.mask = kLow32;
    }
    if (const toml::node* mask = table.get("mask")) test.mask = number(*mask);
    test.op = read_op(table);
    std::vector<ArgumentTest> alternatives;
    if (const toml::array* list = table["in"].as_array()) {
      for (const toml::node& node : *list) {
        test.value = number(node);
        alternatives.push_back(test);
      }
    } else if (const toml::node* value = table.get("value")) {
      test.value = number(*value);
      alternatives.push_back(test);
    }
    if (alternatives.empty()) report(table.source(), "a test needs 'value' or 'in'");
    return alternatives;
  }

  ArgumentTest::Op read_op(const toml::table& table) {
    using Op = ArgumentTest::Op;
    const auto text = table["op"].value<std::string>().value_or("eq");
    constexpr std::pair<std::string_view, Op> kOps[] = {
        {"eq", Op::kEqual},     {"ne", Op::kNotEqual}, {"lt", Op::kLess},
        {"le", Op::kLessEqual}, {"gt", Op::kGreater},  {"ge", Op::kGreaterEqual}};
    for (const auto& [name, op] : kOps) {
      if (text == name) return op;
    }
    report(table.source(), fmt::format("unknown comparison '{}'", text), "eq, ne, lt, le, gt, ge");
    return Op::kEqual;
  }

  std::string file_;
  SyscallProfile profile_;
  std::set<std::string> unconditional_;
  std::vector<Error> errors_;
};

}  // namespace

Result<SyscallProfile> load_profile(std::string_view name, const ProfileSource& source) {
  SyscallProfile whole;
  std::string next(name);
  for (unsigned depth = 0; depth < kMaximumInherits; ++depth) {
    const auto text = source(next);
    if (!text) {
      return fail(Error{.code = ErrorCode::kUsage,
                        .message = fmt::format("no system-call profile '{}'", next),
                        .where = depth == 0 ? "" : fmt::format("profile {}", name),
                        .hint = {}});
    }
    std::string parent;
    SP_TRY(SyscallProfile own, Reader(next + ".toml", next).read(*text, parent));
    if (depth == 0) {
      whole = std::move(own);
    } else {
      std::ranges::move(own.rules, std::back_inserter(whole.rules));
      // The default belongs to the root of the family: a child can't see it from its own file.
      whole.default_errno = own.default_errno;
    }
    if (parent.empty()) return whole;
    next = std::move(parent);
  }
  return fail(Error{.code = ErrorCode::kUsage,
                    .message = fmt::format("profile '{}' inherits from itself or too deeply", name),
                    .where = {},
                    .hint = {}});
}

}  // namespace sandpit::sys
