#include "config/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/result.h"
#include "base/utf8.h"
#include "sandpit/units.h"

namespace sandpit {
namespace {

struct Unit {
  std::string_view name;  // lower case
  std::uint64_t factor;
};

constexpr std::array<Unit, 13> kByteUnits = {{{"b", 1},
                                              {"k", 1ULL << 10U},
                                              {"kb", 1ULL << 10U},
                                              {"kib", 1ULL << 10U},
                                              {"m", 1ULL << 20U},
                                              {"mb", 1ULL << 20U},
                                              {"mib", 1ULL << 20U},
                                              {"g", 1ULL << 30U},
                                              {"gb", 1ULL << 30U},
                                              {"gib", 1ULL << 30U},
                                              {"t", 1ULL << 40U},
                                              {"tb", 1ULL << 40U},
                                              {"tib", 1ULL << 40U}}};
constexpr std::array<Unit, 5> kTimeUnits = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"min", 60'000}, {"h", 3'600'000}}};

// Beyond this a double has no exact whole numbers; far above every range that a key allows.
constexpr double kMost = 9007199254740992.0;

Error problem(std::string message, std::string_view hint) {
  return Error{.code = ErrorCode::kUsage,
               .message = std::move(message),
               .where = {},
               .hint = std::string(hint)};
}

template <std::size_t N>
Result<std::uint64_t> parse(std::string_view text, const std::array<Unit, N>& units,
                            std::string_view known) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  const char* const begin = text.data();
  const char* const stop = begin + digits;
  const auto [end, status] = std::from_chars(begin, stop, number, std::chars_format::fixed);
  if (digits == 0 || status != std::errc() || end != stop) {
    return fail(problem(fmt::format(R"("{}" is not a number with a unit)", text), known));
  }
  std::string_view unit_text = text.substr(digits);
  while (unit_text.starts_with(' ')) unit_text.remove_prefix(1);
  if (unit_text.empty()) {
    return fail(problem(fmt::format("\"{}\" has no unit", text), known));
  }
  const std::string wanted = ascii_lower(unit_text);
  const auto unit = std::ranges::find(units, wanted, &Unit::name);
  if (unit == units.end()) {
    return fail(problem(fmt::format(R"(unknown unit "{}" in "{}")", unit_text, text), known));
  }
  const double product = number * static_cast<double>(unit->factor);
  if (!(product <= kMost)) {
    return fail(problem(fmt::format("\"{}\" is too large", text), {}));
  }
  return static_cast<std::uint64_t>(std::llround(product));
}

}  // namespace

Result<ByteCount> parse_bytes(std::string_view text) {
  SP_TRY(const std::uint64_t count, parse(text, kByteUnits, "units: B, KiB, MiB, GiB, TiB"));
  return ByteCount::bytes(count);
}

Result<Milliseconds> parse_duration(std::string_view text) {
  SP_TRY(const std::uint64_t count, parse(text, kTimeUnits, "units: ms, s, m, h"));
  return Milliseconds{static_cast<Milliseconds::rep>(count)};
}

}  // namespace sandpit
