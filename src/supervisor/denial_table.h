// The denials of one run, counted. Bounded: whatever a program tries, and however often, it takes
// so many rows and no more.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandpit/outcome.h"

namespace sandpit {

class DenialTable {
 public:
  static constexpr std::size_t kMostRows = 64;

  // True when it was there, or there was room to list it; `make` is then asked for the rest of a
  // new row.
  template <class Make>
  bool count(std::string_view call, std::string_view detail, Make make) {
    // The last one first: what is repeated a thousand times comes in a row.
    if (last_ < rows_.size() && is(rows_[last_], call, detail)) {
      ++rows_[last_].count;
      return true;
    }
    const auto found =
        std::ranges::find_if(rows_, [&](const Denial& row) { return is(row, call, detail); });
    if (found == rows_.end() && rows_.size() == kMostRows) {
      ++unlisted_;
      return false;
    }
    last_ = static_cast<std::size_t>(found - rows_.begin());
    if (found == rows_.end()) rows_.push_back(make());
    ++rows_[last_].count;
    return true;
  }

  [[nodiscard]] const std::vector<Denial>& rows() const { return rows_; }
  [[nodiscard]] std::uint64_t unlisted() const { return unlisted_; }

 private:
  static bool is(const Denial& row, std::string_view call, std::string_view detail) {
    return row.call == call && row.detail == detail;
  }

  std::vector<Denial> rows_;
  std::size_t last_ = 0;
  std::uint64_t unlisted_ = 0;
};

}  // namespace sandpit
