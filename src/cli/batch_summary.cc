#include "cli/batch_summary.h"

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/outcome_text.h"
#include "batch/histogram.h"
#include "batch/tally.h"
#include "cli/table.h"
#include "sandpit/outcome.h"
#include "sandpit/units.h"

namespace sandpit::cli {
namespace {

constexpr double kMedian = 0.5;
constexpr double kHigh = 0.9;
constexpr double kHighest = 0.99;

template <class ToText>
void add_percentiles(const batch::Histogram& histogram, ToText to_text,
                     std::vector<std::string>& cells) {
  for (const double fraction : {kMedian, kHigh, kHighest}) {
    cells.push_back(histogram.count() == 0 ? "-" : to_text(histogram.percentile(fraction)));
  }
  cells.push_back(histogram.count() == 0 ? "-" : to_text(histogram.max()));
}

void add_row(const std::string& name, const batch::StatusTally& tally, Table& table) {
  const auto time = [](std::uint64_t us) {
    return to_text(Microseconds(static_cast<Microseconds::rep>(us)));
  };
  const auto size = [](std::uint64_t bytes) { return to_text(ByteCount::bytes(bytes)); };
  std::vector<std::string> cells = {name, fmt::format("{}", tally.count)};
  add_percentiles(tally.wall, time, cells);
  add_percentiles(tally.memory, size, cells);
  table.add(std::move(cells));
}

std::string head_line(const batch::Totals& totals, double seconds) {
  const batch::Counts& counts = totals.counts;
  const double rate = seconds > 0 ? static_cast<double>(counts.results) / seconds : 0;
  std::string text = fmt::format("{} result{} in {:.1f} s ({:.1f}/s)", counts.results,
                                 counts.results == 1 ? "" : "s", seconds, rate);
  if (counts.skipped != 0) text += fmt::format(", {} skipped: done before", counts.skipped);
  if (counts.bad_lines != 0) {
    text += fmt::format(", {} bad line{}", counts.bad_lines, counts.bad_lines == 1 ? "" : "s");
  }
  if (counts.not_run != 0) text += fmt::format(", {} that could not be run", counts.not_run);
  if (totals.nonzero != 0) {
    text += fmt::format(", {} exited with another code than 0", totals.nonzero);
  }
  return text + "\n";
}

}  // namespace

std::string batch_summary(const batch::Totals& totals, double seconds, Colour colour) {
  std::string text = head_line(totals, seconds);
  const auto add_line = [&](const char* name, const std::map<std::string, std::uint64_t>& counts) {
    std::string list;
    for (const auto& [word, count] : counts) {
      list += fmt::format("{}{} {}", list.empty() ? "" : ", ", count, word);
    }
    if (!list.empty()) text += fmt::format("{}: {}\n", name, list);
  };
  add_line("verdicts", totals.verdicts);
  add_line("starts", totals.starts);
  if (totals.statuses.empty()) return text;
  Table table(
      {"STATUS", "TASKS", "TIME p50", "p90", "p99", "max", "MEMORY p50", "p90", "p99", "max"},
      colour);
  batch::StatusTally all;
  for (const auto& [status, tally] : totals.statuses) {
    add_row(to_string(status), tally, table);
    all.count += tally.count;
    all.wall.merge(tally.wall);
    all.memory.merge(tally.memory);
  }
  if (totals.statuses.size() > 1) add_row("all", all, table);
  return text + table.text();
}

}  // namespace sandpit::cli
