// What a batch has done so far, and its summary. Tally is safe from several threads; the rest is
// pure.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "batch/histogram.h"
#include "sandpit/outcome.h"

namespace sandpit::batch {

struct StatusTally {
  std::uint64_t count = 0;
  Histogram wall;    // microseconds
  Histogram cpu;     // microseconds
  Histogram memory;  // bytes
};

struct Counts {
  std::uint64_t results = 0;
  std::uint64_t failed = 0;   // of them: a verdict other than accepted; without one, no exit with 0
  std::uint64_t not_run = 0;  // of them: nothing ran for a reason that is not the program's
  std::uint64_t bad_lines = 0;
  std::uint64_t skipped = 0;  // had a result already
  std::uint64_t running = 0;
  std::uint64_t bytes = 0;          // of the lines that are done with
  std::uint64_t skipped_bytes = 0;  // of them: lines that were skipped
};

struct Totals {
  Counts counts;
  std::uint64_t nonzero = 0;  // exited with another code than 0
  std::map<Status, StatusTally> statuses;
  std::map<std::string, std::uint64_t> verdicts;
  std::map<std::string, std::uint64_t> starts;  // warm, cold: of those that ran
};

class Tally {
 public:
  void started();
  // `ran`: false when the task never became a run.
  void finished(const Outcome& outcome, const std::optional<std::string>& verdict, bool ran,
                std::uint64_t bytes);
  // It had begun and has no result.
  void abandoned();
  void bad_line(std::uint64_t bytes);
  void skipped(std::uint64_t bytes);
  void passed(std::uint64_t bytes);  // a line with nothing on it

  [[nodiscard]] Counts counts() const;
  [[nodiscard]] Totals totals() const;

 private:
  mutable std::mutex mutex_;
  Totals totals_;
};

// Is it what the task was to do: accepted, or without an expectation an exit with 0?
[[nodiscard]] bool succeeded(const Outcome& outcome, const std::optional<std::string>& verdict);

// "accepted", "wrong_answer", or the status: of a program that did not end by itself with 0 there
// is no answer to compare. Byte for byte; a truncated output is no answer either.
[[nodiscard]] std::optional<std::string> verdict_of(const std::optional<std::string>& expected,
                                                    const Outcome& outcome);

}  // namespace sandpit::batch
