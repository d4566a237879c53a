#include "config/limit_values.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "config/schema.h"
#include "config/setting.h"
#include "config/settings_of.h"
#include "config/suggest.h"
#include "config/toml_tree.h"
#include "config/values.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"

namespace sandpit {
namespace {

config::Node node_of(const LimitValue& value) {
  config::Node node;
  std::visit(
      [&](const auto& one) {
        if constexpr (std::is_same_v<std::decay_t<decltype(one)>, OtherValue>) {
          node.value = config::Node::Other{.what = one.what};
        } else {
          node.value = one;
        }
      },
      value);
  return node;
}

}  // namespace

Result<void> set_limit(LimitOverrides& limits, std::string_view key, const LimitValue& value) {
  const std::string where = fmt::format("limits.{}", key);
  const config::KeySpec* const spec = config::find_key(config::limit_keys(), key);
  if (spec == nullptr) {
    std::vector<std::string_view> names;
    for (const config::KeySpec& known : config::limit_keys()) names.push_back(known.name);
    return fail({.code = ErrorCode::kUsage,
                 .message = "no such limit",
                 .where = where,
                 .hint = suggestion(key, names)});
  }
  const config::Layer layer{.name = "request"};
  config::Problems problems;
  const config::Node node = node_of(value);
  auto converted = config::convert_value(*spec, key, node, layer, problems);
  if (!converted) {
    Error error = problems.take();
    error.where = where;
    return fail(std::move(error));
  }
  config::set_limit_of(limits, {.spec = spec, .value = std::move(converted->value)});
  return {};
}

}  // namespace sandpit
