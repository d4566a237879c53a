// The progress line as text. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "batch/tally.h"

namespace sandpit::batch {

// How fast a number has grown over the last ten seconds.
class Rate {
 public:
  // At this moment (seconds of a clock that never goes back) it is `total`.
  void update(double now, double total);
  // 0 until two moments are known.
  [[nodiscard]] double per_second() const;

 private:
  struct Sample {
    double at = 0;
    double total = 0;
  };
  std::deque<Sample> samples_;  // the oldest first, at least a tenth of a second apart
};

struct ProgressState {
  Counts counts;
  std::optional<std::uint64_t> file_bytes;  // of all tasks; empty: unknown (a pipe)
  double tasks_per_second = 0;
  double bytes_per_second = 0;  // without the skipped ones
};

// "[=====>    ]  43% 1234 done 81/s ETA 3:20 | 12 failed 4 running 1 bad", cut to `columns`.
[[nodiscard]] std::string progress_line(const ProgressState& state, std::size_t columns);

// "0:07", "3:20", "2:05:00".
[[nodiscard]] std::string clock_text(double seconds);

}  // namespace sandpit::batch
