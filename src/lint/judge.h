// A finding of a rule compared with what the run may do: what it is allowed is no finding. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lint/job.h"
#include "lint/rules.h"
#include "policy/policy.h"
#include "sandpit/runtime.h"

namespace sandpit::lint {

// `sandpit check` shows everything there is to know; a run hears of what it may stumble over.
enum class Audience : std::uint8_t { kCheck, kRun };

// Can any finding of this rule matter? False: the rule need not be looked for at all.
[[nodiscard]] bool may_matter(const Rule& rule, const Policy& policy, Audience audience);

// Does the source hold one of the rule's names?
[[nodiscard]] bool may_match(const Rule& rule, std::string_view source);

// Are the offsets of an answer, which nobody vouches for, places in this source and of a rule?
[[nodiscard]] bool is_plausible(const RawFinding& raw, std::size_t rules, std::size_t source);

// The finding in words; nothing when the policy allows it. `raw` must be plausible.
[[nodiscard]] std::optional<LintFinding> judge(const Rule& rule, const RawFinding& raw,
                                               std::string_view source, const Policy& policy);

}  // namespace sandpit::lint
