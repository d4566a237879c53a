// lint-worker: parses one source and says where the rules' queries match. job.h says which
// descriptors it is started with; it takes no argument. Not for people.
//
// The order matters: the job is mapped, which reads nothing of it; then the worker locks itself in;
// only then it looks at the first byte.
#include <sandpit_lint.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/binary.h"
#include "base/memory_file.h"
#include "base/result.h"
#include "lint/job.h"
#include "lint/lockdown.h"
#include "sandpit/error.h"

namespace sandpit::lint {
namespace {

constexpr std::uint64_t kMemory = 512ULL << 20U;
// A tree takes up to some forty times the bytes of its source.
constexpr std::uint64_t kMemoryForEachByte = 64;
constexpr std::uint64_t kCpuSeconds = 3;

sandpit_lint_text text_of(const std::string& text) {
  return {.data = text.data(), .size = text.size()};
}

AnswerStatus status_of(std::uint32_t status) {
  switch (status) {
    case SANDPIT_LINT_DONE:
      return AnswerStatus::kDone;
    case SANDPIT_LINT_MORE:
      return AnswerStatus::kMore;
    case SANDPIT_LINT_TIMED_OUT:
      return AnswerStatus::kTimedOut;
    case SANDPIT_LINT_BAD_QUERY:
      return AnswerStatus::kBadQuery;
    case SANDPIT_LINT_UNKNOWN_LANGUAGE:
      return AnswerStatus::kUnknownLanguage;
    default:
      return AnswerStatus::kFailed;
  }
}

LintAnswer screen(const LintJob& job) {
  std::vector<sandpit_lint_rule> rules;
  rules.reserve(job.rules.size());
  for (const JobRule& rule : job.rules) {
    rules.push_back({.query = text_of(rule.query),
                     .only_if = text_of(rule.only_if),
                     .unless = text_of(rule.unless)});
  }
  std::array<sandpit_lint_finding, kMostFindings> findings{};
  const sandpit_lint_request request{.language = text_of(job.language),
                                     .source = text_of(job.source),
                                     .rules = rules.data(),
                                     .rule_count = rules.size(),
                                     .budget_us = job.budget_us,
                                     .findings = findings.data(),
                                     .capacity = findings.size()};
  sandpit_lint_result result{};
  sandpit_lint_run(&request, &result);
  LintAnswer answer{.status = status_of(result.status),
                    .rule = result.rule,
                    .message = {result.message, result.message_size},
                    .parse_us = result.parse_us};
  for (std::size_t i = 0; i < result.found; ++i) {
    const sandpit_lint_finding& found = findings.at(i);
    answer.findings.push_back({.rule = found.rule,
                               .start = found.start,
                               .end = found.end,
                               .what_start = found.what_start,
                               .what_end = found.what_end,
                               .literal_start = found.literal_start,
                               .literal_end = found.literal_end});
  }
  return answer;
}

LintAnswer failed(std::string message) {
  return {.status = AnswerStatus::kFailed, .message = std::move(message)};
}

LintAnswer work() {
  const std::uint64_t size = size_of_file(kJobDescriptor);
  const Result<FileView> file = FileView::map(kJobDescriptor, size);
  if (!file) return failed(file.error().message);
  constexpr std::array kKeep{kAnswerDescriptor};
  const auto locked = lock_in(
      {.keep = kKeep, .memory = kMemory + kMemoryForEachByte * size, .cpu_seconds = kCpuSeconds});
  if (!locked) return failed(locked.error().message);
  LintJob job;
  binary::Reader reader(file->bytes());
  reader(job);
  if (!reader.finished()) return failed("the job is not well-formed");
  return screen(job);
}

}  // namespace
}  // namespace sandpit::lint

int main() {
  // A caller that went away is no crash worth a line in the kernel's log.
  (void)::signal(SIGPIPE, SIG_IGN);
  sandpit::binary::Writer writer;
  writer(sandpit::lint::work());
  const std::string answer = std::move(writer).take();
  const ssize_t written = ::write(sandpit::lint::kAnswerDescriptor, answer.data(), answer.size());
  ::_exit(written == static_cast<ssize_t>(answer.size()) ? 0 : 1);
}
