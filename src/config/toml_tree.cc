#include "config/toml_tree.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "config/setting.h"
#include "sys/tomlplusplus.h"

namespace sandpit::config {
namespace {

Place place_of(const toml::source_region& region) {
  return {.line = region.begin.line, .column = region.begin.column};
}

// toml++ itself refuses deeper nesting than 256 (TOML_MAX_NESTED_VALUES), which bounds the
// recursion. NOLINTNEXTLINE(misc-no-recursion)
Node convert(const toml::node& node) {
  Node result{.value = {}, .place = place_of(node.source())};
  switch (node.type()) {
    case toml::node_type::boolean:
      result.value = node.as_boolean()->get();
      break;
    case toml::node_type::integer:
      result.value = node.as_integer()->get();
      break;
    case toml::node_type::floating_point:
      result.value = node.as_floating_point()->get();
      break;
    case toml::node_type::string:
      result.value = node.as_string()->get();
      break;
    case toml::node_type::array: {
      Node::Array array;
      for (const toml::node& element : *node.as_array()) array.push_back(convert(element));
      result.value = std::move(array);
      break;
    }
    case toml::node_type::table: {
      Node::Table table;
      for (const auto& [key, child] : *node.as_table()) {
        table.push_back({.key = std::string(key.str()),
                         .key_place = place_of(key.source()),
                         .node = convert(child)});
      }
      std::ranges::stable_sort(table, {}, &Entry::key_place);
      result.value = std::move(table);
      break;
    }
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      result.value = Node::Other{"a date or time"};
      break;
    case toml::node_type::none:
      break;
  }
  return result;
}

}  // namespace

std::string_view Node::type_name() const {
  struct Namer {
    std::string_view operator()(const Other& other) const { return other.what; }
    std::string_view operator()(bool) const { return "true or false"; }
    std::string_view operator()(std::int64_t) const { return "a number"; }
    std::string_view operator()(double) const { return "a fraction"; }
    std::string_view operator()(const std::string&) const { return "a text"; }
    std::string_view operator()(const Array&) const { return "a list"; }
    std::string_view operator()(const Table&) const { return "a table"; }
  };
  return std::visit(Namer{}, value);
}

Node parse_toml(std::string_view text, const Layer& layer, Problems& problems) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    problems.add(layer, place_of(error.source()), std::string(error.description()));
    return {.value = Node::Table{}, .place = {}};
  }
  return convert(parsed.table());
}

}  // namespace sandpit::config
