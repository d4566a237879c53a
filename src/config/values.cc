#include "config/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/grants.h"
#include "config/network.h"
#include "config/network_entry.h"
#include "config/paths.h"
#include "config/schema.h"
#include "config/setting.h"
#include "config/suggest.h"
#include "config/toml_tree.h"
#include "config/units.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "sandpit/units.h"
#include "sys/seccomp.h"
#include "sys/syscall_names.h"

namespace sandpit::config {
namespace {

class Converter {
 public:
  Converter(const KeySpec& spec, std::string_view key, const Layer& layer, Problems& problems)
      : spec_(spec), key_(key), layer_(layer), problems_(problems) {}

  std::optional<Converted> convert(const Node& node) {
    switch (spec_.kind) {
      case Kind::kBool:
        return convert_bool(node);
      case Kind::kBytes:
      case Kind::kDuration:
      case Kind::kCount:
        return convert_number(node);
      case Kind::kChoice:
      case Kind::kName:
      case Kind::kSyscallProfile:
      case Kind::kText:
      case Kind::kInsideDir:
      case Kind::kHostDir:
      case Kind::kCacheDir:
      case Kind::kInterpreter:
        return convert_text(node);
      case Kind::kTextList:
      case Kind::kChoiceList:
      case Kind::kSyscallList:
      case Kind::kNetworkList:
        return convert_list(node);
      case Kind::kGrants: {
        auto grants = convert_grants(key_, node, layer_, problems_);
        if (!grants) return std::nullopt;
        return Converted{.value = std::move(grants->grants),
                         .element_places = std::move(grants->places)};
      }
      case Kind::kNetwork:
        return convert_network(key_, node, layer_, problems_);
      case Kind::kNetworkFlag: {
        const auto* flag = node.as<bool>();
        if (flag == nullptr) return bad_type(node, "true or false");
        const NetworkMode mode = *flag ? NetworkMode::kHost : NetworkMode::kNone;
        return Converted{.value = Network{.mode = mode, .hosts = {}}, .element_places = {}};
      }
    }
    return std::nullopt;
  }

 private:
  std::nullopt_t bad(Place place, std::string message, std::string hint = {}) {
    problems_.add(layer_, place, std::move(message), std::move(hint));
    return std::nullopt;
  }
  std::nullopt_t bad_type(const Node& node, std::string_view expected, std::string hint = {}) {
    return bad(node.place,
               fmt::format("{}: expected {}, found {}", key_, expected, node.type_name()),
               std::move(hint));
  }

  std::optional<Converted> convert_bool(const Node& node) {
    if (const auto* flag = node.as<bool>()) return Converted{.value = *flag, .element_places = {}};
    return bad_type(node, "true or false");
  }

  std::optional<Converted> convert_number(const Node& node) {
    std::optional<std::uint64_t> number;
    if (const auto* whole = node.as<std::int64_t>()) {
      number = from_whole(*whole, node.place);
    } else if (const auto* fraction = node.as<double>()) {
      number = from_fraction(*fraction, node.place);
    } else if (const auto* text = node.as<std::string>(); text && spec_.kind != Kind::kCount) {
      number = from_text(*text, node.place);
    } else {
      return bad_type(node, spec_.kind == Kind::kCount   ? "a whole number"
                            : spec_.kind == Kind::kBytes ? "a number, or a text such as \"64MiB\""
                                                         : "a number, or a text such as \"1.5s\"");
    }
    if (!number) return std::nullopt;
    return Converted{.value = *number, .element_places = {}};
  }

  std::optional<std::uint64_t> out_of_range(Place place, std::string_view written) {
    return bad(place, fmt::format("{} = {} is out of range: from {} to {}", key_, written,
                                  to_toml(spec_, spec_.least), to_toml(spec_, spec_.most)));
  }

  std::optional<std::uint64_t> from_whole(std::int64_t whole, Place place) {
    std::uint64_t scaled = 0;
    if (whole < 0 ||
        __builtin_mul_overflow(static_cast<std::uint64_t>(whole), spec_.unit, &scaled) ||
        scaled < spec_.least || scaled > spec_.most) {
      return out_of_range(place, fmt::format("{}", whole));
    }
    return scaled;
  }

  std::optional<std::uint64_t> from_fraction(double fraction, Place place) {
    if (!std::isfinite(fraction)) {
      return bad(place, fmt::format("{} = {} is not a finite number", key_, fraction));
    }
    if (spec_.kind == Kind::kCount && fraction != std::floor(fraction)) {
      return bad(place, fmt::format("{} = {} must be a whole number", key_, fraction));
    }
    const double scaled = fraction * static_cast<double>(spec_.unit);
    if (std::signbit(fraction) || !(scaled <= static_cast<double>(spec_.most)) ||
        std::round(scaled) < static_cast<double>(spec_.least)) {
      return out_of_range(place, fmt::format("{}", fraction));
    }
    return static_cast<std::uint64_t>(std::llround(scaled));
  }

  std::optional<std::uint64_t> from_text(const std::string& text, Place place) {
    std::uint64_t number = 0;
    if (spec_.kind == Kind::kBytes) {
      const Result<ByteCount> bytes = parse_bytes(text);
      if (!bytes) return bad_unit(bytes.error(), place);
      number = bytes->count();
    } else {
      const Result<Milliseconds> duration = parse_duration(text);
      if (!duration) return bad_unit(duration.error(), place);
      number = static_cast<std::uint64_t>(duration->count());
    }
    if (number < spec_.least || number > spec_.most) return out_of_range(place, quote(text));
    return number;
  }

  std::nullopt_t bad_unit(const Error& error, Place place) {
    return bad(place, fmt::format("{}: {}", key_, error.message), error.hint);
  }

  std::optional<Converted> convert_text(const Node& node) {
    const auto* text = node.as<std::string>();
    if (text == nullptr) {
      const bool scalar = node.as<bool>() || node.as<std::int64_t>() || node.as<double>();
      return bad_type(node, "a text", scalar ? "put it in quotes" : "");
    }
    std::optional<std::string> checked = check_text(*text, node.place);
    if (!checked) return std::nullopt;
    return Converted{.value = std::move(*checked), .element_places = {}};
  }

  std::optional<std::string> check_text(const std::string& text, Place place) {
    if (text.find('\0') != std::string::npos) {
      return bad(place, fmt::format("{}: a NUL character in a text", key_));
    }
    switch (spec_.kind) {
      case Kind::kChoice:
      case Kind::kChoiceList:
        if (std::ranges::find(spec_.choices, text) != spec_.choices.end()) return text;
        return bad(place, fmt::format("{}: unknown value {}", key_, quote(text)),
                   suggestion(text, spec_.choices));
      case Kind::kSyscallProfile: {
        const std::vector<std::string_view> known = sys::builtin_profile_names();
        if (std::ranges::find(known, text) != known.end()) return text;
        return bad(place, fmt::format("{}: no system-call profile {}", key_, quote(text)),
                   suggestion(text, known));
      }
      case Kind::kSyscallList: {
        if (sys::is_syscall_name(text)) return text;
        const std::string nearest = sys::nearest_syscall(text);
        return bad(place, fmt::format("{}: unknown system call {}", key_, quote(text)),
                   nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest));
      }
      case Kind::kName:
        if (is_name(text)) return text;
        return bad(place, fmt::format("{}: {} is not a name", key_, quote(text)),
                   "letters, digits, - _ + .");
      case Kind::kInsideDir:
        if (is_clean_inside_path(text)) return text;
        return bad(place, fmt::format("{}: {} is not a path inside the jail", key_, quote(text)),
                   "absolute, without . and .., below /");
      case Kind::kInterpreter:
        if (!text.empty() && !text.contains('/') && text.front() != '-') return text;
        [[fallthrough]];
      case Kind::kCacheDir:
      case Kind::kHostDir: {
        Result<std::string> path = absolute_path(text, layer_.directory, layer_.home);
        if (path) return *std::move(path);
        return bad(place, fmt::format("{}: {}", key_, path.error().message), path.error().hint);
      }
      case Kind::kNetworkList: {
        Result<std::string> entry = network_entry(text);
        if (entry) return *std::move(entry);
        return bad(place, fmt::format("{}: {}", key_, entry.error().message), entry.error().hint);
      }
      case Kind::kText:
      case Kind::kTextList:
      case Kind::kBool:
      case Kind::kBytes:
      case Kind::kDuration:
      case Kind::kCount:
      case Kind::kGrants:
      case Kind::kNetwork:
      case Kind::kNetworkFlag:
        break;
    }
    return text;
  }

  std::optional<Converted> convert_list(const Node& node) {
    const auto* array = node.as<Node::Array>();
    if (array == nullptr) {
      const bool mode = spec_.kind == Kind::kNetworkList && node.as<Node::Table>();
      return bad_type(node, "a list of texts",
                      mode ? "a table with a mode belongs in [runtimes.wasm.security]" : "");
    }
    std::vector<std::string> texts;
    std::vector<Place> places;
    bool good = true;
    for (const Node& element : *array) {
      const auto* text = element.as<std::string>();
      if (text == nullptr) {
        bad_type(element, "a text");
        good = false;
        continue;
      }
      std::optional<std::string> checked = check_text(*text, element.place);
      if (checked && spec_.kind != Kind::kTextList &&
          std::ranges::find(texts, *checked) != texts.end()) {
        checked = bad(element.place, fmt::format("{}: {} is listed twice", key_, quote(*text)));
      }
      good = good && checked.has_value();
      if (!checked) continue;
      texts.push_back(*std::move(checked));
      places.push_back(element.place);
    }
    if (!good) return std::nullopt;
    return Converted{.value = std::move(texts), .element_places = std::move(places)};
  }

  const KeySpec& spec_;
  std::string_view key_;
  const Layer& layer_;
  Problems& problems_;
};

}  // namespace

std::optional<Converted> convert_value(const KeySpec& spec, std::string_view key, const Node& node,
                                       const Layer& layer, Problems& problems) {
  return Converter(spec, key, layer, problems).convert(node);
}

bool is_name(std::string_view text) {
  if (text.empty() || text.front() == '-' || text.front() == '.') return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_+.").contains(c);
  });
}

}  // namespace sandpit::config
