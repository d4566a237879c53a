// One value of one layer, with where it was written. Only config/ includes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/schema.h"
#include "sandpit/error.h"
#include "sandpit/request.h"

namespace sandpit::config {

// Line and column from 1; line 0: not written in a file.
struct Place {
  std::size_t line = 0;
  std::size_t column = 0;
  auto operator<=>(const Place&) const = default;
};

// One file, or the built-in defaults.
struct Layer {
  std::string name;       // "default", "system", "user", "project"
  std::string file;       // as the user knows it; empty for built-in values
  std::string directory;  // absolute; relative paths in the file start here
  std::string home;       // what ~/ stands for; empty: unknown
  bool trusted = true;    // false: may only tighten
  std::string distrust;   // why it is not trusted
  std::string trust_dir;  // what `sandpit trust` would have to be given
};

// network = { mode = "allow", hosts = [...] }
struct Network {
  NetworkMode mode = NetworkMode::kNone;
  std::vector<std::string> hosts;  // empty with kAllow: of a layer below, of [security]
  bool operator==(const Network&) const = default;
};

using Value = std::variant<bool, std::uint64_t, std::string, std::vector<std::string>,
                           std::vector<PathGrant>, Network>;

// How a value meets what the layers below say.
enum class Mode : std::uint8_t {
  kReplace,
  kAppend,  // adds its elements (profile development's allow_degraded)
  kClamp,   // applies where it is tighter, to the per-runtime values too (profiles production,
            // strict)
};

struct Setting {
  const KeySpec* spec = nullptr;
  std::string runtime;  // empty: general
  std::string leaf;     // the name of the variable or extension, of env and extensions
  Value value;
  Place place;
  std::vector<Place> element_places;  // of the elements of a list
  const Layer* layer = nullptr;
  std::string profile;  // the profile that it belongs to
  Mode mode = Mode::kReplace;

  [[nodiscard]] std::string key() const;
  [[nodiscard]] bool is_written() const;  // in a file
  // "file:line" and "file:line:column", empty for built-in values; the layer's name as config show
  // prints it.
  [[nodiscard]] std::string origin() const;
  [[nodiscard]] std::string where() const;
  [[nodiscard]] std::string layer_name() const;
};

struct Profile {
  std::string name;
  std::string inherits;
  Place inherits_place;
  Place place;
  const Layer* layer = nullptr;
  std::vector<Setting> settings;
};

struct LayerContent {
  std::vector<Setting> settings;
  std::map<std::string, Profile> profiles;
};

// All problems found so far; load() reports them together.
class Problems {
 public:
  void add(const Layer& layer, Place place, std::string message, std::string hint = {});
  void add(Error error) {
    found_.push_back({.layer = nullptr, .place = {}, .error = std::move(error)});
  }
  [[nodiscard]] bool empty() const { return found_.empty(); }
  // The first with the others in it, in the order of layers and places. Not to be called when
  // empty.
  [[nodiscard]] Error take();

 private:
  struct Found {
    const Layer* layer;
    Place place;
    Error error;
  };
  std::vector<Found> found_;
};

// "file:line:column".
[[nodiscard]] std::string where(const Layer& layer, Place place);

// The value as TOML, numbers in the key's unit.
[[nodiscard]] std::string to_toml(const KeySpec& spec, const Value& value);
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace sandpit::config
