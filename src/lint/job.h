// What the lint worker is started with and what it answers (worker_main.cc,
// service/lint_worker.cc). The answer comes from a process that has read a hostile source: believe
// nothing in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/binary.h"

namespace sandpit::lint {

// The worker's descriptors. It has no others, and closes the first once the job is mapped.
inline constexpr int kJobDescriptor = 3;     // a sealed memory file: LintJob
inline constexpr int kAnswerDescriptor = 4;  // a pipe: LintAnswer, then its end

inline constexpr std::size_t kMostSource = 1UL << 20U;
inline constexpr std::size_t kMostFindings = 200;
// Above 200 findings and a message, below what a pipe takes at once: the worker never waits for us.
inline constexpr std::size_t kMostAnswer = 32UL << 10U;

struct JobRule {
  std::string query;
  std::string only_if;
  std::string unless;
};

struct LintJob {
  std::string language;
  std::vector<JobRule> rules;
  std::uint64_t budget_us = 0;  // for parse and queries; with what was found by then it answers
  std::string source;
};

enum class AnswerStatus : std::uint8_t {
  kDone,
  kMore,      // there are more findings than kMostFindings
  kTimedOut,  // the budget is used up; what was found until then is there
  kBadQuery,  // of `rule`, see `message`
  kUnknownLanguage,
  kFailed,  // the worker could not lock itself in, or its job was not well-formed
};

// Byte offsets into the source; an empty range was not captured.
struct RawFinding {
  std::uint32_t rule = 0;
  std::uint32_t start = 0, end = 0;
  std::uint32_t what_start = 0, what_end = 0;
  std::uint32_t literal_start = 0, literal_end = 0;
};

struct LintAnswer {
  AnswerStatus status = AnswerStatus::kFailed;
  std::uint32_t rule = 0;
  std::string message;
  std::uint64_t parse_us = 0;
  std::vector<RawFinding> findings;
};

template <class Archive, binary::Is<JobRule> T>
void describe(Archive& archive, T& value) {
  archive(value.query, value.only_if, value.unless);
}
template <class Archive, binary::Is<LintJob> T>
void describe(Archive& archive, T& value) {
  archive(value.language, value.rules, value.budget_us, value.source);
}
template <class Archive, binary::Is<RawFinding> T>
void describe(Archive& archive, T& value) {
  archive(value.rule, value.start, value.end, value.what_start, value.what_end, value.literal_start,
          value.literal_end);
}
template <class Archive, binary::Is<LintAnswer> T>
void describe(Archive& archive, T& value) {
  archive(value.status, value.rule, value.message, value.parse_us, value.findings);
}

}  // namespace sandpit::lint
