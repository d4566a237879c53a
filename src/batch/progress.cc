#include "batch/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "batch/tally.h"

namespace sandpit::batch {
namespace {

constexpr double kWindow = 10;  // seconds
constexpr double kLeastStep = 0.1;
constexpr std::size_t kBarWidth = 24;

std::string bar(double fraction) {
  const auto filled = static_cast<std::size_t>(fraction * kBarWidth);
  std::string text(filled, '=');
  if (filled < kBarWidth) text += '>';
  text.resize(kBarWidth, ' ');
  return fmt::format("[{}]", text);
}

std::string rate_text(double rate) {
  return rate < 10 ? fmt::format("{:.1f}/s", rate) : fmt::format("{:.0f}/s", rate);
}

}  // namespace

void Rate::update(double now, double total) {
  // The last sample is replaced until it is far enough from the one before it.
  const std::size_t n = samples_.size();
  if (n >= 2 && samples_[n - 1].at - samples_[n - 2].at < kLeastStep) samples_.pop_back();
  samples_.push_back({.at = now, .total = total});
  while (samples_.size() > 2 && now - samples_[1].at >= kWindow) samples_.pop_front();
}

double Rate::per_second() const {
  if (samples_.size() < 2) return 0;
  const double time = samples_.back().at - samples_.front().at;
  return time <= 0 ? 0 : (samples_.back().total - samples_.front().total) / time;
}

std::string clock_text(double seconds) {
  constexpr std::uint64_t kMinute = 60;
  constexpr double kMost = 359999;  // 99:59:59
  const auto whole = static_cast<std::uint64_t>(std::clamp(std::ceil(seconds), 0.0, kMost));
  const std::uint64_t hours = whole / (kMinute * kMinute);
  const std::uint64_t minutes = whole / kMinute % kMinute;
  if (hours != 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, whole % kMinute);
  return fmt::format("{}:{:02}", minutes, whole % kMinute);
}

std::string progress_line(const ProgressState& state, std::size_t columns) {
  const Counts& counts = state.counts;
  std::string line;
  if (state.file_bytes && *state.file_bytes != 0) {
    const double fraction =
        std::min(1.0, static_cast<double>(counts.bytes) / static_cast<double>(*state.file_bytes));
    line = fmt::format("{} {:3.0f}% ", bar(fraction), std::floor(fraction * 100));
  }
  line += fmt::format("{} done {}", counts.results, rate_text(state.tasks_per_second));
  if (state.file_bytes && state.bytes_per_second > 0 && counts.bytes <= *state.file_bytes) {
    const auto left = static_cast<double>(*state.file_bytes - counts.bytes);
    line += fmt::format(" ETA {}", clock_text(left / state.bytes_per_second));
  }
  line += fmt::format(" | {} failed {} running", counts.failed, counts.running);
  if (counts.skipped != 0) line += fmt::format(" {} skipped", counts.skipped);
  if (counts.bad_lines != 0) line += fmt::format(" {} bad", counts.bad_lines);
  if (line.size() > columns) line.resize(columns);
  return line;
}

}  // namespace sandpit::batch
