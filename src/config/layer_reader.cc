#include "config/layer_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/contradictions.h"
#include "config/schema.h"
#include "config/setting.h"
#include "config/suggest.h"
#include "config/toml_tree.h"
#include "config/values.h"

namespace sandpit::config {
namespace {

using Names = std::vector<std::string_view>;

constexpr std::array<std::string_view, 6> kTables = {"general", "resource_limits", "security",
                                                     "compile", "runtimes",        "profiles"};
constexpr std::array<std::string_view, 6> kProfileTables = {
    "inherits", "general", "resource_limits", "security", "compile", "runtimes"};

Names names_of(std::span<const KeySpec> keys, std::initializer_list<std::string_view> more = {}) {
  Names names(more);
  std::ranges::transform(keys, std::back_inserter(names), &KeySpec::name);
  return names;
}

class LayerReader {
 public:
  LayerReader(const Layer& layer, Problems& problems) : layer_(layer), problems_(problems) {}

  LayerContent read(const Node::Table& root) {
    for (const Entry& entry : root) {
      if (entry.key == "profiles") {
        read_profiles(entry);
      } else if (!read_table(entry)) {
        unknown(entry, kTables);
      }
    }
    return std::move(content_);
  }

 private:
  void bad(Place place, std::string message, std::string hint = {}) {
    problems_.add(layer_, place, std::move(message), std::move(hint));
  }

  // A key that exists in another table is more likely misplaced than mistyped.
  // `runtime`: in whose table it is.
  void unknown(const Entry& entry, std::span<const std::string_view> known,
               std::string_view runtime = {}) {
    std::string hint = suggestion(entry.key, known);
    for (const auto keys : {general_keys(), limit_keys(), security_keys(), runtime_keys("python"),
                            runtime_keys("javascript"), wasm_keys(), compile_keys()}) {
      const KeySpec* const elsewhere = find_key(keys, entry.key);
      if (elsewhere == nullptr) continue;
      if (!runtime.empty() && elsewhere->section == "runtime") break;  // another runtime's key
      hint = elsewhere->section == "runtime" ? "it belongs in a table [runtimes.NAME]"
             : elsewhere->section == "wasm"  ? "it belongs in [runtimes.wasm]"
                                            : fmt::format("it belongs in [{}]", elsewhere->section);
      break;
    }
    const std::string_view what = entry.node.as<Node::Table>() ? "table" : "key";
    bad(entry.key_place, fmt::format("unknown {} {}", what, quote(entry.key)), std::move(hint));
  }

  const Node::Table* table_of(const Entry& entry) {
    const auto* table = entry.node.as<Node::Table>();
    if (table == nullptr) {
      bad(entry.node.place,
          fmt::format("{}: expected a table, found {}", entry.key, entry.node.type_name()));
    }
    return table;
  }

  // False when no table of that name exists.
  bool read_table(const Entry& entry) {
    if (entry.key == "general") {
      read_general(entry);
    } else if (entry.key == "resource_limits") {
      read_limits(entry, {});
    } else if (entry.key == "security") {
      read_security(entry, {});
    } else if (entry.key == "compile") {
      read_compile(entry);
    } else if (entry.key == "runtimes") {
      read_runtimes(entry);
    } else {
      return false;
    }
    return true;
  }

  std::vector<Setting>& settings() {
    return profile_ == nullptr ? content_.settings : profile_->settings;
  }

  void add(const KeySpec& spec, const Entry& entry, const std::string& runtime,
           std::string leaf = {}) {
    const std::string shown = leaf.empty() ? entry.key : fmt::format("{}.{}", spec.name, leaf);
    auto converted = convert_value(spec, shown, entry.node, layer_, problems_);
    if (!converted) return;
    const bool is_network = spec.kind == Kind::kNetworkFlag;
    settings().push_back({.spec = is_network ? &network_key() : &spec,
                          .runtime = runtime,
                          .leaf = std::move(leaf),
                          .value = std::move(converted->value),
                          .place = entry.node.place,
                          .element_places = std::move(converted->element_places),
                          .layer = &layer_,
                          .profile = profile_ == nullptr ? "" : profile_->name});
  }

  void read_general(const Entry& entry) {
    const auto* table = table_of(entry);
    if (table == nullptr) return;
    for (const Entry& item : *table) {
      const KeySpec* const spec = find_key(general_keys(), item.key);
      if (spec == nullptr) {
        unknown(item, names_of(general_keys()));
      } else if (spec == &default_profile_key() && profile_ != nullptr) {
        bad(item.key_place, "default_profile has no meaning in a profile");
      } else {
        add(*spec, item, {});
      }
    }
  }

  void read_compile(const Entry& entry) {
    const auto* table = table_of(entry);
    if (table == nullptr) return;
    for (const Entry& item : *table) {
      const KeySpec* const spec = find_key(compile_keys(), item.key);
      if (spec == nullptr) {
        unknown(item, names_of(compile_keys()));
      } else {
        add(*spec, item, {});
      }
    }
  }

  void read_limits(const Entry& entry, const std::string& runtime) {
    const auto* table = table_of(entry);
    if (table == nullptr) return;
    const std::size_t first = settings().size();
    for (const Entry& item : *table) {
      const KeySpec* const spec = find_key(limit_keys(), item.key);
      if (spec == nullptr) {
        unknown(item, names_of(limit_keys()));
      } else {
        add(*spec, item, runtime);
      }
    }
    report_contradictions(std::span(settings()).subspan(first), layer_, problems_);
  }

  void read_security(const Entry& entry, const std::string& runtime) {
    const auto* table = table_of(entry);
    if (table == nullptr) return;
    const std::size_t first = settings().size();
    for (const Entry& item : *table) {
      const KeySpec* const spec = find_key(security_keys(), item.key);
      if (spec != nullptr) {
        add(*spec, item, runtime);
      } else if (item.key == "env") {
        read_environment(item, runtime);
      } else {
        unknown(item, names_of(security_keys(), {"env"}));
      }
    }
    const auto found = std::span(settings()).subspan(first);
    report_contradictions(found, layer_, problems_);
    if (runtime.empty()) report_two_networks(found, layer_, problems_);
  }

  void read_environment(const Entry& entry, const std::string& runtime) {
    const auto* table = table_of(entry);
    if (table == nullptr) return;
    for (const Entry& variable : *table) {
      if (variable.key.empty() || variable.key.contains('=') || variable.key.contains('\0')) {
        bad(variable.key_place,
            fmt::format("env: {} can't be the name of a variable", quote(variable.key)));
      } else {
        add(environment_key(), variable, runtime, variable.key);
      }
    }
  }

  void read_runtimes(const Entry& entry) {
    const auto* table = table_of(entry);
    if (table == nullptr) return;
    for (const Entry& runtime : *table) {
      if (runtime.key == "extensions") {
        read_extensions(runtime);
      } else if (!is_name(runtime.key)) {
        bad(runtime.key_place, fmt::format("runtimes: {} is not a name", quote(runtime.key)),
            "letters, digits, - _ + .");
      } else {
        read_runtime(runtime);
      }
    }
  }

  void read_runtime(const Entry& entry) {
    const auto* table = table_of(entry);
    if (table == nullptr) return;
    const auto keys = runtime_keys(entry.key);
    const Entry* interpreter = nullptr;
    const std::size_t first = settings().size();
    for (const Entry& item : *table) {
      std::string_view name = item.key;
      if (entry.key == "javascript" && name == "interpreter") name = "runtime";
      const KeySpec* const spec = find_key(keys, name);
      if (spec != nullptr && spec->kind == Kind::kInterpreter) {
        if (interpreter != nullptr) {
          bad(item.key_place,
              fmt::format("{} and {} are the same key", interpreter->key, item.key));
          continue;
        }
        interpreter = &item;
      }
      if (spec != nullptr) {
        add(*spec, item, entry.key);
      } else if (item.key == "resource_limits") {
        read_limits(item, entry.key);
      } else if (item.key == "security") {
        read_security(item, entry.key);
      } else if (item.key == network_key().name) {
        add(network_key(), item, entry.key);
      } else if (entry.key == "wasm") {
        read_wasm_table(item);
      } else {
        unknown(item, names_of(keys, {"network", "resource_limits", "security"}), entry.key);
      }
    }
    const auto found = std::span(settings()).subspan(first);
    report_two_networks(found, layer_, problems_);
    if (entry.key == "wasm") report_wasm_contradictions(found, layer_, problems_);
  }

  // What [runtimes.wasm] has besides its own keys and what every runtime has.
  void read_wasm_table(const Entry& entry) {
    if (entry.key == "capabilities") {
      read_capabilities(entry);
    } else if (find_key(capability_keys(), entry.key) != nullptr) {
      bad(entry.key_place, fmt::format("unknown key {}", quote(entry.key)),
          "it belongs in [runtimes.wasm.capabilities]");
    } else {
      unknown(entry, names_of(wasm_keys(), {"capabilities", "resource_limits", "security"}),
              "wasm");
    }
  }

  void read_capabilities(const Entry& entry) {
    const auto* table = table_of(entry);
    if (table == nullptr) return;
    for (const Entry& item : *table) {
      const KeySpec* const spec = find_key(capability_keys(), item.key);
      if (spec == nullptr) {
        unknown(item, names_of(capability_keys()));
      } else {
        add(*spec, item, "wasm");
      }
    }
  }

  void read_extensions(const Entry& entry) {
    const auto* table = table_of(entry);
    if (table == nullptr) return;
    std::vector<std::string> seen;
    for (const Entry& item : *table) {
      const std::string extension(item.key.starts_with('.') ? item.key.substr(1) : item.key);
      if (extension.empty() || extension.contains('/') || extension.contains('\0')) {
        bad(item.key_place,
            fmt::format("extensions: {} is not a file name extension", quote(item.key)));
      } else if (std::ranges::find(seen, extension) != seen.end()) {
        bad(item.key_place, fmt::format("extensions: {} is given twice", quote(extension)));
      } else {
        seen.push_back(extension);
        add(extension_key(), item, {}, extension);
      }
    }
  }

  void read_profiles(const Entry& entry) {
    const auto* table = table_of(entry);
    if (table == nullptr) return;
    for (const Entry& item : *table) {
      if (!is_name(item.key)) {
        bad(item.key_place, fmt::format("profiles: {} is not a name", quote(item.key)),
            "letters, digits, - _ + .");
        continue;
      }
      const auto* tables = table_of(item);
      if (tables == nullptr) continue;
      Profile profile{.name = item.key,
                      .inherits = {},
                      .inherits_place = {},
                      .place = item.key_place,
                      .layer = &layer_,
                      .settings = {}};
      profile_ = &profile;
      read_profile(*tables);
      profile_ = nullptr;
      content_.profiles.emplace(item.key, std::move(profile));
    }
  }

  void read_profile(const Node::Table& tables) {
    for (const Entry& entry : tables) {
      if (entry.key == "inherits") {
        const auto* parent = entry.node.as<std::string>();
        if (parent == nullptr) {
          bad(entry.node.place,
              fmt::format("inherits: expected a text, found {}", entry.node.type_name()));
        } else {
          profile_->inherits = *parent;
          profile_->inherits_place = entry.node.place;
        }
      } else if (!read_table(entry)) {
        unknown(entry, kProfileTables);
      }
    }
  }

  const Layer& layer_;
  Problems& problems_;
  LayerContent content_;
  Profile* profile_ = nullptr;
};

}  // namespace

LayerContent read_layer(const Node& root, const Layer& layer, Problems& problems) {
  const auto* table = root.as<Node::Table>();
  return table == nullptr ? LayerContent{} : LayerReader(layer, problems).read(*table);
}

}  // namespace sandpit::config
