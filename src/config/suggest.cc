#include "config/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sandpit {
namespace {

constexpr std::size_t kLongest = 64;     // longer names are not mistyped keys
constexpr std::size_t kLeastPrefix = 3;  // shorter beginnings say nothing

// Optimal string alignment: insert, delete, replace, swap two neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> previous(b.size() + 1);
  std::vector<std::size_t> current(b.size() + 1);
  std::iota(previous.begin(), previous.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view typed, std::span<const std::string_view> known) {
  if (typed.empty() || typed.size() > kLongest) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, typed.size() / 3) + 1;
  for (const std::string_view name : known) {
    const std::size_t distance = edit_distance(typed, name);
    if (distance < best_distance && distance < std::max(typed.size(), name.size())) {
      best = name;
      best_distance = distance;
    }
  }
  if (!best.empty() || typed.size() < kLeastPrefix) return best;
  const auto prefixed = std::ranges::find_if(known, [&](std::string_view name) {
    return name.starts_with(typed) || typed.starts_with(name);
  });
  return prefixed == known.end() ? std::string_view{} : *prefixed;
}

std::string suggestion(std::string_view typed, std::span<const std::string_view> known) {
  const std::string_view nearest = nearest_name(typed, known);
  if (!nearest.empty()) return fmt::format("did you mean \"{}\"?", nearest);
  return known.empty() ? std::string{} : fmt::format("known: {}", fmt::join(known, ", "));
}

}  // namespace sandpit
