// Lines of a descriptor, numbered, in bounded memory: a line longer than the limit is passed over
// and told as such. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sandpit::batch {

struct Line {
  std::string text;          // without its newline; empty when it was too long
  std::uint64_t number = 0;  // from 1
  std::uint64_t bytes = 0;   // that it takes in the file, its newline included
  std::uint64_t offset = 0;  // where it begins
  bool too_long = false;
  bool ended = true;  // false: the file ended before a newline came
};

class LineReader {
 public:
  // Neither descriptor is owned. Reading waits for `descriptor` and ends early, as at the end of
  // the file, when `stop` becomes readable (-1: never).
  LineReader(int descriptor, std::size_t longest, int stop = -1);

  // Nothing at the end. Error kSystem when reading fails; it is the last answer then.
  [[nodiscard]] Result<std::optional<Line>> next();
  [[nodiscard]] std::size_t longest() const { return longest_; }

 private:
  // False at the end.
  [[nodiscard]] Result<bool> fill();
  [[nodiscard]] Result<bool> wait();
  void take(std::string_view part, Line& line) const;

  int descriptor_;
  int stop_;
  std::size_t longest_;
  std::string buffer_;
  std::size_t used_ = 0;  // of the buffer
  std::uint64_t number_ = 0;
  std::uint64_t offset_ = 0;
  bool ended_ = false;
};

}  // namespace sandpit::batch
