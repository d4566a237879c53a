#include "service/lint_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/own_path.h"
#include "base/result.h"
#include "base/utf8.h"
#include "lint/job.h"
#include "lint/judge.h"
#include "lint/rules.h"
#include "policy/policy.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "service/lint_worker.h"
#include "service/source_input.h"

namespace sandpit {
namespace {

using std::chrono::milliseconds;

// Lint reads no more: a source larger than this is data, and the run's limits hold for it all the
// same.
constexpr std::size_t kMostLinted = 16UL << 20U;

// A run at the level `warn` waits for advice, so not for long.
constexpr milliseconds kPatience{2000};
constexpr milliseconds kShortPatience{400};
// What the worker may use of it; the rest is for starting it on a busy machine.
constexpr int kBudgetPercent = 70;

struct Screened {
  LintReport findings;
  std::optional<Error> gave_up;  // the findings are not all there are
};

Screened nothing_but(std::string why) {
  return {.gave_up = Error{.code = ErrorCode::kRefused, .message = std::move(why)}};
}

Error refusal(const LintReport& report, const std::string& display) {
  Error error;
  for (const LintFinding& finding : report) {
    std::string where = finding.line == 0
                            ? display
                            : fmt::format("{}:{}:{}", display, finding.line, finding.column);
    Error one{.code = ErrorCode::kRefused,
              .message = fmt::format("{} [{}]", finding.message, finding.rule),
              .where = std::move(where)};
    if (error.message.empty()) {
      one.hint = "--lint warn runs it all the same";
      error = std::move(one);
    } else {
      error.others.push_back(std::move(one));
    }
  }
  return error;
}

bool is_above_info(const LintFinding& finding) { return finding.severity != Severity::kInfo; }

// One line for each rule is enough before a run: the first place, and how many more there are.
LintReport first_of_each(LintReport report) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> seen;  // rule -> its place, how often
  LintReport result;
  for (LintFinding& finding : report) {
    const auto [entry, is_new] = seen.try_emplace(finding.rule, result.size(), 0);
    if (is_new) result.push_back(std::move(finding));
    ++entry->second.second;
  }
  for (const auto& [rule, place] : seen) {
    const auto& [index, count] = place;
    if (count > 1) result[index].message += fmt::format(" (and in {} more places)", count - 1);
  }
  return result;
}

std::string_view why(lint::AnswerStatus status) {
  switch (status) {
    case lint::AnswerStatus::kDone:
      break;
    case lint::AnswerStatus::kMore:
      return "there is more to find than is told";
    case lint::AnswerStatus::kTimedOut:
      return "it takes too long to parse";
    case lint::AnswerStatus::kBadQuery:
      return "a query of the rules is wrong";
    case lint::AnswerStatus::kUnknownLanguage:
      return "the rules name an unknown language";
    case lint::AnswerStatus::kFailed:
      return "the worker could not start";
  }
  return {};
}

// What the answer of a process that nobody vouches for means.
Screened read_answer(const lint::LintAnswer& answer, const std::vector<const lint::Rule*>& rules,
                     std::string_view source, const Policy& policy) {
  Screened result;
  for (const lint::RawFinding& raw : answer.findings) {
    if (!lint::is_plausible(raw, rules.size(), source.size())) {
      return nothing_but("the worker's answer makes no sense");
    }
    if (auto finding = lint::judge(*rules[raw.rule], raw, source, policy)) {
      result.findings.push_back(std::move(*finding));
    }
  }
  if (answer.status == lint::AnswerStatus::kDone) return result;
  std::string reason(why(answer.status));
  if (answer.status == lint::AnswerStatus::kBadQuery && answer.rule < rules.size()) {
    reason += fmt::format(" [{}]", rules[answer.rule]->id);
  }
  if (!answer.message.empty()) {
    reason += ": " + printable(std::string_view(answer.message).substr(0, 200));
  }
  result.gave_up = Error{.code = ErrorCode::kRefused, .message = std::move(reason)};
  return result;
}

Screened ask(const std::string& language, const std::vector<const lint::Rule*>& rules,
             std::string source, const LintSubject& subject) {
  const std::string worker = find_lint_worker();
  if (worker.empty()) return nothing_but(kNoLintWorker);
  const bool patient = subject.check || subject.policy.lint == LintLevel::kDeny;
  const milliseconds patience = patient ? kPatience : kShortPatience;
  lint::LintJob job{.language = language,
                    .budget_us = static_cast<std::uint64_t>(patience.count()) * 10 * kBudgetPercent,
                    .source = std::move(source)};
  for (const lint::Rule* rule : rules) {
    job.rules.push_back({.query = rule->query, .only_if = rule->only_if, .unless = rule->unless});
  }
  const Result<lint::LintAnswer> answer = ask_lint_worker(worker, job, patience);
  if (!answer) return nothing_but(answer.error().message);
  return read_answer(*answer, rules, job.source, subject.policy);
}

Screened screen(const LintSubject& subject, std::string text) {
  const std::string origin =
      subject.runtime.info(subject.settings, Runtime::Probe::kPathOnly).origin;
  const std::size_t slash = origin.rfind('/');
  if (slash == std::string::npos) return {};
  // The source is not told where the answer must not be "nothing": see below.
  const bool small = std::max(subject.source.size, std::uint64_t{text.size()}) <= lint::kMostSource;
  const auto loaded = lint::load_rules(
      origin.substr(0, slash),
      small && !subject.check ? std::optional<std::string_view>(text) : std::nullopt);
  if (!loaded) return nothing_but("the rules are wrong: " + loaded.error().to_string());
  if (!*loaded) return {};
  const lint::Rules& rules = **loaded;
  const auto audience = subject.check ? lint::Audience::kCheck : lint::Audience::kRun;
  std::vector<const lint::Rule*> wanted;
  for (const lint::Rule& rule : rules.rules) {
    if (lint::may_matter(rule, subject.policy, audience)) wanted.push_back(&rule);
  }
  if (!small && !wanted.empty()) {
    return nothing_but(
        fmt::format("sources above {} MiB are not parsed", lint::kMostSource >> 20U));
  }
  if (subject.check && find_lint_worker().empty()) return nothing_but(kNoLintWorker);
  std::erase_if(wanted, [&](const lint::Rule* rule) { return !lint::may_match(*rule, text); });
  // The usual case costs no process: no word of any rule is in the source.
  if (wanted.empty()) return {};
  return ask(rules.language, wanted, std::move(text), subject);
}

}  // namespace

std::string find_lint_worker() { return find_own_program("lint-worker", "SANDPIT_LINT_WORKER"); }

Result<LintReport> lint_source(const LintSubject& subject) {
  const LintLevel level = subject.policy.lint;
  if (level == LintLevel::kOff) return LintReport{};
  SP_TRY(std::string text, read_beginning(subject.source, kMostLinted));
  LintReport report = subject.runtime.lint(text);
  const bool is_text = std::ranges::none_of(
      report, [](const LintFinding& finding) { return finding.severity == Severity::kError; });
  if (is_text) {
    Screened screened = screen(subject, std::move(text));
    if (!subject.check) screened.findings = first_of_each(std::move(screened.findings));
    std::ranges::move(screened.findings, std::back_inserter(report));
    if (screened.gave_up && level == LintLevel::kDeny) {
      return fail({.code = ErrorCode::kRefused,
                   .message = "lint could not be done: " + screened.gave_up->message,
                   .where = subject.source.display,
                   .hint = "--lint warn runs it all the same"});
    }
    if (screened.gave_up) {
      report.push_back({.rule = kLintIncomplete,
                        .severity = Severity::kInfo,
                        .message = "lint gave up: " + screened.gave_up->message});
    }
  }
  if (level == LintLevel::kDeny && std::ranges::any_of(report, is_above_info)) {
    std::erase_if(report, [](const LintFinding& finding) { return !is_above_info(finding); });
    return fail(refusal(report, subject.source.display));
  }
  return report;
}

}  // namespace sandpit
