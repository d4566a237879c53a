// "did you mean": the known name nearest to a mistyped one. Anyone may use it.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sandpit {

// The nearest of `known` when it is near enough (edit distance with transpositions, or one a
// beginning of the other), else empty.
[[nodiscard]] std::string_view nearest_name(std::string_view typed,
                                            std::span<const std::string_view> known);

// `did you mean "x"?`, else `known: a, b, c`.
[[nodiscard]] std::string suggestion(std::string_view typed,
                                     std::span<const std::string_view> known);

}  // namespace sandpit
