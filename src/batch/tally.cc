#include "batch/tally.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "sandpit/outcome.h"

namespace sandpit::batch {

bool succeeded(const Outcome& outcome, const std::optional<std::string>& verdict) {
  if (verdict) return *verdict == "accepted";
  return outcome.status == Status::kExited && outcome.exit_code == 0;
}

std::optional<std::string> verdict_of(const std::optional<std::string>& expected,
                                      const Outcome& outcome) {
  if (!expected) return std::nullopt;
  if (outcome.status != Status::kExited || outcome.exit_code != 0) {
    return to_string(outcome.status);
  }
  const bool same = !outcome.stdout_truncated && outcome.stdout_text == *expected;
  return same ? "accepted" : "wrong_answer";
}

void Tally::started() {
  const std::scoped_lock lock(mutex_);
  ++totals_.counts.running;
}

void Tally::abandoned() {
  const std::scoped_lock lock(mutex_);
  --totals_.counts.running;
}

void Tally::finished(const Outcome& outcome, const std::optional<std::string>& verdict, bool ran,
                     std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  Counts& counts = totals_.counts;
  --counts.running;
  ++counts.results;
  counts.bytes += bytes;
  if (!succeeded(outcome, verdict)) ++counts.failed;
  if (!ran || outcome.status == Status::kSandboxError) ++counts.not_run;
  if (outcome.status == Status::kExited && outcome.exit_code != 0) ++totals_.nonzero;
  if (verdict) ++totals_.verdicts[*verdict];
  StatusTally& status = totals_.statuses[outcome.status];
  ++status.count;
  if (outcome.status == Status::kRefused || outcome.status == Status::kSandboxError) return;
  ++totals_.starts[outcome.start];
  status.wall.add(static_cast<std::uint64_t>(outcome.wall_time.count()));
  status.cpu.add(static_cast<std::uint64_t>(outcome.cpu_time.count()));
  status.memory.add(outcome.peak_memory.count());
}

void Tally::bad_line(std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  ++totals_.counts.bad_lines;
  totals_.counts.bytes += bytes;
}

void Tally::skipped(std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  ++totals_.counts.skipped;
  totals_.counts.bytes += bytes;
  totals_.counts.skipped_bytes += bytes;
}

void Tally::passed(std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  totals_.counts.bytes += bytes;
  totals_.counts.skipped_bytes += bytes;
}

Counts Tally::counts() const {
  const std::scoped_lock lock(mutex_);
  return totals_.counts;
}

Totals Tally::totals() const {
  const std::scoped_lock lock(mutex_);
  return totals_;
}

}  // namespace sandpit::batch
