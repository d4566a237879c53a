#include "config/grants.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/paths.h"
#include "config/setting.h"
#include "config/suggest.h"
#include "config/toml_tree.h"
#include "sandpit/error.h"
#include "sandpit/request.h"

namespace sandpit::config {
namespace {

constexpr std::array<std::string_view, 3> kGrantKeys = {"path", "access", "inside"};
constexpr std::array<std::string_view, 2> kAccesses = {"ro", "rw"};
constexpr std::array<std::string_view, 3> kOwnTrees = {"/proc", "/sys", "/dev"};

bool is_within(std::string_view path, std::string_view tree) {
  return path == tree || (path.starts_with(tree) && path[tree.size()] == '/');
}

class GrantReader {
 public:
  GrantReader(std::string_view key, const Layer& layer, Problems& problems)
      : key_(key), layer_(layer), problems_(problems) {}

  std::optional<PathGrant> read(const Node& node) {
    PathGrant grant;
    if (const auto* path = node.as<std::string>()) {
      if (!set_host(grant, *path, node.place)) return std::nullopt;
    } else if (const auto* table = node.as<Node::Table>()) {
      if (!read_table(grant, *table, node.place)) return std::nullopt;
    } else {
      bad(node.place,
          fmt::format("expected a path or a table with `path`, found {}", node.type_name()));
      return std::nullopt;
    }
    if (!check_inside(grant, node.place)) return std::nullopt;
    return grant;
  }

  // Always false, for the callers' return.
  bool bad(Place place, std::string_view message, std::string hint = {}) {
    problems_.add(layer_, place, fmt::format("{}: {}", key_, message), std::move(hint));
    return false;
  }

 private:
  bool read_table(PathGrant& grant, const Node::Table& table, Place place) {
    bool good = true;
    bool has_path = false;
    for (const Entry& entry : table) {
      if (std::ranges::find(kGrantKeys, entry.key) == kGrantKeys.end()) {
        good = bad(entry.key_place, fmt::format("unknown key {}", quote(entry.key)),
                   suggestion(entry.key, kGrantKeys));
        continue;
      }
      has_path = has_path || entry.key == "path";
      const auto* text = entry.node.as<std::string>();
      if (text == nullptr) {
        good = bad(entry.node.place,
                   fmt::format("{}: expected a text, found {}", entry.key, entry.node.type_name()));
      } else {
        good = set(grant, entry.key, *text, entry.node.place) && good;
      }
    }
    if (!has_path) good = bad(place, "a table without `path`");
    return good;
  }

  bool set(PathGrant& grant, std::string_view name, const std::string& text, Place place) {
    if (name == "path") return set_host(grant, text, place);
    if (name == "inside") {
      if (!is_clean_inside_path(text) || text.find('\0') != std::string::npos) {
        return bad(place, fmt::format("inside: {} is not a path inside the jail", quote(text)),
                   "absolute, without . and .., below /");
      }
      grant.inside = text;
      return true;
    }
    if (std::ranges::find(kAccesses, text) == kAccesses.end()) {
      return bad(place, fmt::format("access: unknown value {}", quote(text)),
                 suggestion(text, kAccesses));
    }
    grant.access = text == "rw" ? Access::kReadWrite : Access::kRead;
    return true;
  }

  bool set_host(PathGrant& grant, const std::string& text, Place place) {
    if (text.find('\0') != std::string::npos) return bad(place, "a NUL character in a path");
    Result<std::string> path = absolute_path(text, layer_.directory, layer_.home);
    if (!path) return bad(place, path.error().message, path.error().hint);
    grant.host = *std::move(path);
    return true;
  }

  bool check_inside(const PathGrant& grant, Place place) {
    const std::string_view inside = inside_of(grant);
    if (inside == "/") {
      return bad(place, "the host's / can't be the jail's /",
                 "give it another place: inside = \"/host\"");
    }
    for (const std::string_view tree : kOwnTrees) {
      if (is_within(inside, tree)) {
        return bad(place,
                   fmt::format("{} is inside {}, which the jail makes itself", quote(inside), tree),
                   "give it another place: inside = \"/…\"");
      }
    }
    return true;
  }

  std::string_view key_;
  const Layer& layer_;
  Problems& problems_;
};

}  // namespace

std::string_view inside_of(const PathGrant& grant) {
  return grant.inside.empty() ? grant.host : grant.inside;
}

std::optional<Grants> convert_grants(std::string_view key, const Node& node, const Layer& layer,
                                     Problems& problems) {
  GrantReader reader(key, layer, problems);
  const auto* array = node.as<Node::Array>();
  if (array == nullptr) {
    reader.bad(node.place, fmt::format("expected a list, found {}", node.type_name()));
    return std::nullopt;
  }
  Grants result;
  bool good = true;
  for (const Node& element : *array) {
    std::optional<PathGrant> grant = reader.read(element);
    if (grant &&
        std::ranges::find(result.grants, inside_of(*grant), inside_of) != result.grants.end()) {
      reader.bad(element.place, fmt::format("{} is granted twice", quote(inside_of(*grant))));
      grant.reset();
    }
    good = good && grant.has_value();
    if (!grant) continue;
    result.grants.push_back(*std::move(grant));
    result.places.push_back(element.place);
  }
  if (!good) return std::nullopt;
  return result;
}

}  // namespace sandpit::config
